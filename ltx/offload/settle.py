"""Models put where they were decided to be."""

from __future__ import annotations

from collections.abc import Sequence

import psutil
import torch
from torch import nn

from ltx.offload.blocks import BlockStream
from ltx.offload.giving_back import give_back
from ltx.offload.placement import Placement
from ltx.offload.room import Room
from ltx.offload.shelf import Shelf


def read_as(placement: Placement, part: str) -> tuple[torch.device | str, torch.dtype | None]:
    """Device and type to read a part with.

    A part that is offloaded is read on the CPU as it is stored, so that it stays in its memory-mapped file. float16 is
    read as such, for a T5 keeps some of its weights in float32 then.
    """
    dtype = placement.dtypes[part]
    if placement.plain:
        return placement.device, dtype
    return "cpu", dtype if dtype is torch.float16 else None


def settle(
    placement: Placement,
    part: str,
    module: nn.Module,
    room: Room,
    blocks: Sequence[Sequence[nn.Module]] = (),
) -> list[BlockStream]:
    """Give a model that was read as `read_as` says its place.

    Args:
        placement: as decided.
        part: its name there.
        module: the model.
        room: that the parts share.
        blocks: its stacks of blocks.

    Returns:
        One stream for each stack, where blocks come one by one.
    """
    if placement.plain:
        return []
    device = placement.device
    dtype = placement.dtypes[part]
    if dtype is None:
        dtype = next(module.parameters()).dtype
    elif dtype is torch.float16:
        dtype = None
    float8 = placement.storage == "float8" and part == "transformer"
    one_by_one = placement.offload == "blocks"
    streams = [BlockStream(stack, device, dtype) for stack in blocks] if one_by_one or float8 else []
    if float8:
        for stream in streams:
            stream.pack()
    inner = [block for stack in blocks for block in stack] if one_by_one else []
    shelf = Shelf(module, device, dtype, without=inner)
    if placement.offload == "none":
        shelf.move(device, dtype)
        room = Room()  # of its own: it never leaves
    elif one_by_one and device.type == "cuda" and _fits(module):
        for stream in streams:
            stream.pin()
    room.lodge(module, shelf)
    give_back()  # reading looked at every weight
    return streams


def _fits(module: nn.Module) -> bool:
    """True if there is memory to spare for a page-locked copy, from which a GPU copies while it computes."""
    size = sum(weight.numel() * weight.element_size() for weight in module.parameters())
    return 2 * size < int(psutil.virtual_memory().available)
