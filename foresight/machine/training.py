"""Parameters and memory of training an adapter between two models, found without their weights.

Models are built on the meta device from their published sizes. Activations are counted from what autograd really keeps
when a loss is sent through the frozen transformer into the adapter, again on the meta device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, T5Config, T5EncoderModel

from adapters import AbstractAdapter
from foresight.vlm.folder import find_qwen
from foresight.world.placement import SMALL, choose_device
from foresight.world.reference import locate
from foresight.world.sizes import released_transformer
from ltx.checkpoint.source import open_part
from ltx.home import at_home
from ltx.offload.placement import multiplies
from ltx.offload.sizes import PartSize
from ltx.shapes import VideoShape, coordinates
from ltx.transformer import TransformerConfig, VideoTransformer
from ltx.transformer.part import TRANSFORMER
from ltx.vae import VAEConfig, VideoVAE
from ltx.vae.memory import encoding_peak
from ltx.vae.part import VAE
from ltx.vae.release import VAE_FIELDS

T5_XXL: dict[str, Any] = {
    "vocab_size": 32128,
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10240,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
}
"""T5 v1.1 XXL, the text encoder of every release."""

BFLOAT16 = 2
TRAINED = 4 + 4 + 8 + 4
"""Bytes a parameter: float32 weight and gradient, two moments of AdamW, and a moving average."""


def held(parameters: int) -> int:
    """Bytes of a frozen network: large ones are held in bfloat16, small ones in float32."""
    return (2 if 2 * parameters > SMALL else 4) * parameters


@dataclass(frozen=True)
class Footprint:
    """Parameters of each part, and bytes of the activations of one clip.

    Args:
        vlm: vision-language model, needed to encode only.
        vae: needed to encode only.
        text_encoder: needed to encode only.
        transformer: frozen, in the loop.
        adapter: trained.
        tokens: of the video sequence.
        encoding_vae: bytes of activations while the VAE encodes a clip.
        kept: bytes of activations that the backward pass needs.
        recomputed: likewise with gradient checkpointing in each block.
        casts: bytes of the float32 copies that each part works with, by its name, where the device has no units for
            the type that its file is mapped in: of all weights outside of its blocks, and of two blocks.
    """

    vlm: int
    vae: int
    text_encoder: int
    transformer: int
    adapter: int
    tokens: int
    encoding_vae: int
    kept: int
    recomputed: int
    casts: Mapping[str, int] = field(default_factory=dict)

    def working(self, part: str) -> int:
        """Bytes while a frozen part is in use: its mapped file, and what it is cast to."""
        return held(getattr(self, part)) + self.casts.get(part, 0)

    def encoding(self) -> int:
        """Bytes while data is encoded: networks are read one after the other."""
        return max(self.working("vlm"), self.working("text_encoder"), self.working("vae") + self.encoding_vae)

    def training(self, batch: int, *, recompute: bool) -> int:
        """Bytes while training on cached features: weights, optimizer and activations of a batch."""
        activations = batch * (self.recomputed if recompute else self.kept)
        return held(self.transformer) + TRAINED * self.adapter + activations


def footprint(*, vlm: Mapping[str, Any], ltx: Mapping[str, Any], adapter: AbstractAdapter) -> Footprint:
    """Measure a choice of `vlm=`, `ltx=` and `adapter=`.

    Args:
        vlm: as in the configuration group `vlm`.
        ltx: as in the configuration group `ltx`.
        adapter: fresh.

    Raises:
        UserError: if the video model's architecture is unknown, or a clip does not fit its grid.
    """
    config = transformer_config(ltx)
    with torch.device("meta"):
        transformer = VideoTransformer(config)
    reader = vlm_skeleton(vlm)
    vae, text = (vae_skeleton(ltx), text_skeleton(ltx))
    shape = VideoShape(*ltx["clip"]).latent
    sequence = shape.tokens
    one, two = (_kept(replace(config, num_layers=layers), ltx, shape.tokens) for layers in (1, 2))
    block, stream = two - one, BFLOAT16 * shape.tokens * config.width
    casts = {
        name: _cast(part, blocks=name != "vae")
        for name, part in (("vlm", reader), ("vae", vae), ("text_encoder", text), ("transformer", transformer))
    }
    itemsize = torch.float32.itemsize if casts["vae"] else held(_count(vae)) // _count(vae)
    return Footprint(
        vlm=_count(reader),
        vae=_count(vae),
        text_encoder=_count(text),
        transformer=_count(transformer),
        adapter=_count(adapter),
        tokens=sequence,
        encoding_vae=encoding_peak(vae_config(ltx), shape, batch=1, itemsize=itemsize, frames=None),
        kept=one + block * (config.num_layers - 1),
        recomputed=one + stream * (config.num_layers - 1),
        casts=casts,
    )


def _cast(module: nn.Module, *, blocks: bool) -> int:
    """Bytes of float32 copies at work; none of small models, which are read as float32, nor where bfloat16 is fast."""
    shapes = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    size = PartSize.of(shapes, torch.bfloat16, blocks=blocks)
    if size.bytes <= SMALL or multiplies(choose_device(), torch.bfloat16):
        return 0
    return size.at_work(torch.float32.itemsize, blocks=blocks)


def transformer_config(ltx: Mapping[str, Any]) -> TransformerConfig:
    """The transformer's sizes: released ones by name, others from its stored configuration.

    Raises:
        UserError: if the name is unknown.
    """
    if _stored(ltx):
        return TransformerConfig.from_dict(open_part(locate(ltx["transformer"], "transformer"), TRANSFORMER).fields)
    return released_transformer(ltx["architecture"])


def vlm_skeleton(vlm: Mapping[str, Any]) -> nn.Module:
    """A vision-language model without weights, of the released sizes or of its stored configuration."""
    config: Any = find_qwen(vlm["where"]).config if _stored(vlm) else Qwen2_5_VLConfig(**vlm["architecture"])
    with torch.device("meta"):
        return Qwen2_5_VLForConditionalGeneration(config)


def vae_config(ltx: Mapping[str, Any]) -> VAEConfig:
    """The VAE's sizes: of the generation of 0.9.5 and later, or of its stored configuration."""
    fields = open_part(locate(ltx["vae"], "vae"), VAE).fields if _stored(ltx) else VAE_FIELDS["0.9.5"]
    return VAEConfig.from_dict(fields)


