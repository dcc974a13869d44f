"""Generation with a whole checkpoint: presets, conditioning, one pass or two."""

from ltx.pipeline.latents import adain, low_size, tone_map, upsample
from ltx.pipeline.pipeline import Generated, LTXPipeline
from ltx.pipeline.preset import Preset, find_preset, presets
from ltx.pipeline.request import Request, StartingVideo, image_condition

__all__ = [
    "Generated",
    "LTXPipeline",
    "Preset",
    "Request",
    "StartingVideo",
    "adain",
    "find_preset",
    "image_condition",
    "low_size",
    "presets",
    "tone_map",
    "upsample",
]
