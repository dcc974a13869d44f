"""The models of a pipeline: found beside each other or named one by one, and checked to belong together."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import resolve, source_of
from ltx.checkpoint.load import source_config, stored_dtype
from ltx.checkpoint.place import place_of
from ltx.checkpoint.read import Weights
from ltx.checkpoint.source import open_part
from ltx.checkpoint.stored import StoredModule
from ltx.dtypes import working_dtype
from ltx.offload.placement import SMALL, Placement, check_words, choose_device, decide
from ltx.offload.request import PlacementRequest
from ltx.offload.sizes import PartSize
from ltx.pipeline.preset import Preset
from ltx.text import EncodesText, TextEncoder
from ltx.text.files import DROPPED, MODEL_FOLDER, PUBLISHED, find_text
from ltx.transformer import VideoTransformer
from ltx.upsampler import LatentUpsampler
from ltx.upsampler.part import UPSAMPLER
from ltx.vae import VideoVAE


def size_of(where: str | Path, model: type[StoredModule], revision: str | None) -> PartSize:
    """Size of one of the models of a checkpoint; no weight is read.

    Raises:
        CheckpointError: if it cannot be found.
    """
    source = open_part(where, model.part, revision=revision)
    names = source.names(source_config(source, model.config_class))
    shapes = {name: source.weights.shape(key) for name, key in names.items()}
    return PartSize.of(shapes, stored_dtype(source.weights, names.values()), blocks=model is VideoTransformer)


def text_size(place: TextPlace) -> PartSize:
    """Size of a text encoder; no weight is read.

    Raises:
        CheckpointError: if it cannot be found.
    """
    return weights_size(find_text(place.where, place.revision, None).weights, dropped=DROPPED)


def weights_size(files: Sequence[Path], *, dropped: tuple[str, ...] = ()) -> PartSize:
    """Size of the weights in files; none is read.

    Args:
        files: safetensors.
        dropped: starts of keys that are left out.

    Raises:
        CheckpointError: if a file cannot be read.
    """
    weights = Weights(files)
    shapes = {key: weights.shape(key) for key in weights if not key.startswith(dropped)}
    return PartSize.of(shapes, stored_dtype(weights, shapes))


def place_pipeline(
    where: str | Path,
    text: TextPlace | None,
    wanted: PlacementRequest,
    *,
    revision: str | None,
) -> Placement:
    """Decide where the models of a pipeline are, before they are read.

    Args:
        where: the checkpoint.
        text: its text encoder; None if it has none.
        wanted: by the user.
        revision: of the checkpoint.

    Raises:
        CheckpointError: if a part cannot be found.
        ValueError: as `decide`.
    """
    check_words(wanted.offload, wanted.storage)
    choose_device(wanted.device)
    dtype = working_dtype(wanted.dtype)
    sizes = {model.part.name: size_of(where, model, revision) for model in (VideoTransformer, VideoVAE)}
    dtypes: dict[str, torch.dtype | None] = dict.fromkeys(sizes, dtype)
    if text is not None:
        sizes[MODEL_FOLDER] = text_size(text)
        # Published in float32, and run in bfloat16 by the released commands.
        large = dtype is None and sizes[MODEL_FOLDER].bytes > SMALL
        dtypes[MODEL_FOLDER] = torch.bfloat16 if large else dtype
    return decide(
        sizes,
        dtypes,
        device=wanted.device,
        offload=wanted.offload,
        storage=wanted.storage,
        given=dtype is not None,
    )


@dataclass(frozen=True)
class TextPlace:
    """The location of a checkpoint's text encoder.

    Attributes:
        where: a path, the name of a model or a hub id.
        revision: of a hub id.
    """

    where: str | Path
    revision: str | None

    @classmethod
    def of(cls, where: str | Path, root: Path, named: str | Path | None, revision: str | None) -> TextPlace | None:
        """Find the text encoder of a checkpoint.

        Args:
            where: the checkpoint.
            root: what it is on this disk; an official file, which holds no text encoder, goes with the published one.
            named: where another one is.
            revision: of the checkpoint.

        Returns:
            None for a folder without one.
        """
        if named is None and root.is_file():
            named = PUBLISHED
        if named is not None:
            return cls(named, None)
        if not (root / MODEL_FOLDER).is_dir() and place_of(where, revision).path is not None:
            return None
        return cls(where, revision)


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
