"""A world model as a folder: `model_index.json` and one subfolder per part, each readable on its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from adapters import load_adapter, save_adapter
from foresight.errors import UserError
from foresight.world.parts import WorldParts
from foresight.world.placement import choose_device, choose_dtype
from foresight.world.readers import PartReaders, own_folder, place_parts
from foresight.world.reference import SUBFOLDERS, PartReference, part_files
from foresight.world.sampling_config import SamplingConfig
from ltx.checkpoint import CheckpointError
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.place import place_of
from ltx.files import write_text
from ltx.offload.placement import check_words
from ltx.offload.request import PlacementRequest

INDEX = "model_index.json"
CLASS = "ForesightWorldModel"
# Subfolder → library and class, as diffusers writes it.
PARTS: dict[str, tuple[str, str]] = {
    "vae": ("ltx", "VideoVAE"),
    "transformer": ("ltx", "VideoTransformer"),
    "text_encoder": ("transformers", "T5EncoderModel"),
    "tokenizer": ("transformers", "T5Tokenizer"),
    "scheduler": ("foresight", "SamplingConfig"),
}
# Class names in folders that were written before, and what they are called now.
FORMER = {("foresight", "SamplingPlan"): ("foresight", "SamplingConfig")}
TEXT = ("text_encoder", "tokenizer")
REFERENCES = "_references"
CONDITIONING: dict[str, tuple[str, str]] = {
    "vlm": ("foresight", "QwenEncoder"),
    "adapter": ("adapters", "AbstractAdapter"),
}


def find_folder(where: str | Path) -> Path:
    """The folder of a world model on this disk, downloaded if need be.

    Raises:
        UserError: if there is none.
    """
    try:
        place = place_of(where)
        if place.card is not None and place.card.repo is not None and place.card.file is None:
            folder = Path(snapshot_download(place.card.repo, revision=place.revision))
        else:
            folder = resolve(where, "vae")
    except (CheckpointError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise UserError(
            expected="a world model: foresight-tiny, a folder, or a hub id",
            got=repr(str(where)),
            remedy=f"check the name and the connection ({error})",
        ) from error
    if not (folder / INDEX).is_file():
        raise UserError(
            expected=f"a folder with {INDEX} and its parts",
            got=f"{folder} without it",
            remedy="name a folder that WorldModel.save_pretrained or `foresight assemble` wrote",
        )
    return folder


def read_world(where: str | Path, wanted: PlacementRequest) -> WorldParts:
    """Read all parts of a world model, each from its subfolder or from where the index refers to.

    Args:
        where: its name, folder or hub id.
        wanted: where to put it.

    Raises:
        UserError: if there is none, its index names other parts than this class has, a part that it refers to is gone
            or changed, or there is no such device.
        ValueError: if a part cannot be read exactly, the parts do not fit each other, or they do not fit the device.
    """
    check_words(wanted.offload, wanted.storage)
    choose_device(wanted.device)
    folder = find_folder(where)
    parts = read_index(folder)
    references = read_references(folder)
    roots = {
        part: references[part].find(part) if part in references else folder for part in SUBFOLDERS if part in parts
    }
    return read_parts(roots, SamplingConfig.from_pretrained(folder / "scheduler"), wanted)


def read_parts(roots: Mapping[str, Path], sampling_config: SamplingConfig, wanted: PlacementRequest) -> WorldParts:
    """Read the parts of a world model from their places.

    Args:
        roots: where each part is, by its name: the part itself, or the folder of several.
        sampling_config: how the model is run.
        wanted: where to put it.

    Raises:
        ValueError: as `read_world`.
    """
    readers = PartReaders(roots, place_parts(roots, wanted))
    placement = readers.placement
    adapter = vlm = None
    if "adapter" in roots:
        kind = choose_dtype(wanted.dtype, part_files(roots["adapter"], "adapter"), reader=False)
        adapter = load_adapter(own_folder(roots, "adapter"), device=placement.device, dtype=kind)
        vlm = readers.vlm(layers=adapter.pairing.vlm_layers)
    text = readers.text_encoder() if "text_encoder" in roots else None
    return WorldParts(readers.vae(), readers.transformer(), text, vlm, adapter, sampling_config, placement)


def read_index(folder: Path) -> frozenset[str]:
    """Names of the parts that a folder has.

    Raises:
        UserError: if the index is damaged, lacks a part, or names one that is unknown.
    """
    index = _read_json(folder)
    named = {name: FORMER.get(tuple(value), tuple(value)) for name, value in index.items() if not name.startswith("_")}
    complete = [PARTS, PARTS | CONDITIONING, {k: v for k, v in (PARTS | CONDITIONING).items() if k not in TEXT}]
    if index.get("_class_name") != CLASS or named not in complete:
        raise UserError(
            expected=f"a {CLASS} of {', '.join(PARTS)}, with or without {' and '.join(CONDITIONING)}",
            got=f"a {index.get('_class_name')} of {', '.join(sorted(named)) or 'nothing'}",
            remedy="name a folder that WorldModel.save_pretrained or `foresight assemble` wrote",
        )
    return frozenset(named)


def read_references(folder: Path) -> dict[str, PartReference]:
    """The parts that a folder refers to instead of holding them.

    Raises:
        UserError: if the index is damaged.
    """
    found = _read_json(folder).get(REFERENCES, {})
    try:
        return {part: PartReference.from_dict(found[part]) for part in found.keys() & SUBFOLDERS.keys()}
    except (ValueError, AttributeError) as error:
        raise UserError(
            expected=f"references to parts in {folder / INDEX}",
            got=str(error).splitlines()[0],
            remedy="assemble the world model again",
        ) from error


def _read_json(folder: Path) -> dict[str, Any]:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8-sig"))
        if not isinstance(index, dict) or not all(
            isinstance(value, list) for name, value in index.items() if not name.startswith("_")
        ):
            raise ValueError(f"got {type(index).__name__}")
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            expected=f"a JSON object in {folder / INDEX}", got=str(error), remedy="save the model again"
        ) from error
    return index


def write_world(parts: WorldParts, folder: Path) -> None:
    """Write all parts between the removal of an older index and the new one: a folder with an index is whole, and new.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    parts.vae.save_pretrained(folder / "vae")
    parts.transformer.save_pretrained(folder / "transformer")
    if parts.text_encoder is not None:
        parts.text_encoder.save_pretrained(folder)
    parts.sampling_config.save_pretrained(folder / "scheduler")
    names = {"vae", "transformer"} | (set() if parts.text_encoder is None else {"text_encoder"})
    if parts.adapter is not None and parts.vlm is not None:
        parts.vlm.save_pretrained(folder / "vlm")
        save_adapter(parts.adapter, folder / "adapter")
        names |= set(CONDITIONING)
    write_index(folder, frozenset(names), {})


def write_index(folder: Path, parts: frozenset[str], references: Mapping[str, PartReference]) -> None:
    """Write the index of a folder whose parts are written, or are referred to.

    Args:
        folder: of the world model.
        parts: names of those it has.
        references: to those that are elsewhere.

    Raises:
        OSError: if it cannot be written.
    """
    classes = PARTS | CONDITIONING
    named = {"scheduler"} | parts | (set(TEXT) if "text_encoder" in parts else set())
    index: dict[str, Any] = {"_class_name": CLASS}
    if references:
        index[REFERENCES] = {part: reference.to_dict() for part, reference in references.items()}
    index |= {name: list(value) for name, value in classes.items() if name in named}
    write_text(folder / INDEX, json.dumps(index, indent=2) + "\n")
