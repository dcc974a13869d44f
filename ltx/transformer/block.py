"""One transformer block: modulated self-attention, plain cross-attention to the text, modulated feed-forward."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ltx.transformer.attention import Attention, KeysValues
from ltx.transformer.embedding import VECTORS
from ltx.transformer.perturb import BlockSkip, SkipMode
from ltx.transformer.rope import rotate

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
        return self.net(tokens)


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
        modulation: Float[Tensor, "batch row vector=6 width"],
        members: Int[Tensor, " flat_token"] | None,
        rotation: Float[Tensor, "#batch token pair part=2"],
        text: KeysValues | Float[Tensor, "batch length width"],
        bias: Float[Tensor, "#batch 1 1 length"] | None,
        skip: BlockSkip | None = None,
    ) -> Float[Tensor, "batch token width"]:
        """Apply the block.

        Args:
            tokens: the residual stream.
            modulation: six vectors a row, the timestep's part (1 included in the scales).
            members: for each token the row (counted over the whole batch) it takes; None when the rows broadcast.
            rotation: from `rotation_table`.
            text: projected text, or this block's keys and values of it when they are kept between calls.
            bias: added to the cross-attention logits.
            skip: how this block is perturbed.
        """
        if skip is not None and skip.mode is SkipMode.TRANSFORMER_BLOCK and skip.rows is None:
            return tokens
        shift, scale, gate, shift_ff, scale_ff, gate_ff = self._vectors(modulation, members, tokens)
        mixed = self._self_attention(self._modulated(tokens, shift, scale), rotation, skip)
        out = torch.addcmul(tokens, mixed, gate)
        memory = text if isinstance(text, KeysValues) else self.attn2.keys_values(text)
        out = out + self.attn2.to_out(self.attn2.attend(self.attn2.queries(out), memory, bias))
        out = torch.addcmul(out, self.ff(self._modulated(out, shift_ff, scale_ff)), gate_ff)
        if skip is not None and skip.mode is SkipMode.TRANSFORMER_BLOCK:
            out = skip.apply(tokens, out)
        return out

    def _vectors(
        self,
        modulation: Float[Tensor, "batch row vector=6 width"],
        members: Int[Tensor, " flat_token"] | None,
        tokens: Float[Tensor, "batch token width"],
    ) -> tuple[Float[Tensor, "batch column width"], ...]:
        """The six vectors of this block for every token, or one row that broadcasts."""
        vectors = (self.scale_shift_table + modulation).to(tokens.dtype)
        if members is not None:
            vectors = vectors.flatten(0, 1).index_select(0, members).unflatten(0, tokens.shape[:2])
        return vectors.unbind(2)

    def _modulated(
        self,
        tokens: Float[Tensor, "batch token width"],
        shift: Float[Tensor, "batch column width"],
        scale: Float[Tensor, "batch column width"],
    ) -> Float[Tensor, "batch token width"]:
        return torch.addcmul(shift, F.rms_norm(tokens, tokens.shape[-1:], eps=self.norm_eps), scale)

    def _self_attention(
        self,
        inputs: Float[Tensor, "batch token width"],
        rotation: Float[Tensor, "#batch token pair part=2"],
        skip: BlockSkip | None,
    ) -> Float[Tensor, "batch token width"]:
        attention = self.attn1
        values = attention.values(inputs)
        replacement = None
        if skip is not None and skip.mode is SkipMode.ATTENTION_VALUES:
            replacement = values
        elif skip is not None and skip.mode is SkipMode.ATTENTION_SKIP:
            replacement = inputs
        if skip is not None and replacement is not None and skip.rows is None:
            return attention.to_out(replacement)
        queries = rotate(attention.queries(inputs), rotation)
        keys = rotate(attention.keys(inputs), rotation)
        mixed = attention.attend(queries, KeysValues(attention.split(keys), attention.split(values)))
        if skip is not None and replacement is not None:
            mixed = skip.apply(replacement, mixed)
        return attention.to_out(mixed)
