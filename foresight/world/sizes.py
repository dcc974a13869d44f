"""Sizes of models, read from their configurations: no weight is read, and nobody has to type them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import ModelPair
from foresight.errors import UserError
from foresight.world.reference import locate
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.source import open_part
from ltx.transformer import TransformerConfig
from ltx.transformer.part import TRANSFORMER
from ltx.vae import VAEConfig
from ltx.vae.part import VAE

RELEASES = {"2b": TransformerConfig.ltx_2b(causal_temporal_positioning=True), "13b": TransformerConfig.ltx_13b()}
"""Released transformers by the name of their size."""


@dataclass(frozen=True)
class VideoSizes:
    """Of a video model.

    Args:
        latent_channels: of its latents.
        caption_channels: width of the text states that its transformer reads.
        blocks: of its transformer.
        width: of its transformer.
    """

    latent_channels: int
    caption_channels: int
    blocks: int
    width: int

    @classmethod
    def of(cls, transformer: TransformerConfig) -> VideoSizes:
        """Sizes of a model with this transformer."""
        return cls(transformer.in_channels, transformer.caption_channels, transformer.num_layers, transformer.width)


@dataclass(frozen=True)
class VLMSizes:
    """Of a vision-language model.

    Args:
        hidden_size: of its hidden states.
        vision_size: of its vision tower before the merger.
        depth: number of its layers.
    """

    hidden_size: int
    vision_size: int
    depth: int

    @property
    def layers(self) -> tuple[int, int]:
        """The hidden states that an adapter reads if nobody says which: of the middle layer and of the last."""
        return self.depth // 2, self.depth


def video_sizes(transformer_at: str | Path, vae_at: str | Path) -> VideoSizes:
    """Sizes of a transformer and a VAE that belong together; both may be in one checkpoint.

    Raises:
        UserError: if there is no such checkpoint, or its parts do not fit each other.
    """
    try:
        transformer = TransformerConfig.from_dict(open_part(locate(transformer_at, "transformer"), TRANSFORMER).fields)
        vae = VAEConfig.from_dict(open_part(locate(vae_at, "vae"), VAE).fields)
    except (CheckpointError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            expected="an LTX checkpoint", got=repr(str(transformer_at)), remedy=f"name another one ({error})"
        ) from error
    if transformer.in_channels != vae.latent_channels:
        raise UserError(
            expected=f"a VAE of {transformer.in_channels} latent channels, as {transformer_at} reads",
            got=f"one of {vae.latent_channels}",
            remedy="take both from one release",
        )
    return VideoSizes.of(transformer)


def released_transformer(name: str) -> TransformerConfig:
    """The transformer of a release, by the name of its size: 2b or 13b.

    Raises:
        UserError: if there is none of that name.
    """
    if name not in RELEASES:
        raise UserError(
            expected=f"an architecture out of {', '.join(RELEASES)}", got=repr(name), remedy="correct the ltx= file"
        )
    return RELEASES[name]


def published_video_sizes(name: str) -> VideoSizes:
    """Sizes of a released video model, by the name of its size; raises as `released_transformer`."""
    return VideoSizes.of(released_transformer(name))


def published_vlm_sizes(architecture: Mapping[str, Any]) -> VLMSizes:
    """Sizes of a Qwen2.5-VL by its published configuration, as `vlm=` files hold it.

    Raises:
        UserError: if a size is not there.
    """
    where = Path("vlm.architecture")
    text, vision = architecture.get("text_config") or {}, architecture.get("vision_config") or {}
    return VLMSizes(
        hidden_size=_number(text, "hidden_size", where),
        vision_size=_number(vision, "hidden_size", where),
        depth=_number(text, "num_hidden_layers", where),
    )


def text_width(where: str | Path) -> int:
    """Width of the states of a text encoder.

    Raises:
        UserError: if there is none.
    """
    root = locate(where, "text_encoder")
    return int(_number(_config(root / "text_encoder" if (root / "text_encoder").is_dir() else root), "d_model", root))


def vlm_sizes(where: str | Path) -> VLMSizes:
    """Sizes of a Qwen2.5-VL.

    Raises:
        UserError: if there is none.
    """
    root = locate(where, "vlm")
    root = root / "vlm" if (root / "vlm").is_dir() else root
    config = _config(root)
    # Published folders have the language model's fields at the top, folders saved by newer libraries in text_config.
    text, vision = config.get("text_config") or config, config.get("vision_config") or {}
    return VLMSizes(
        hidden_size=_number(text, "hidden_size", root),
        vision_size=_number(vision, "hidden_size", root),
        depth=_number(text, "num_hidden_layers", root),
    )


def pairing_between(ltx: str | Path, vlm: str | Path, *, layers: Sequence[int] | None = None) -> ModelPair:
    """Pairing of an adapter between two models, from their configurations.

    Args:
        ltx: a checkpoint of the video model.
        vlm: a vision-language model.
        layers: hidden states that it reads; None is those of the middle layer and of the last.

    Raises:
        UserError: if there is no such model.
    """
    video, reader = video_sizes(ltx, ltx), vlm_sizes(vlm)
    return ModelPair(
        vlm=str(vlm),
        vlm_hidden_size=reader.hidden_size,
        vlm_vision_size=reader.vision_size,
        vlm_layers=reader.layers if layers is None else tuple(layers),
        ltx=str(ltx),
        latent_channels=video.latent_channels,
        caption_channels=video.caption_channels,
    )


def check_pairing(pairing: ModelPair, video: VideoSizes, vlm: VLMSizes) -> None:
    """Refuse an adapter that was made for models of other sizes.

    Raises:
        UserError: with every size that differs.
    """
    sizes = (
        ("VLM hidden size", pairing.vlm_hidden_size, vlm.hidden_size),
        ("VLM vision size", pairing.vlm_vision_size, vlm.vision_size),
        ("latent channels", pairing.latent_channels, video.latent_channels),
        ("caption channels", pairing.caption_channels, video.caption_channels),
    )
    wrong = [(name, wanted, found) for name, wanted, found in sizes if wanted != found]
    if max(pairing.vlm_layers) > vlm.depth:
        wrong.append(("VLM layers", max(pairing.vlm_layers), vlm.depth))
    if wrong:
        raise UserError(
            expected=f"the models that this adapter joins, {pairing.vlm} and {pairing.ltx}: "
            + ", ".join(f"{name} {wanted}" for name, wanted, _ in wrong),
            got=", ".join(f"{found}" for _, _, found in wrong),
            remedy="name those models, or train an adapter for these",
        )


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UserError(
            expected=f"config.json in {folder}", got=str(error).splitlines()[0], remedy="name the model's own folder"
        ) from error
    if not isinstance(config, dict):
        raise UserError(
            expected=f"an object in {folder / 'config.json'}", got=type(config).__name__, remedy="download it again"
        )
    return config


def _number(config: Mapping[str, Any], name: str, folder: Path) -> int:
    value = config.get(name)
    if not isinstance(value, int) or value < 1:
        raise UserError(
            expected=f"a number {name} in the configuration of {folder}",
            got=repr(value),
            remedy="name the folder of a Qwen2.5-VL or a T5",
        )
    return value
