"""torch's attention, with the gradient of the kernel that is fast where it runs."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable


def attend(
    queries: Float[Tensor, "batch head token head_dim"],
    keys: Float[Tensor, "batch head length head_dim"],
    values: Float[Tensor, "batch head length head_dim"],
    mask: Tensor | None = None,
) -> Float[Tensor, "batch head token head_dim"]:
    """softmax(q kᵀ / √head_dim + mask) v, in the type that autocast or the queries have.

    On a CPU the backward pass of torch's bfloat16 kernel takes fourteen times as long as that of float32, more than
    half of a small transformer's training step; so the gradient is float32's there. The result is that of sampling.

    Args:
        queries: split into heads.
        keys: likewise.
        values: likewise.
        mask: added to the scores, or true where a key is seen.
    """
    device = queries.device.type
    wanted = torch.is_grad_enabled() and any(part.requires_grad for part in (queries, keys, values))
    if device == "cpu" and wanted:
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else queries.dtype
        if dtype == torch.bfloat16:
            mixed: Tensor = _WideGradient.apply(queries, keys, values, mask)  # type: ignore[no-untyped-call]
            return mixed
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)


class _WideGradient(torch.autograd.Function):
    """Attention whose gradient is computed in float32, from its inputs."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        ctx.save_for_backward(queries, keys, values, mask)
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        *inputs, mask = ctx.saved_tensors
        if mask is not None and mask.is_floating_point():
            mask = mask.float()
        with torch.enable_grad(), torch.autocast("cpu", enabled=False):
            wide = [part.detach().float().requires_grad_() for part in inputs]
            queries, keys, values = wide
            mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
            found = torch.autograd.grad(mixed, wide, gradient.float())
        return *(part.to(given.dtype) for part, given in zip(found, inputs, strict=True)), None
