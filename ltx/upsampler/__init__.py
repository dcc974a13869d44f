"""Upsampling of latents in space and time."""

from ltx.upsampler.config import UpsamplerConfig
from ltx.upsampler.model import LatentUpsampler

__all__ = ["LatentUpsampler", "UpsamplerConfig"]
