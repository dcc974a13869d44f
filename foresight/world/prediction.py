"""The record of a prediction: candidates, what they were made from, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from adapters.types import VLMFeatures
from foresight.metrics.energy import distances


@dataclass(frozen=True)
class StageSeconds:
    """Wall-clock seconds of each stage of a prediction.

    Args:
        features: the VLM reading the clip and the instruction.
        encoding: the VAE encoding the context.
        conditioning: text encoder and adapter.
        sampling: the transformer.
        decoding: the VAE decoding the candidates.
    """

    features: float = 0.0
    encoding: float = 0.0
    conditioning: float = 0.0
    sampling: float = 0.0
    decoding: float = 0.0

    @property
    def total(self) -> float:
        """All stages together."""
        return self.features + self.encoding + self.conditioning + self.sampling + self.decoding


@dataclass(frozen=True)
class Prediction:
    """Candidates for the future of one clip.

    Args:
        video: the candidates, in [−1, 1].
        latents: their normalised latents, as far as the video reaches.
        context: the observed frames that the video model was given.
        context_latents: their normalised latents.
        features: what the VLM made of the clip and the instruction; None for a model without VLM.
        instruction: what was to happen.
        frame_rate: frames per second.
        seed: candidate i was drawn with seed + i.
        noise_level: where the flow was entered; at the decoder's own level or below no transformer ran.
        steps: Euler steps a full schedule has.
        evaluations: transformer evaluations per candidate.
        seconds: what each stage took, for all clips of the batch it was made in.
        conditions: which of the adapter's "forecast", "context" and "reference" had a say; a forecast has none where
            the flow is entered at pure noise.
    """

    video: Float[Tensor, "candidate rgb=3 frame height width"]
    latents: Float[Tensor, "candidate channel latent_frame row column"]
    context: Float[Tensor, "rgb=3 context height width"]
    context_latents: Float[Tensor, "channel latent_context row column"]
    features: VLMFeatures | None
    instruction: str
    frame_rate: float
    seed: int
    noise_level: float
    steps: int
    evaluations: int
    seconds: StageSeconds
    conditions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.video.shape[0]

    @property
    def medoid(self) -> int:
        """Index of the candidate nearest to all others in latent space: the one to show when nothing was observed.

        A member of the cloud, so it is as sharp as any; the mean of the cloud would be a blur. Candidates in the middle
        come nearer the truth on average; of one or two, the first is taken.
        """
        return int(self._distances().sum(dim=1).argmin())

    @property
    def consensus(self) -> Float[Tensor, "channel latent_frame row column"]:
        """Mean of the three quarters of the candidates that lie nearest to the medoid, itself included, rounded up.

        Averaging takes the noise out of what the candidates agree on, so the mean comes nearer to the truth than any of
        them. Those that went another way are left out: in the mean of all they would be a faint second object and take
        the contrast from the first.
        """
        nearest = self._distances()[self.medoid].argsort(stable=True)
        return self.latents[nearest[: -(-3 * len(self) // 4)]].mean(dim=0)

    def _distances(self) -> Float[Tensor, "candidate candidate"]:
        """Mean squared distances of the candidates' latents."""
        flat = self.latents.flatten(1).double()[None]
        return distances(flat, flat)[0].square()
