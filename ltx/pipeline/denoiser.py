"""The transformer as the guidance sees it: one batch for all branches of a step."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.flow import Branches, SkipMode
from ltx.offload import device_of, dtype_of
from ltx.text import TextConditioning
from ltx.transformer import TimestepGroups, VideoTransformer
from ltx.transformer.perturb import SkipLayers


class TransformerBranches:
    """Evaluates the branches of a step; positions, text and which tokens share their times are prepared once.

    Args:
        transformer: the model.
        coordinates: of every token, extra ones included.
        strength: conditioning strength of every token: those of equal strength have equal timesteps at every step.
        positive: the prompt, one row for each sample.
        negative: the negative prompt, likewise; None if no step will ask for it.

    Raises:
        ValueError: if the sizes do not fit the transformer, or the prompts differ in number.
    """

    def __init__(
        self,
        transformer: VideoTransformer,
        coordinates: Float[Tensor, "batch axis=3 token"],
        strength: Float[Tensor, "batch token"],
        positive: TextConditioning,
        negative: TextConditioning | None,
    ) -> None:
        if negative is not None and len(negative) != len(positive):
            raise ValueError(f"expected {len(positive)} negative prompts, one for each prompt, got {len(negative)}")
        self.transformer = transformer
        self.batch = len(positive)
        self.has_negative = negative is not None
        device = device_of(transformer)
        text = positive if negative is None else TextConditioning.stack([negative, positive])
        text = text.to(device, dtype_of(transformer))
        copies = len(text) // self.batch
        cache = transformer.prepare(
            _repeated(coordinates, copies).to(device),
            text.embeddings,
            text.mask,
            groups=TimestepGroups.of(_repeated(strength, copies).to(device)),
        )
        first = len(text) - self.batch
        self._both = cache
        self._positive = cache.take(tuple(range(first, len(text))))

    @torch.no_grad()
    def __call__(
        self,
        tokens: Float[Tensor, "batch token channel"],
        timesteps: Float[Tensor, "batch token"],
        *,
        negative: bool,
        perturbed_blocks: tuple[int, ...],
        skip_mode: SkipMode = SkipMode.ATTENTION_VALUES,
    ) -> Branches:
        """The positive branch, the negative one if asked for, the perturbed one if blocks are named.

        Raises:
            ValueError: if a negative branch is asked for and no negative prompt was given.
        """
        if negative and not self.has_negative:
            raise ValueError("expected a negative prompt, because the guidance has a scale above 1; got none")
        copies = 2 if negative else 1
        cache = self._both if negative else self._positive
        stacked = tokens.to(dtype_of(self.transformer)).repeat(copies, 1, 1)
        times = timesteps.repeat(copies, 1)
        rows = tuple(range((copies - 1) * self.batch, copies * self.batch))
        perturbed = None
        if perturbed_blocks:
            skip = SkipLayers(perturbed_blocks, skip_mode, rows)
            velocity, perturbed = self.transformer.denoise_both(stacked, times, cache, skip)
        else:
            velocity = self.transformer.denoise(stacked, times, cache)
        return Branches(velocity[rows[0] :], velocity[: self.batch] if negative else None, perturbed)


def _repeated(samples: Float[Tensor, "batch *axes token"], copies: int) -> Float[Tensor, "row *axes token"]:
    """A row for each sample of each branch; a single one if all samples share it, which serves any batch."""
    if bool((samples == samples[:1]).all()):
        return samples[:1]
    return samples.repeat(copies, *(1,) * (samples.ndim - 1))
