"""Recognise the release of a checkpoint from its headers and configurations; no weight is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ltx.bundle.index import FILE, Notes, notes_in
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import resolve, source_of
from ltx.checkpoint.identity import Identity, identify, names_of
from ltx.checkpoint.place import place_of
from ltx.checkpoint.read import Weights, read_object
from ltx.checkpoint.source import open_part
from ltx.transformer.part import TRANSFORMER
from ltx.vae.part import VAE

# Where other tools write what a file is.
TITLES = ("modelspec.title", "title", "name", "model_version")


def recognise(where: str | Path, *, listed_times: bool, revision: str | None = None) -> tuple[Notes, Identity]:
    """The notes of a checkpoint, its release among them where that is clear, and which releases it may be.

    Args:
        where: an official file, a folder, a named model or a hub id.
        listed_times: whether it lists the only times it may be sampled at.
        revision: commit, tag or branch of a hub id.

    Raises:
        CheckpointError: if there is no transformer.
    """
    place = place_of(where, revision)
    path = resolve(where, "scheduler", revision)
    notes, stated = _read_notes(path)
    if source := source_of(path):
        notes = replace(notes, sources={**notes.sources, **dict.fromkeys((TRANSFORMER.name, VAE.name), source)})
    identity = identify(
        layers=int(open_part(where, TRANSFORMER, revision=revision).fields.get("num_layers", 0)),
        generation=_generation(where, revision),
        listed_times=listed_times,
        names=names_of(place.name, path, stated),
    )
    # The card of an embedded model says what it is: it has a preset of its name.
    embedded = place.name if place.card is not None and place.card.package is not None else None
    return replace(notes, preset=notes.preset or identity.release or embedded), identity


def _generation(where: str | Path, revision: str | None) -> str | None:
    """Of the VAE, from its blocks; None for a transformer alone."""
    try:
        fields: Mapping[str, Any] = open_part(where, VAE, revision=revision).fields
    except CheckpointError:
        return None
    kinds = [kind for kind, _ in fields.get("encoder_blocks", ())]
    if any(kind.endswith("_res") for kind in kinds):
        return "0.9.5"
    return "0.9.1" if fields.get("timestep_conditioning") else "0.9.0"


def _read_notes(path: Path) -> tuple[Notes, list[str]]:
    """Notes from when a file or folder was written, and the names that it gives itself."""
    if path.is_file():
        weights = Weights((path,))
        fields, inner = weights.config(), weights.config().get(TRANSFORMER.name)
        said: list[Any] = [weights.metadata.get(key) for key in TITLES]
    else:
        fields = read_object(path / FILE) if (path / FILE).is_file() else {}
        config = path / TRANSFORMER.name / "config.json"
        inner, said = (read_object(config) if config.is_file() else None), []
    said += [each.get("_name_or_path") for each in (fields, inner) if isinstance(each, dict)]
    return notes_in(fields, str(path)), [name for name in said if isinstance(name, str) and name]
