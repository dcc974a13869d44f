"""A world model put together from an LTX checkpoint, a vision-language model and an adapter."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import ComposeConfig, QueriesConfig, config_from_dict
from adapters.storage import CONFIG
from foresight.errors import UserError
from foresight.world.derived_sampling import changed_sampling, derive_sampling
from foresight.world.parts import WorldParts
from foresight.world.placement import choose_device
from foresight.world.reference import PartReference, locate
from foresight.world.sampling_config import FILE, SamplingConfig
from foresight.world.sizes import check_pairing, text_width, video_sizes, vlm_sizes
from foresight.world.storage import read_parts, write_index
from foresight.world.training_clips import clips_of
from ltx.bundle.checkpoint import read_scheduler
from ltx.bundle.recognise import recognise
from ltx.checkpoint.place import place_of
from ltx.checkpoint.read import read_object
from ltx.offload.request import PlacementRequest
from ltx.pipeline.preset import Preset, find_preset
from ltx.pipeline.released import preset_of


@dataclass(frozen=True)
class Assembly:
    """Places of the parts of a world model, and its sampling; checked by their configurations, no weight is read.

    Args:
        vae: an official file, a folder, a hub id or the name of a model.
        transformer: the same.
        text_encoder: folder or hub id of the T5; None if the adapter's tokens replace the text.
        vlm: folder or hub id of the Qwen2.5-VL; None without adapter.
        adapter: folder of the adapter; None is the video model alone.
        sampling_config: lengths, times and decoding.

    Raises:
        UserError: if a part is missing, or parts do not fit each other.
    """

    vae: str | Path
    transformer: str | Path
    text_encoder: str | Path | None
    vlm: str | Path | None
    adapter: Path | None
    sampling_config: SamplingConfig

    def __post_init__(self) -> None:
        if (self.vlm is None) != (self.adapter is None):
            missing, there = ("vlm", "adapter") if self.vlm is None else ("adapter", "vlm")
            raise UserError(
                expected="a vision-language model and an adapter that reads it, or neither",
                got=f"{there}= without {missing}=",
                remedy=f"name {missing}=",
            )
        video = video_sizes(self.transformer, self.vae)
        if self.adapter is not None and self.vlm is not None:
            check_pairing(adapter_configs(self.adapter)[0].pairing, video, vlm_sizes(self.vlm))
        if self.text_encoder is not None and (width := text_width(self.text_encoder)) != video.caption_channels:
            raise UserError(
                expected=f"a text encoder of width {video.caption_channels}, as {self.transformer} reads",
                got=f"{self.text_encoder} of width {width}",
                remedy="name the right one with text_encoder=",
            )

    @property
    def parts(self) -> dict[str, str | Path]:
        """Place of each part."""
        named = {
            "vae": self.vae,
            "transformer": self.transformer,
            "text_encoder": self.text_encoder,
            "vlm": self.vlm,
            "adapter": self.adapter,
        }
        return {part: where for part, where in named.items() if where is not None}

    def read(self, wanted: PlacementRequest) -> WorldParts:
        """Read the weights; see `WorldModel.from_pretrained`.

        Raises:
            UserError: if there is no such device or type.
            ValueError: if a part cannot be read exactly.
        """
        choose_device(wanted.device)
        roots = {part: locate(where, part) for part, where in self.parts.items()}
        return read_parts(roots, self.sampling_config, wanted)

    def save(self, folder: str | Path) -> None:
        """Write a folder that `WorldModel.from_pretrained` reads: it refers to the large parts and holds the adapter.

        Raises:
            OSError: if the folder cannot be written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.sampling_config.save_pretrained(folder / "scheduler")
        if self.adapter is not None:
            shutil.copytree(self.adapter, folder / "adapter", dirs_exist_ok=True)
        references = {part: PartReference.of(where, part) for part, where in self.parts.items() if part != "adapter"}
        write_index(folder, frozenset(self.parts), references)


@dataclass(frozen=True)
class NamedParts:
    """Parts that a user names for an assembly.

    Args:
        ltx: VAE and transformer, and how they are sampled.
        vlm: the vision-language model; None without adapter.
        adapter: its folder, or that of the run that trained it; None is the video model alone.
        text_encoder: None is the checkpoint's own, or none at all if the adapter's tokens replace the text.
        other_text_encoder: used where one is needed, none is named, and the checkpoint has none of its own.
        vae: another VAE than that of `ltx`, such as one tuned on other videos.
        transformer: another transformer, likewise.
    """

    ltx: str | Path
    vlm: str | Path | None
    adapter: str | Path | None
    text_encoder: str | Path | None = None
    other_text_encoder: str | Path | None = None
    vae: str | Path | None = None
    transformer: str | Path | None = None


