"""The LTX-Video transformer, 2B, 13B and tiny from one configuration."""

from ltx.flow.skip_mode import SkipMode
from ltx.transformer.cache import SamplingCache
from ltx.transformer.config import TransformerConfig
from ltx.transformer.groups import TimestepGroups
from ltx.transformer.model import VideoTransformer
from ltx.transformer.perturb import SkipLayers

__all__ = ["SamplingCache", "SkipLayers", "SkipMode", "TimestepGroups", "TransformerConfig", "VideoTransformer"]