def vae_skeleton(ltx: Mapping[str, Any]) -> nn.Module:
    """The VAE without weights."""
    with torch.device("meta"):
        return VideoVAE(vae_config(ltx))


def text_skeleton(ltx: Mapping[str, Any]) -> nn.Module:
    """The text encoder without weights, the published one or of its stored configuration."""
    if ltx["architecture"] is None:
        root = locate(ltx["where"] if ltx["text"] is None else ltx["text"], "text_encoder")
        folder = root / "text_encoder" if (root / "text_encoder").is_dir() else root
        config = T5Config.from_json_file(folder / "config.json")
    else:
        config = T5Config(**T5_XXL)
    with torch.device("meta"):
        return T5EncoderModel(config)


def _stored(model: Mapping[str, Any]) -> bool:
    """True if a model's own configuration is at hand, which holds over the published one."""
    where = model.get("where")
    return model["architecture"] is None or (where is not None and at_home(str(where)).exists())


def _kept(config: TransformerConfig, ltx: Mapping[str, Any], tokens: int) -> int:
    """Bytes that autograd keeps of one clip in bfloat16 when the loss reaches the context tokens and the latents.

    Attention counts without its matrix of weights, which fused kernels do not keep.
    """
    with torch.device("meta"):
        model = VideoTransformer(config).to(torch.bfloat16).requires_grad_(False)
        latents = torch.empty(1, tokens, config.in_channels, dtype=torch.bfloat16, requires_grad=True)
        text = torch.empty(1, 256, config.caption_channels, dtype=torch.bfloat16, requires_grad=True)
        times = torch.empty(1, tokens)
        places = coordinates(VideoShape(*ltx["clip"]).latent, frame_rate=ltx["frame_rate"], device=torch.device("meta"))
    weights = {value.untyped_storage()._cdata for value in [*model.parameters(), *model.buffers()]}
    kept: dict[int, Tensor] = {}

    def pack(value: Tensor) -> Tensor:
        storage = value.untyped_storage()._cdata
        matrix = value.ndim >= 2 and value.shape[-1] >= tokens and value.shape[-2] >= tokens
        if storage not in weights and not matrix:
            kept[storage] = value
        return value

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        model(latents, times, places[None], text, None)
    return sum(value.untyped_storage().nbytes() for value in kept.values())


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
