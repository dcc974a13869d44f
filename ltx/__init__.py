"""LTX-Video, complete and self-contained: VAE, transformer, rectified flow, conditioning, checkpoints, pipelines."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ltx.conditioning import ConditioningItem
    from ltx.pipeline import LTXPipeline
    from ltx.text import TextEncoder
    from ltx.transformer import TransformerConfig, VideoTransformer
    from ltx.upsampler import LatentUpsampler
    from ltx.vae import VAEConfig, VideoVAE

__all__ = [
    "ConditioningItem",
    "LTXPipeline",
    "LatentUpsampler",
    "TextEncoder",
    "TransformerConfig",
    "VAEConfig",
    "VideoTransformer",
    "VideoVAE",
]

# Imported on first use, so that `import ltx` (and a command's help) does not load every model's code.
_HOMES = {
    "ConditioningItem": "ltx.conditioning",
    "LTXPipeline": "ltx.pipeline",
    "LatentUpsampler": "ltx.upsampler",
    "TextEncoder": "ltx.text",
    "TransformerConfig": "ltx.transformer",
    "VAEConfig": "ltx.vae",
    "VideoTransformer": "ltx.transformer",
    "VideoVAE": "ltx.vae",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ltx' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
