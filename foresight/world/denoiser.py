"""The future as a denoising problem: context tokens stay in the sequence, only the future's tokens are denoised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from adapters.types import Conditioning, ReferenceTokens
from ltx.flow.guidance import Branches
from ltx.flow.skip_mode import SkipMode
from ltx.offload import dtype_of
from ltx.text import TextConditioning
from ltx.transformer import VideoTransformer


@dataclass(frozen=True)
class ConditionedSequence:
    """Everything that a prediction is conditioned on. The sequence is [reference tokens, context, future].

    Args:
        latents: tokens of the context's latents.
        noise_level: their timestep; 0 for a clean context.
        coordinates: seconds, pixel rows and pixel columns of context and future tokens.
        text: states for cross-attention, from the text encoder and the adapter.
        text_mask: true where a state counts.
        reference: tokens of the adapter in front of the sequence; None without.
    """

    latents: Float[Tensor, "batch context channel"]
    noise_level: float
    coordinates: Float[Tensor, "batch axis=3 token"]
    text: Float[Tensor, "batch length caption"]
    text_mask: Bool[Tensor, "batch length"]
    reference: ReferenceTokens | None

    @classmethod
    def of(
        cls,
        latents: Float[Tensor, "batch context channel"],
        coordinates: Float[Tensor, "batch axis=3 token"],
        text: TextConditioning,
        conditioning: Conditioning,
        *,
        noise_level: float = 0.0,
    ) -> ConditionedSequence:
        """Join context, text and the output of an adapter."""
        states, mask = text.embeddings, text.mask
        if conditioning.context is not None:
            states, mask = conditioning.context.join(states, mask)
        reference = None
        if conditioning.reference is not None:
            places = coordinates[:, :, : latents.shape[1]]
            reference = conditioning.reference.join(latents, places, noise_level)
        return cls(latents, noise_level, coordinates, states, mask, reference)

    def repeat(self, times: int) -> ConditionedSequence:
        """Each row `times` times in a row."""
        return self.select([row for row in range(len(self.latents)) for _ in range(times)])

    def select(self, rows: Sequence[int]) -> ConditionedSequence:
        """Chosen rows, in this order; a row may come several times."""
        index = torch.tensor(rows, device=self.latents.device)
        reference = self.reference
        if reference is not None:
            reference = replace(reference, tokens=reference.tokens[index], coordinates=reference.coordinates[index])
        chosen = {name: getattr(self, name)[index] for name in ("latents", "coordinates", "text", "text_mask")}
        return replace(self, reference=reference, **chosen)

    @property
    def places(self) -> Float[Tensor, "batch axis=3 sequence"]:
        """Coordinates of the whole sequence."""
        if self.reference is None:
            return self.coordinates
        return torch.cat([self.reference.coordinates, self.coordinates], dim=2)

    def sequence(
        self, future: Float[Tensor, "batch token channel"], timesteps: Float[Tensor, "batch token"]
    ) -> tuple[Float[Tensor, "batch sequence channel"], Float[Tensor, "batch sequence"]]:
        """Tokens and timesteps of the whole sequence, for noisy future tokens."""
        parts = [self.latents.to(future.dtype), future]
        times = [timesteps.new_full(self.latents.shape[:2], self.noise_level), timesteps]
        if self.reference is not None:
            parts.insert(0, self.reference.tokens.to(future.dtype))
            times.insert(0, timesteps.new_full(self.reference.tokens.shape[:2], self.reference.timestep))
        return torch.cat(parts, dim=1), torch.cat(times, dim=1)


def future_velocity(
    transformer: VideoTransformer,
    conditioned: ConditionedSequence,
    future: Float[Tensor, "batch token channel"],
    timesteps: Float[Tensor, "batch token"],
) -> Float[Tensor, "batch token channel"]:
    """Velocity of noisy future tokens, with gradients, for training.

    A frozen transformer may be held in half precision, which its layers then take; the velocity has the type of the
    future tokens.
    """
    dtype = next(transformer.parameters()).dtype
    tokens, times = conditioned.sequence(future.to(dtype), timesteps)
    velocity: Tensor = transformer(tokens, times, conditioned.places, conditioned.text.to(dtype), conditioned.text_mask)
    return velocity[:, -future.shape[1] :].to(future.dtype)


class FutureDenoiser:
    """Velocity of the future tokens for sampling; inputs that do not change between steps are computed once.

    Args:
        transformer: predicts velocities.
        conditioned: what the prediction is conditioned on.
    """

    def __init__(self, transformer: VideoTransformer, conditioned: ConditionedSequence) -> None:
        self.transformer = transformer
        self.conditioned = conditioned
        self.dtype = dtype_of(transformer)
        self.cache = transformer.prepare(conditioned.places, conditioned.text.to(self.dtype), conditioned.text_mask)

    def __call__(
        self, tokens: Float[Tensor, "batch token channel"], timesteps: Float[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token channel"]:
        """Velocity of the future's tokens."""
        sequence, times = self.conditioned.sequence(tokens.to(self.dtype), timesteps)
        velocity = self.transformer.denoise(sequence, times, self.cache)
        return velocity[:, -tokens.shape[1] :].to(tokens.dtype)


class FutureBranches:
    """Conditional and unconditional velocity of the future tokens, for classifier-free guidance.

    The unconditional branch has the same context with other text and no adapter.

    Args:
        transformer: predicts velocities.
        conditioned: what the prediction is conditioned on.
        unconditional: text of the unconditional branch.
    """

    def __init__(
        self, transformer: VideoTransformer, conditioned: ConditionedSequence, unconditional: TextConditioning
    ) -> None:
        self.positive = FutureDenoiser(transformer, conditioned)
        bare = replace(conditioned, text=unconditional.embeddings, text_mask=unconditional.mask, reference=None)
        self.negative = FutureDenoiser(transformer, bare)

    def __call__(
        self,
        tokens: Float[Tensor, "batch token channel"],
        timesteps: Float[Tensor, "batch token"],
        *,
        negative: bool,
        perturbed_blocks: tuple[int, ...],
        skip_mode: SkipMode = SkipMode.ATTENTION_VALUES,
    ) -> Branches:
        """Velocities of the branches that are asked for; prediction has no perturbed one.

        Raises:
            ValueError: if blocks are to be perturbed.
        """
        if perturbed_blocks:
            raise ValueError(f"expected guidance without perturbed blocks for predictions, got {perturbed_blocks}")
        opposite = self.negative(tokens, timesteps) if negative else None
        return Branches(positive=self.positive(tokens, timesteps), negative=opposite)
