"""Multi-head attention whose queries and keys are normalised over the whole width before the head split."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from ltx.attend import attend
from ltx.bare import is_bare
from ltx.transformer.rope import rotate, rotate_

QK_NORM_EPS = 1e-5


class KeysValues(NamedTuple):
    """Keys (normalised) and values of the text, split into heads: what a block keeps for a whole sampling run."""

    keys: Float[Tensor, "batch head length head_dim"]
    values: Float[Tensor, "batch head length head_dim"]


class QueryKeyNorm(nn.Module):
    """RMSNorm over all channels with a weight, which follows the vectors' dtype so that autocast keeps one kernel."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, vectors: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """Divide by the root mean square and scale."""
        return F.rms_norm(vectors, self.weight.shape, self.weight.to(vectors.dtype), QK_NORM_EPS)


class Attention(nn.Module):
    """The projections of one attention: q and k with RMSNorm over all channels, v plain, and the output projection.

    Self-attention calls `rotated` and `attend`; cross-attention keeps `keys_values` between steps.
    """

    def __init__(self, *, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.q_norm = QueryKeyNorm(width=width)
        self.k_norm = QueryKeyNorm(width=width)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def queries(self, inputs: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """Normalised queries, heads not yet split."""
        queries: Tensor = self.q_norm(self.to_q(inputs))
        return queries

    def keys(self, inputs: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """Normalised keys, heads not yet split."""
        keys: Tensor = self.k_norm(self.to_k(inputs))
        return keys

    def norms(self) -> Float[Tensor, "part=2 1 1 width"]:
        """Weights of both norms in float32, for `rotated`."""
        return torch.stack((self.q_norm.weight, self.k_norm.weight)).float()[:, None, None]

    def rotated(
        self,
        inputs: Float[Tensor, "batch token width"],
        rotation: Float[Tensor, "#batch token pair part=2"],
        norms: Float[Tensor, "part=2 1 1 width"] | None,
    ) -> tuple[Float[Tensor, "batch token width"], Float[Tensor, "batch token width"]]:
        """Normalised and rotated queries and keys.

        With the weights of both norms at hand, and no gradient wanted, both are projected into one tensor, normalised
        and rotated together: half the kernels, and in half precision a single round trip through float32. That needs
        bare projections: a LoRA on one is heard only by calling it (see `is_bare`).
        """
        if norms is None or torch.is_grad_enabled() or torch.compiler.is_compiling() or not self._bare(inputs.dtype):
            return rotate(self.queries(inputs), rotation), rotate(self.keys(inputs), rotation)
        both = inputs.new_empty(2, *inputs.shape)
        for part, linear in zip(both, (self.to_q, self.to_k), strict=True):
            torch.addmm(linear.bias, inputs.flatten(0, 1), linear.weight.t(), out=part.flatten(0, 1))
        normed = F.rms_norm(both, inputs.shape[-1:], eps=QK_NORM_EPS) * norms
        queries, keys = rotate_(normed, rotation).to(inputs.dtype)
        return queries, keys

    def _bare(self, dtype: torch.dtype) -> bool:
        """True if queries and keys are what the weights of two plain projections make of inputs of this type."""
        return all(is_bare(layer, nn.Linear) and layer.weight.dtype == dtype for layer in (self.to_q, self.to_k))

    def values(self, inputs: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """Values, heads not yet split."""
        values: Tensor = self.to_v(inputs)
        return values

    def split(self, vectors: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch head token head_dim"]:
        """Vectors split into heads (a view)."""
        return rearrange(vectors, "b n (h d) -> b h n d", h=self.heads)

    def keys_values(self, context: Float[Tensor, "batch length width"]) -> KeysValues:
        """Keys and values of a context, ready for `attend`."""
        return KeysValues(self.split(self.keys(context)), self.split(self.values(context)))

    def attend(
        self,
        queries: Float[Tensor, "batch token width"],
        memory: KeysValues,
        bias: Float[Tensor, "#batch 1 1 length"] | None = None,
    ) -> Float[Tensor, "batch token width"]:
        """softmax(q kᵀ / √head_dim + bias) v, heads merged, before the output projection."""
        split = self.split(queries)
        keys, values = (part.expand(split.shape[0], -1, -1, -1) for part in memory)
        mixed = attend(split, keys, values, bias)
        return rearrange(mixed, "b h n d -> b n (h d)")
