"""Reading VLM features: normalisation, the learned sum over layers, and projection to an adapter's width."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import rms_norm

from adapters.layers import PlacedTokens
from adapters.model_pair import ModelPair
from adapters.types import VLMFeatures


class LayerSum(nn.Module):
    """Learned weighted sum over VLM layers, each normalised first.

    Hidden states of a VLM are orders of magnitude larger than a text encoder's and grow with depth; RMS normalisation
    makes every layer, and every VLM, count alike.

    Args:
        layers: number of layers; the sum starts as their mean.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.full((layers,), 1 / layers))

    def forward(self, tokens: Float[Tensor, "batch layer length dim"]) -> Float[Tensor, "batch length dim"]:
        """One state per token."""
        normalised = rms_norm(tokens.float(), tokens.shape[-1:], eps=1e-6).to(self.weights.dtype)
        return torch.einsum("l,blnd->bnd", self.weights, normalised)


def last_token(states: Float[Tensor, "batch length dim"], features: VLMFeatures) -> Float[Tensor, "batch dim"]:
    """State of each prompt's last token, the one that has read the clip and the instruction."""
    place = torch.arange(features.mask.shape[1], device=states.device)
    last = torch.where(features.mask, place, -1).amax(dim=1)
    return states[torch.arange(len(states), device=states.device), last]


class FeatureReader(nn.Module):
    """VLM tokens and pre-merger patches as one memory of an adapter's width.

    Args:
        pairing: the models the adapter joins.
        width: channels of the memory.
    """

    def __init__(self, *, pairing: ModelPair, width: int) -> None:
        super().__init__()
        self.pairing = pairing
        self.layer_sum = LayerSum(len(pairing.vlm_layers))
        self.token_projection = nn.Linear(pairing.vlm_hidden_size, width)
        self.patch_projection = nn.Linear(pairing.vlm_vision_size, width)

    def forward(self, features: VLMFeatures) -> PlacedTokens:
        """The memory: prompt tokens, then patches."""
        self.pairing.check(features)
        tokens = self.token_projection(self.layer_sum(features.tokens))
        patches = rms_norm(features.patches.float(), features.patches.shape[-1:], eps=1e-6).to(tokens.dtype)
        patches = self.patch_projection(patches)
        everywhere = torch.ones(patches.shape[:2], dtype=torch.bool, device=patches.device)
        return PlacedTokens(
            torch.cat([tokens, patches], dim=1),
            torch.cat([features.mask, everywhere], dim=1),
            torch.cat([features.coordinates, features.patch_coordinates], dim=2),
            torch.cat([features.vision, everywhere], dim=1),
        )


def pool_near(
    states: Float[Tensor, "batch length dim"],
    features: VLMFeatures,
    targets: Float[Tensor, "batch axis=3 token"],
    bandwidth: tuple[float, float, float],
) -> Float[Tensor, "batch token dim"]:
    """Mean of the vision tokens around each target, weighted by exp(−d²/2).

    Args:
        states: one state per token of the prompt.
        features: which tokens see, and where.
        targets: seconds, pixel rows and pixel columns.
        bandwidth: the distance, per axis in seconds, rows and columns, that counts as d = 1.
    """
    scale = torch.tensor(bandwidth, device=targets.device)[:, None, None]
    offset = (rearrange(targets, "b a n -> b a n 1") - rearrange(features.coordinates, "b a k -> b a 1 k")) / scale
    score = -offset.square().sum(dim=1) / 2
    score = score.masked_fill(~features.vision[:, None], torch.finfo(score.dtype).min)
    return score.softmax(dim=-1).to(states.dtype) @ states


def seconds_ahead(
    features: VLMFeatures, targets: Float[Tensor, "batch axis=3 token"]
) -> Float[Tensor, "batch token 1"]:
    """Seconds from the last token the VLM saw to each target."""
    seen = features.coordinates[:, 0].masked_fill(~features.vision, torch.finfo(torch.float32).min).amax(dim=1)
    return (targets[:, 0] - seen[:, None])[..., None]
