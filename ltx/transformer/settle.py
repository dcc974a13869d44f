"""The transformer put where it was decided to be."""

from __future__ import annotations

from ltx.offload import Room
from ltx.offload.linears import quantise
from ltx.offload.placement import Placement
from ltx.offload.settle import settle
from ltx.transformer.model import VideoTransformer


def settle_transformer(placement: Placement, transformer: VideoTransformer, room: Room) -> None:
    """Give the transformer its place, and let torchao take over its layers if that was wanted."""
    for stream in settle(placement, "transformer", transformer, room, [[*transformer.transformer_blocks]]):
        transformer.stream = stream
    if placement.storage.endswith("-torchao"):
        quantise(transformer.transformer_blocks, placement.storage)
