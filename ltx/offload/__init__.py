"""Models that do not fit beside each other, or not at all: where their weights rest and how they come to work."""

from ltx.offload.blocks import BlockStream
from ltx.offload.float8 import Float8
from ltx.offload.room import Room, at_rest, at_work, device_of, dtype_of, working, working_state
from ltx.offload.shelf import Shelf

__all__ = [
    "BlockStream",
    "Float8",
    "Room",
    "Shelf",
    "at_rest",
    "at_work",
    "device_of",
    "dtype_of",
    "working",
    "working_state",
]
