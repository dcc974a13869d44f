"""One chunk of a future, for moves that sample it in a way of their own."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.world.prediction import Prediction
from foresight.world.rollout import Rollout
from foresight.world.world_model import WorldModel
from ltx.flow.noise import seeded
from ltx.flow.sampler import Denoiser
from ltx.shapes import TIME, LatentShape, from_tokens


class Chunk:
    """A prediction of one chunk without its sampling: conditioning before, and decoding after.

    Args:
        model: the world model.
        context: observed frames; the transformer is given as many of them as in a prediction.
        instruction: what is supposed to be done.
        shape: of the latents to sample.
        candidates: how many rows.
        seed: candidate i takes its noise from seed + i.
        steps: of a full schedule.

    Raises:
        UserError: if the latents reach beyond one chunk: what follows it would have to be drawn anew.
    """

    @torch.no_grad()
    def __init__(
        self,
        model: WorldModel,
        context: Float[Tensor, "rgb=3 context height width"],
        instruction: str,
        shape: LatentShape,
        *,
        candidates: int,
        seed: int,
        steps: int,
    ) -> None:
        if shape.frames * TIME > model.sampling_config.chunk_frames:
            raise UserError(
                expected=f"a prediction of at most {model.sampling_config.chunk_frames} frames, one chunk, to correct",
                got=f"{shape.frames * TIME} frames",
                remedy="choose a shorter horizon, or a policy that neither refines nor conforms",
            )
        self.model, self.instruction, self.shape = model, instruction, shape
        self._candidates, self._seed, self._steps = candidates, seed, steps
        seeds = [seed + index for index in range(candidates)]
        self.rollout = Rollout(model.parts, chunks=1, steps=steps, generators=seeded(seeds))
        self._seen = self.rollout.observe(context[None], [instruction], shape.frames)

    @property
    def generators(self) -> list[torch.Generator]:
        """One per candidate."""
        return self.rollout.generators

    @property
    def tokens(self) -> int:
        """Latent tokens of context and chunk."""
        return self._seen.tokens

    def denoiser(self) -> Denoiser:
        """Velocity of all candidates' tokens, guided as a prediction's is."""
        return self.rollout.denoiser(self._seen.sequence.repeat(self._candidates))

    @torch.no_grad()
    def prediction(
        self, tokens: Float[Tensor, "candidate token channel"], *, noise_level: float, passes: int, horizon: int
    ) -> Prediction:
        """Decode sampled tokens.

        Args:
            tokens: clean.
            noise_level: where the flow was entered.
            passes: how often the denoiser was asked.
            horizon: frames of the video to return.
        """
        config, latents = self.model.sampling_config, from_tokens(tokens, self.shape)
        with self.rollout.stage("decoding"):
            whole = torch.cat([self._seen.latents.repeat_interleave(self._candidates, 0), latents], dim=2)
            video = self.model.decode(whole, self.generators)[:, :, self._seen.frames.shape[2] :]
        return Prediction(
            video=video[:, :, :horizon],
            latents=latents,
            context=self._seen.frames[0],
            context_latents=self._seen.latents[0],
            features=self._seen.features,
            instruction=self.instruction,
            frame_rate=config.frame_rate,
            seed=self._seed,
            noise_level=noise_level,
            steps=self._steps,
            evaluations=passes * (2 if config.guidance > 1 else 1),
            seconds=self.rollout.seconds,
            conditions=self._seen.unforecast,
        )
