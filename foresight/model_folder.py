"""A world model as a folder: `model_index.json` and one subfolder per part, each readable on its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from adapters import load_adapter, save_adapter
from foresight.errors import UserError
from foresight.plan import SamplingPlan
from foresight.vlm.encoder import QwenEncoder
from foresight.world.placement import choose_device, choose_dtype
from foresight.world.reference import SUBFOLDERS, PartReference, part_files
from foresight.world_model import WorldModel
from ltx.checkpoint import CheckpointError
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.place import place_of
from ltx.files import write_text
from ltx.text import TextEncoder
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE

INDEX = "model_index.json"
CLASS = "ForesightWorldModel"
# Subfolder → library and class, as diffusers writes it.
PARTS: dict[str, tuple[str, str]] = {
    "vae": ("ltx", "VideoVAE"),
    "transformer": ("ltx", "VideoTransformer"),
    "text_encoder": ("transformers", "T5EncoderModel"),
    "tokenizer": ("transformers", "T5Tokenizer"),
    "scheduler": ("foresight", "SamplingPlan"),
}
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


def read_world_model(where: str | Path, device: torch.device | str, dtype: torch.dtype | str | None) -> WorldModel:
    """Read all parts of a world model, each from its subfolder or from where the index refers to.

    Args:
        where: its name, folder or hub id.
        device: where to put it, or "auto".
        dtype: type of the weights, or "auto", see `choose_dtype`.

    Raises:
        UserError: if there is none, its index names other parts than this class has, a part that it refers to is gone
            or changed, or there is no such device.
        ValueError: if a part cannot be read exactly, or the parts do not fit each other.
    """
    chosen = choose_device(device)
    folder = find_folder(where)
    parts = read_index(folder)
    references = read_references(folder)
    roots = {
        part: references[part].find(part) if part in references else folder for part in SUBFOLDERS if part in parts
    }
    return read_parts(roots, SamplingPlan.from_pretrained(folder / "scheduler"), chosen, dtype)


def read_parts(
    roots: Mapping[str, Path], plan: SamplingPlan, device: torch.device, dtype: torch.dtype | str | None
) -> WorldModel:
    """Read the parts of a world model and put them together.

    Args:
        roots: where each part is, by its name: the part itself, or the folder of several.
        plan: how the model is run.
        device: where to put it.
        dtype: type of the weights, or "auto".
    """

    def place(part: str) -> tuple[Path, torch.dtype | None]:
        root = roots[part]
        own = root / SUBFOLDERS[part][0]
        reader = part in ("text_encoder", "vlm")
        return (own if own.is_dir() else root), choose_dtype(dtype, part_files(root, part), reader=reader)

    adapter = vlm = text = None
    if "adapter" in roots:
        where, kind = place("adapter")
        adapter = load_adapter(where, device=device, dtype=kind)
        where, kind = place("vlm")
        vlm = QwenEncoder.from_pretrained(where, layers=adapter.pairing.vlm_layers, dtype=kind, device=device)
    if "text_encoder" in roots:
        text = TextEncoder.from_pretrained(roots["text_encoder"], device=device, dtype=place("text_encoder")[1])
    where, kind = place("vae")
    vae = VideoVAE.from_pretrained(where, device=device, dtype=kind)
    where, kind = place("transformer")
    return WorldModel(
        vae=vae,
        transformer=VideoTransformer.from_pretrained(where, device=device, dtype=kind),
        text_encoder=text,
        vlm=vlm,
        adapter=adapter,
        plan=plan,
    )


def read_index(folder: Path) -> frozenset[str]:
    """Names of the parts that a folder has.

    Raises:
        UserError: if the index is damaged, lacks a part, or names one that is unknown.
    """
    index = _read_json(folder)
    named = {name: tuple(value) for name, value in index.items() if not name.startswith("_")}
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
    except (OSError, ValueError) as error:
        raise UserError(
            expected=f"a JSON object in {folder / INDEX}", got=str(error), remedy="save the model again"
        ) from error
    return index


def write_world_model(model: WorldModel, folder: Path) -> None:
    """Write all parts, the index last, so that a folder with an index is complete.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.vae.save_pretrained(folder / "vae")
    model.transformer.save_pretrained(folder / "transformer")
    if model.text_encoder is not None:
        model.text_encoder.save_pretrained(folder)
    model.plan.save_pretrained(folder / "scheduler")
    parts = {"vae", "transformer"} | (set() if model.text_encoder is None else {"text_encoder"})
    if model.adapter is not None and model.vlm is not None:
        model.vlm.save_pretrained(folder / "vlm")
        save_adapter(model.adapter, folder / "adapter")
        parts |= set(CONDITIONING)
    write_index(folder, frozenset(parts), {})


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