def plan_assembly(
    named: NamedParts,
    sampling: Mapping[str, Any] | SamplingConfig,
    *,
    preset: str | None = None,
    clips: Mapping[str, Any] | None = None,
) -> Assembly:
    """Complete an assembly by its text encoder, lengths and sampling, as far as they are not named.

    Args:
        named: the parts.
        sampling: a sampling configuration, or the fields of one that are to be others than derived.
        preset: name of the release whose sampling to take; None is that of the checkpoint.
        clips: fields of `TrainingClips`, for adapters without a record of the clips they were trained on.

    Raises:
        UserError: if a part is missing, parts do not fit each other, or a field is none.
    """
    ltx = named.ltx
    folder = None if named.adapter is None else adapter_folder(named.adapter)
    if isinstance(sampling, SamplingConfig):
        config = sampling
    elif (own := locate(ltx, "transformer") / "scheduler" / FILE).is_file() and preset is None:
        # The parts of a world model are run as it is.
        config = changed_sampling(SamplingConfig.from_pretrained(own.parent).to_dict(), sampling)
    else:
        known = clips_of(folder, {**(clips or {}), **_lengths(sampling)})
        config = derive_sampling(release_preset(ltx, preset), read_scheduler(ltx), known, sampling)
    return Assembly(
        vae=named.vae or ltx,
        transformer=named.transformer or ltx,
        text_encoder=named.text_encoder or _needed_text_encoder(ltx, folder, config, named.other_text_encoder),
        vlm=named.vlm,
        adapter=folder,
        sampling_config=config,
    )


def _lengths(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the clips that follow from those of a sampling configuration; empty unless all of them do."""
    context, chunk, rate = (sampling.get(name) for name in ("context_frames", "chunk_frames", "frame_rate"))
    if context is None or chunk is None or rate is None:
        return {}
    return {"frame_rate": rate, "context_frames": context, "frames": context + chunk}


def adapter_folder(where: str | Path) -> Path:
    """The folder of an adapter: itself, or `adapter/` in the run that trained it.

    Raises:
        UserError: if neither holds one.
    """
    root = locate(where, "adapter")
    for folder in (root, root / "adapter"):
        if (folder / CONFIG).is_file():
            return folder
    raise UserError(
        expected=f"the folder of an adapter, with {CONFIG}, or of a run that trained one",
        got=str(where),
        remedy="name the folder that `foresight train` wrote its adapter into",
    )


def adapter_configs(folder: Path) -> tuple[Any, ...]:
    """The configuration of an adapter, or of each that it is composed of; no weight is read.

    Raises:
        UserError: if it is damaged.
    """
    try:
        config = config_from_dict(read_object(folder / CONFIG))
        return config.parts if isinstance(config, ComposeConfig) else (config,)
    except ValueError as error:
        raise UserError(
            expected=f"the configuration of an adapter in {folder / CONFIG}",
            got=str(error).splitlines()[0],
            remedy="train or download the adapter again",
        ) from error


def release_preset(ltx: str | Path, name: str | None) -> Preset:
    """Sampling preset of a checkpoint: the named one, its own, or that of its folder.

    Raises:
        UserError: for an unknown name.
    """
    if name is None:
        listed = read_scheduler(ltx).allowed_times is not None
        notes, identity = recognise(ltx, listed_times=listed)
        return preset_of(identity, notes.preset, place_of(ltx).name)
    try:
        return find_preset(name)
    except ValueError as error:
        raise UserError(expected="a preset", got=repr(name), remedy=str(error)) from error


def _needed_text_encoder(
    ltx: str | Path, adapter: Path | None, sampling_config: SamplingConfig, other: str | Path | None
) -> str | Path | None:
    """The text encoder beside a checkpoint, or another; None where an adapter's tokens replace the text.

    Guidance compares with the empty sentence, so it needs one in any case.

    Raises:
        UserError: if one is needed and none is there.
    """
    replaced = adapter is not None and any(
        isinstance(part, QueriesConfig) and part.placement == "replace" for part in adapter_configs(adapter)
    )
    if replaced and sampling_config.guidance == 1:
        return None
    root = locate(ltx, "transformer")
    if root.is_dir() and (root / "text_encoder").is_dir():
        return ltx
    if other is not None:
        return other
    raise UserError(
        expected=f"a text encoder for {ltx}, which holds none",
        got="no text_encoder=",
        remedy="name the folder or the hub id of a T5 with text_encoder=",
    )
