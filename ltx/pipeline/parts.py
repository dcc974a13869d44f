"""The models of a pipeline: found beside each other or named one by one, and checked to belong together."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import resolve, source_of
from ltx.checkpoint.parts import UPSAMPLER
from ltx.checkpoint.place import place_of
from ltx.pipeline.preset import Preset
from ltx.text import EncodesText, TextEncoder
from ltx.text.files import MODEL_FOLDER, PUBLISHED
from ltx.transformer import VideoTransformer
from ltx.upsampler import LatentUpsampler
from ltx.vae import VideoVAE


def check_device(device: torch.device | str) -> None:
    """Refuse a device before anything is read.

    Raises:
        ValueError: if this machine or this build of torch has none of that name.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"expected a device that this machine and this build of torch have, got {str(device)!r}; choose cpu, or "
            "cuda where there is a GPU"
        ) from error


def read_text_encoder(
    where: str | Path,
    root: Path,
    *,
    named: str | Path | None,
    dtype: torch.dtype | None,
    device: torch.device | str,
    revision: str | None,
) -> tuple[TextEncoder | None, dict[str, str]]:
    """The text encoder of a checkpoint, and the hub id and commit it was downloaded from.

    Args:
        where: the checkpoint.
        root: what it is on this disk; an official file, which holds no text encoder, is read with the published one.
        named: where another one is.
        dtype: type of the weights; None is the stored one.
        device: where to put them.
        revision: of the checkpoint.

    Raises:
        CheckpointError: if it cannot be read. A folder without one gives None.
    """
    if named is None and root.is_file():
        named = PUBLISHED
    if named is not None:
        where, revision = named, None
    elif not (root / MODEL_FOLDER).is_dir() and place_of(where, revision).path is not None:
        return None, {}
    text = TextEncoder.from_pretrained(where, dtype=dtype, device=device, revision=revision)
    return text, {} if text.source is None else {MODEL_FOLDER: text.source}


def read_upsampler(
    root: Path,
    preset: Preset,
    *,
    named: str | Path | None,
    dtype: torch.dtype | None,
    device: torch.device | str,
) -> tuple[LatentUpsampler | None, dict[str, str]]:
    """The latent upsampler named, of the checkpoint's folder or of the preset, and its hub id and commit.

    Raises:
        CheckpointError: if the one that was named, or lies in the folder, cannot be read. Where nobody names one there
            is None; where only the preset does and it cannot be had, there is None and a warning.
    """
    own = root / UPSAMPLER.name
    if named is None and own.is_dir():
        named = own
    if named is None and preset.refinement is not None:
        try:
            return _upsampler(preset.refinement.upsampler, dtype, device)
        except CheckpointError as error:
            warnings.warn(
                f"the preset {preset.name} has two passes, and the latent upsampler between them cannot be had: name "
                f"it with upsampler=, or choose a preset of one pass ({error})",
                stacklevel=3,
            )
    return (None, {}) if named is None else _upsampler(named, dtype, device)


def _upsampler(
    where: str | Path, dtype: torch.dtype | None, device: torch.device | str
) -> tuple[LatentUpsampler, dict[str, str]]:
    source = source_of(resolve(where, UPSAMPLER.name))
    upsampler = LatentUpsampler.from_pretrained(where, dtype=dtype, device=device)
    return upsampler, {} if source is None else {UPSAMPLER.name: source}


def check_parts(
    transformer: VideoTransformer, vae: VideoVAE, text: EncodesText | None, upsampler: LatentUpsampler | None
) -> None:
    """Refuse parts that do not speak of the same latents and captions.

    Raises:
        ValueError: with the sizes that differ.
    """
    channels = {"transformer": transformer.config.in_channels, "VAE": vae.config.latent_channels}
    if upsampler is not None:
        channels["latent upsampler"] = upsampler.config.in_channels
    if len(set(channels.values())) > 1:
        raise ValueError(f"expected parts of equally many latent channels, got {channels}; take those of one model")
    if isinstance(text, TextEncoder) and text.width != transformer.config.caption_channels:
        raise ValueError(
            f"expected a text encoder of width {transformer.config.caption_channels}, which the transformer reads, "
            f"got {text.width}; name the right one with text_encoder="
        )
