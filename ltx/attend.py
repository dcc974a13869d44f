"""torch's attention, by the kernel that is fast where it runs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def attend(
    queries: Float[Tensor, "batch head token head_dim"],
    keys: Float[Tensor, "batch head length head_dim"],
    values: Float[Tensor, "batch head length head_dim"],
    mask: Tensor | None = None,
) -> Float[Tensor, "batch head token head_dim"]:
    """softmax(q kᵀ / √head_dim + mask) v, in the type that autocast or the queries have.

    On a CPU the backward pass of torch's bfloat16 kernel takes fourteen times as long as that of float32, more than
    half of a small transformer's training step; so where gradients are wanted there, float32 is computed in.

    Args:
        queries: split into heads.
        keys: likewise.
        values: likewise.
        mask: added to the scores, or true where a key is seen.
    """
    device = queries.device.type
    wanted = torch.is_grad_enabled() and any(part.requires_grad for part in (queries, keys, values))
    if device != "cpu" or not wanted:
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else queries.dtype
    if dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    if mask is not None and mask.is_floating_point():
        mask = mask.float()
    with torch.autocast(device, enabled=False):
        mixed = F.scaled_dot_product_attention(queries.float(), keys.float(), values.float(), attn_mask=mask)
    return mixed.to(dtype)
