"""Objective of reference tokens before the flow has learnt to read them: the future latents."""

from __future__ import annotations

import torch
from torch import Tensor

from foresight.data.batch import FeatureBatch
from foresight.training.objectives.adapter import AdaptedTransformer, check_context, known_tokens
from ltx.shapes import to_tokens


class ReferenceFit:
    """Mean squared error between reference tokens and the true latents where the adapter was asked for them.

    The flow alone teaches them slowly: its gradient says how a token shall change only as far as the transformer looks
    at it already. With a share of this objective they hold something worth looking at from early on.

    Args:
        context: latent frames that are given.
    """

    def __init__(self, *, context: int) -> None:
        check_context(context)
        self._context = context

    def __call__(self, model: AdaptedTransformer, batch: FeatureBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """The error; 1 for tokens of zeros, as latents are normalised.

        Raises:
            ValueError: if the adapter gives no reference tokens.
        """
        known = known_tokens(batch, self._context)
        clean, places = to_tokens(batch["latents"]), model.places(batch)
        targets = places[:, :, known:]
        changes = model.conditioning(batch, known).reference
        if changes is None:
            raise ValueError("expected an adapter with reference tokens (ic_lora), got one without")
        tokens = changes.join(clean[:, :known], places[:, :, :known], 0.0).tokens
        asked = torch.cdist(changes.coordinates.transpose(1, 2), targets.transpose(1, 2)).argmin(dim=2)
        truth = torch.take_along_dim(clean[:, known:], asked[:, :, None], dim=1)
        return {"loss": (tokens.float() - truth).square().mean()}
