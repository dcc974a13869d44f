"""Finding one part of a checkpoint in whatever it was given as, recognised by content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch

from ltx.checkpoint import hub
from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.part import Part
from ltx.checkpoint.prefixes import is_foreign, of_models, warn_unread
from ltx.checkpoint.quantised import Scales, scales_in
from ltx.checkpoint.read import Weights, read_object
from ltx.checkpoint.weight_files import weight_files


@dataclass(frozen=True)
class Source:
    """One part of a checkpoint, found but not read.

    Attributes:
        part: which model.
        weights: all tensors of the files it lies in.
        layout: how its keys are named.
        prefix: what its keys start with.
        fields: its configuration in official spelling.
    """

    part: Part
    weights: Weights
    layout: Literal["official", "diffusers"]
    prefix: str
    fields: dict[str, Any]

    @cached_property
    def scales(self) -> Scales:
        """Scales of the 8-bit weights."""
        return scales_in(self.weights)

    def names(self, config: Any) -> dict[str, str]:
        """Key in the files by official name. Keys dropped on purpose, scales and what is of no part are left out.

        Raises:
            CheckpointError: for keys of this part that belong to no tensor of the release.
        """
        beside = self.scales.beside
        own = {key.removeprefix(self.prefix): key for key in self.weights if self._owns(key) and key not in beside}
        if self.layout == "diffusers":
            renamed = self.part.renaming(config).to_official(own)
            return {official: own[name] for name, official in renamed.items()}
        return {name: key for name, key in own.items() if name not in self.part.dropped}

    def _owns(self, key: str) -> bool:
        if self.prefix:
            return key.startswith(self.prefix)
        # Without a prefix of its own, a part owns what carries no other part's prefix.
        return not key.startswith(of_models(but=self.part.name)) and not is_foreign(key)

    def warn_unread(self) -> None:
        """Warn of keys that belong to no model."""
        unread = (key for key in self.weights if not self._owns(key) and not key.startswith(of_models()))
        warn_unread(self.weights, (key for key in unread if key not in self.scales.beside))


def open_part(
    where: str | Path, part: Part, *, device: torch.device | str = "cpu", revision: str | None = None
) -> Source:
    """Find a part in a file, a folder, a named model or a hub repository.

    Raises:
        CheckpointError: if nothing is there, or what is there holds no such part.
    """
    path = hub.resolve(where, part.name, revision)
    if path.is_file():
        return _in_file(path, part, device)
    folder = path / part.name if (path / part.name).is_dir() else path
    if (folder / "config.json").is_file():
        return _in_folder(folder, part, device)
    files = [file for file in sorted(folder.glob("*.safetensors")) if not file.name.startswith(".")]
    if len(files) != 1:
        raise CheckpointError(
            f"expected {part.name}/config.json, config.json or one safetensors file in {path}; "
            f"it holds {listed(entry.name for entry in path.iterdir()) or 'nothing'}"
        )
    return _in_file(files[0], part, device)


def _in_folder(folder: Path, part: Part, device: torch.device | str) -> Source:
    fields = read_object(folder / "config.json")
    name = fields.get("_class_name")
    if name not in (part.diffusers_class, part.official_class):
        raise CheckpointError(
            f"expected {folder} to hold a {part.name} ({part.diffusers_class} or {part.official_class}), got {name}"
        )
    weights = Weights(weight_files(folder), device)
    if name == part.official_class:
        return Source(part, weights, "official", "", clean(fields, part))
    prefixes = (*part.prefixes, f"{part.name}.", "model.")
    prefix = next((prefix for prefix in prefixes if f"{prefix}{part.diffusers_anchor}" in weights), "")
    return Source(part, weights, "diffusers", prefix, part.from_diffusers(fields, folder))


def _in_file(path: Path, part: Part, device: torch.device | str) -> Source:
    weights = Weights((path,), device)
    prefix = next((prefix for prefix in part.prefixes if f"{prefix}{part.official_anchor}" in weights), None)
    beside = (path.parent / "config.json").is_file() and "config" not in weights.metadata
    if beside and (prefix == "" or part.diffusers_anchor in weights):
        return _in_folder(path.parent, part, device)
    if prefix is None:
        if part.diffusers_anchor in weights:
            raise CheckpointError(f"{path} has diffusers' names but no config.json beside it to say its sizes")
        raise CheckpointError(
            f"{path} holds no {part.name}: it has no key {part.prefixes[0]}{part.official_anchor}; "
            f"its keys are {listed(weights) or 'none'}"
        )
    return Source(part, weights, "official", prefix, _file_fields(weights, part, prefix))


def _file_fields(weights: Weights, part: Part, prefix: str) -> dict[str, Any]:
    """Official fields from the metadata, or from names and shapes where there are none."""
    config = weights.config()
    found = config if part.alone and config else config.get(part.name)
    return clean(found, part) if isinstance(found, dict) else part.inferred(weights, prefix)


def clean(fields: Mapping[str, Any], part: Part) -> dict[str, Any]:
    """Official fields without notes on where a file comes from and without what changes nothing here."""
    return {
        name: value
        for name, value in fields.items()
        if (name == "_class_name" or not name.startswith("_")) and name not in part.ignored
    }
