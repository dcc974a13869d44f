"""Generation with a whole checkpoint: presets, conditioning, one pass or two."""

from ltx.pipeline.generated import Generated
from ltx.pipeline.latents import adain, low_size, tone_map, upsample
from ltx.pipeline.options import CallOptions, Options
from ltx.pipeline.pipeline import LTXPipeline
from ltx.pipeline.prepare import clip_condition, image_condition, starting_video
from ltx.pipeline.preset import Preset, find_preset, presets
from ltx.pipeline.request import Request
from ltx.pipeline.start import StartingVideo

__all__ = [
    "CallOptions",
    "Generated",
    "LTXPipeline",
    "Options",
    "Preset",
    "Request",
    "StartingVideo",
    "adain",
    "clip_condition",
    "find_preset",
    "image_condition",
    "low_size",
    "presets",
    "starting_video",
    "tone_map",
    "upsample",
]
