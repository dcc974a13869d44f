"""One transformer block: modulated self-attention, plain cross-attention to the text, modulated feed-forward."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ltx.flow.skip_mode import SkipMode
from ltx.transformer.attention import Attention, KeysValues
from ltx.transformer.conditioning import add_gated, for_tokens, modulate
from ltx.transformer.embedding import VECTORS
from ltx.transformer.perturb import BlockSkip

EXPANSION = 4


class GELUProjection(nn.Module):
    """Linear, then GELU (tanh)."""

    def __init__(self, *, width: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, hidden)

    def forward(self, tokens: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token hidden"]:
        """Widen."""
        return F.gelu(self.proj(tokens), approximate="tanh")


class FeedForward(nn.Module):
    """Linear to 4× the width, GELU (tanh), Linear back. The empty middle keeps the released index of the last."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        hidden = EXPANSION * width
        self.net = nn.Sequential(GELUProjection(width=width, hidden=hidden), nn.Identity(), nn.Linear(hidden, width))

    def forward(self, tokens: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """Apply the network to each token."""
        transformed: Tensor = self.net(tokens)
        return transformed


class StepInputs(NamedTuple):
    """Everything that all blocks read in one step beside the residual stream.

    Attributes:
        modulation: the timestep's part of the six vectors of each row, 1 included in the scales.
        members: for each token the row (counted over the whole batch) it takes; None where the rows broadcast.
        rotation: from `rotation_table`.
        text: projected text.
        bias: added to the cross-attention logits; None where every text token is kept.
    """

    modulation: Float[Tensor, "batch row vector=6 width"]
    members: Int[Tensor, " flat_token"] | None
    rotation: Float[Tensor, "#batch token pair part=2"]
    text: Float[Tensor, "#batch length width"]
    bias: Float[Tensor, "#batch 1 1 length"] | None


class PreparedBlock(NamedTuple):
    """Step-invariant inputs of one block, computed before its call.

    Attributes:
        memory: keys and values of the text.
        norms: weights of self-attention's two norms, from `Attention.norms`.
        vectors: the modulation with the block's table added; None if the block is to add it.
    """

    memory: KeysValues
    norms: Float[Tensor, "part=2 1 1 width"]
    vectors: Float[Tensor, "batch row vector=6 width"] | None


class TransformerBlock(nn.Module):
    """x += gate·SelfAttn(mod(x)); x += CrossAttn(x, text); x += gate·FF(mod(x)).

    mod(x) = RMSNorm(x)·(1+scale)+shift, with shift, scale and gate of the token's timestep plus a table of the block's.
    Cross-attention has no norm before it, no modulation and no gate.
    """

    def __init__(self, *, width: int, heads: int, norm_eps: float) -> None:
        super().__init__()
        self.norm_eps = norm_eps
        self.attn1 = Attention(width=width, heads=heads)
        self.attn2 = Attention(width=width, heads=heads)
        self.ff = FeedForward(width=width)
        self.scale_shift_table = nn.Parameter(torch.randn(VECTORS, width) / width**0.5)

    def forward(
        self,
        tokens: Float[Tensor, "batch token width"],
        step: StepInputs,
        prepared: PreparedBlock | None = None,
        skip: BlockSkip | None = None,
    ) -> Float[Tensor, "batch token width"]:
        """Apply the block.

        Args:
            tokens: the residual stream.
            step: shared by all blocks.
            prepared: this block's own, where a sampling run keeps it; None computes it here.
            skip: how this block is perturbed.
        """
        if skip is not None and skip.mode is SkipMode.TRANSFORMER_BLOCK and skip.rows is None:
            return tokens
        memory, norms, vectors = prepared or (self.attn2.keys_values(step.text), None, None)
        if vectors is None:
            vectors = (self.scale_shift_table + step.modulation).to(tokens.dtype)
        shift, scale, gate, shift_ff, scale_ff, gate_ff = for_tokens(vectors, step.members, tokens.shape[1])
        mixed = self._self_attention(modulate(self._normed(tokens), shift, scale), step.rotation, skip, norms)
        out = add_gated(tokens, mixed, gate)
        out = out + self.attn2.to_out(self.attn2.attend(self.attn2.queries(out), memory, step.bias))
        out = add_gated(out, self.ff(modulate(self._normed(out), shift_ff, scale_ff)), gate_ff)
        if skip is not None and skip.mode is SkipMode.TRANSFORMER_BLOCK:
            out = skip.apply(tokens, out)
        return out

    def _normed(self, tokens: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        return F.rms_norm(tokens, tokens.shape[-1:], eps=self.norm_eps)

    def _self_attention(
        self,
        inputs: Float[Tensor, "batch token width"],
        rotation: Float[Tensor, "#batch token pair part=2"],
        skip: BlockSkip | None,
        norms: Float[Tensor, "part=2 1 1 width"] | None,
    ) -> Float[Tensor, "batch token width"]:
        attention = self.attn1
        values = attention.values(inputs)
        replacement = None
        if skip is not None and skip.mode is SkipMode.ATTENTION_VALUES:
            replacement = values
        elif skip is not None and skip.mode is SkipMode.ATTENTION_SKIP:
            replacement = inputs
        if skip is not None and replacement is not None and skip.rows is None:
            mixed = replacement
        else:
            queries, keys = attention.rotated(inputs, rotation, norms)
            mixed = attention.attend(queries, KeysValues(attention.split(keys), attention.split(values)))
            if skip is not None and replacement is not None:
                mixed = skip.apply(replacement, mixed)
        attended: Tensor = attention.to_out(mixed)
        return attended
