"""The LTX-Video transformer, 2B, 13B and tiny from one configuration."""

from ltx.transformer.cache import SamplingCache
from ltx.transformer.config import TransformerConfig
from ltx.transformer.groups import TimestepGroups
from ltx.transformer.model import VideoTransformer
from ltx.transformer.perturb import SkipLayers, SkipMode

__all__ = ["SamplingCache", "SkipLayers", "SkipMode", "TimestepGroups", "TransformerConfig", "VideoTransformer"]
