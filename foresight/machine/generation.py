"""Memory of generating with the released models, by what is offloaded and how weights are stored.

Weights are counted by the shapes of their published sizes, activations by what is alive at a time in a step on the meta
device, the decoder's by `ltx.vae.memory`. Nothing is computed and no file is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from foresight.machine.training import text_skeleton, vae_skeleton
from foresight.world.sizes import RELEASES
from ltx.offload.meter import peak_bytes
from ltx.offload.placement import needed
from ltx.offload.sizes import PartSize
from ltx.shapes import VideoShape, coordinates
from ltx.transformer import TransformerConfig, VideoTransformer
from ltx.vae import VAEConfig
from ltx.vae.budget import smallest_decoding
from ltx.vae.memory import decoding_peak

KINDS = tuple(RELEASES)
"""Released sizes of the video model."""

CLIP = VideoShape(121, 512, 768)
"""The clip that memory is told for, unless another is asked for."""

TEXT_TOKENS = 256
BFLOAT16, FLOAT32 = 2, 4
RELEASED = {"architecture": "released"}


@dataclass(frozen=True)
class Needs:
    """Bytes on the device, by what is done.

    Args:
        text: while the prompt is encoded.
        sampling: while the transformer works, without guidance; each further branch adds its activations.
        decoding: while the VAE decodes, piece by piece if that is what it takes.
    """

    text: int
    sampling: int
    decoding: int

    @property
    def peak(self) -> int:
        """The most of these."""
        return max(self.text, self.sampling, self.decoding)


def needs(
    kind: str, *, offload: str, float8: bool, dtype: torch.dtype = torch.bfloat16, clip: VideoShape = CLIP
) -> Needs:
    """Memory of generating a clip.

    Args:
        kind: "2b" or "13b".
        offload: "none", "parts" or "blocks".
        float8: whether the transformer's matrices are stored in float8.
        dtype: that is computed in.
        clip: frames, height and width.
    """
    sizes, config = _sizes(kind), _vae_config()
    dtypes = dict.fromkeys(sizes, dtype)
    wide = dtype.itemsize // BFLOAT16
    together = needed(sizes, dtypes, "none", float8=float8) if offload == "none" else None

    def weights(part: str) -> int:
        alone = needed({part: sizes[part]}, dtypes, offload, float8=float8)
        return alone if together is None else together

    latent = clip.latent
    whole = decoding_peak(config, latent, batch=1, itemsize=dtype.itemsize, frames=None)
    decoding = whole if offload == "none" else smallest_decoding(config, latent, batch=1, itemsize=dtype.itemsize)
    return Needs(
        text=weights("text_encoder") + wide * _text_activations(),
        sampling=weights("transformer") + wide * activations(RELEASES[kind], clip),
        decoding=weights("vae") + decoding,
    )


def on_disk(kind: str) -> int:
    """Bytes of the files of a release: video model and VAE in bfloat16, the published T5 in float32."""
    sizes = _sizes(kind)
    return sum(size.bytes for size in sizes.values()) + sizes["text_encoder"].parameters * (FLOAT32 - BFLOAT16)


@cache
def activations(config: TransformerConfig, clip: VideoShape) -> int:
    """Bytes in bfloat16 that live in a step of sampling beyond the weights, the text of all blocks included."""
    count = clip.latent.tokens
    few = TransformerConfig(**{**vars(config), "num_layers": 2})
    with torch.device("meta"):
        model = VideoTransformer(few).to(torch.bfloat16)
        tokens = torch.empty(1, count, config.in_channels, dtype=torch.bfloat16)
        text = torch.empty(1, TEXT_TOKENS, config.caption_channels, dtype=torch.bfloat16)
        places = coordinates(clip.latent, frame_rate=25.0, device=torch.device("meta"))[None]
        times = torch.empty(1, 1)

    def step() -> None:
        cache = model.prepare(places, text, None)
        model.denoise(tokens, times, cache)

    others = (config.num_layers - few.num_layers) * 2 * TEXT_TOKENS * config.width * BFLOAT16
    return peak_bytes(step, tokens=count) + others


@cache
def _sizes(kind: str) -> Mapping[str, PartSize]:
    with torch.device("meta"):
        transformer = VideoTransformer(RELEASES[kind])
    return {
        "transformer": _size(transformer, blocks=True),
        "vae": _size(vae_skeleton(RELEASED), blocks=False),
        "text_encoder": _size(text_skeleton(RELEASED), blocks=True),
    }


def _size(module: nn.Module, *, blocks: bool) -> PartSize:
    shapes = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    return PartSize.of(shapes, torch.bfloat16, blocks=blocks)


@cache
def _vae_config() -> VAEConfig:
    config = vae_skeleton(RELEASED).config
    assert isinstance(config, VAEConfig)
    return config


@cache
def _text_activations() -> int:
    """Of T5-XXL for one prompt: eight streams, its wide layer and the attention weights of a block."""
    config: Any = text_skeleton(RELEASED).config
    heads = int(config.num_heads) * TEXT_TOKENS * TEXT_TOKENS
    return BFLOAT16 * (TEXT_TOKENS * (8 * int(config.d_model) + 3 * int(config.d_ff)) + 4 * heads)
