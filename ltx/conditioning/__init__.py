"""Given frames: what they are, where they go in the token sequence, and their noise during sampling."""

from ltx.conditioning.item import ConditioningItem, LatentItem
from ltx.conditioning.noise import ConditioningNoise
from ltx.conditioning.place import ConditionedTokens, Grid, InContextTokens, place, reference_video

__all__ = [
    "ConditionedTokens",
    "ConditioningItem",
    "ConditioningNoise",
    "Grid",
    "InContextTokens",
    "LatentItem",
    "place",
    "reference_video",
]
