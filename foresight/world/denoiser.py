"""The future as a denoising problem: what is given stays in the sequence, only the future's tokens are asked for."""

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
class Given:
    """All that a prediction is conditioned on. The sequence is [reference tokens, context, future].

    Args:
        latents: tokens of the context's latents.
        noise_level: the timestep told for them; 0 for a clean context.
        coordinates: seconds, pixel rows and pixel columns of context and future tokens.
        text: states for cross-attention, from the text encoder and the adapter.
        text_mask: which of them count.
        reference: tokens in front of the sequence, if the adapter gives some.
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
    ) -> Given:
        """Put together context, text and what an adapter returned."""
        states, mask = text.embeddings, text.mask
        if conditioning.context is not None:
            states, mask = conditioning.context.join(states, mask)
        reference = None
        if conditioning.reference is not None:
            places = coordinates[:, :, : latents.shape[1]]
            reference = conditioning.reference.join(latents, places, noise_level)
        return cls(latents, noise_level, coordinates, states, mask, reference)

    def repeat(self, times: int) -> Given:
        """Each row `times` times in a row."""
        return self.select([row for row in range(len(self.latents)) for _ in range(times)])

    def select(self, rows: Sequence[int]) -> Given:
        """The given rows, in this order; a row may come several times."""
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
    given: Given,
    future: Float[Tensor, "batch token channel"],
    timesteps: Float[Tensor, "batch token"],
) -> Float[Tensor, "batch token channel"]:
    """Velocity of noisy future tokens, with gradients: what training calls.

    A frozen transformer may be held in half precision, which its layers want to be given; what comes out has the type
    that went in.
    """
    dtype = next(transformer.parameters()).dtype
    tokens, times = given.sequence(future.to(dtype), timesteps)
    velocity: Tensor = transformer(tokens, times, given.places, given.text.to(dtype), given.text_mask)
    return velocity[:, -future.shape[1] :].to(future.dtype)


class FutureDenoiser:
    """The same velocity for sampling: what does not change between steps is computed once.

    Args:
        transformer: predicts velocities.
        given: what the prediction is conditioned on.
    """

    def __init__(self, transformer: VideoTransformer, given: Given) -> None:
        self.transformer = transformer
        self.given = given
        self.dtype = dtype_of(transformer)
        self.cache = transformer.prepare(given.places, given.text.to(self.dtype), given.text_mask)

    def __call__(
        self, tokens: Float[Tensor, "batch token channel"], timesteps: Float[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token channel"]:
        """Velocity of the future's tokens."""
        sequence, times = self.given.sequence(tokens.to(self.dtype), timesteps)
        velocity = self.transformer.denoise(sequence, times, self.cache)
        return velocity[:, -tokens.shape[1] :].to(tokens.dtype)


class FutureBranches:
    """The future under what is given, and under the same context with other text and no adapter, for guidance.

    Args:
        transformer: predicts velocities.
        given: what the prediction is conditioned on.
        without: text of the negative branch.
    """

    def __init__(self, transformer: VideoTransformer, given: Given, without: TextConditioning) -> None:
        self.positive = FutureDenoiser(transformer, given)
        bare = replace(given, text=without.embeddings, text_mask=without.mask, reference=None)
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
        without = self.negative(tokens, timesteps) if negative else None
        return Branches(positive=self.positive(tokens, timesteps), negative=without)
