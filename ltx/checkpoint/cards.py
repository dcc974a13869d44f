"""The named models: where each is, as data."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from ltx.checkpoint.errors import CheckpointError


@dataclass(frozen=True)
class Card:
    """The location of a named model.

    Attributes:
        repo: hub repository; None for a model that ships inside a package.
        file: one file or folder in it; None for the whole repository.
        revision: commit, tag or branch.
        sha256: of the file, where known; a download that differs is refused.
        package: the Python package a model ships in; None for hub models.
        folder: where in that package.
    """

    repo: str | None = None
    file: str | None = None
    revision: str = "main"
    sha256: str | None = None
    package: str | None = None
    folder: str | None = None

    @property
    def hub_id(self) -> str:
        """`owner/repository` or `owner/repository/file`; empty for a model of a package."""
        return "/".join(part for part in (self.repo, self.file) if part)


@cache
def cards() -> Mapping[str, Card]:
    """The named models by name, read from `cards.json`."""
    text = files("ltx.checkpoint").joinpath("cards.json").read_text(encoding="utf-8")
    return {name: Card(**fields) for name, fields in json.loads(text).items()}


def embedded(name: str, card: Card) -> Path:
    """Folder of a model inside an installed package, found without importing it.

    Raises:
        CheckpointError: if the package is not installed.
    """
    spec = importlib.util.find_spec(str(card.package))
    for root in (spec.submodule_search_locations or ()) if spec else ():
        if (folder := Path(root, str(card.folder))).is_dir():
            return folder
    raise CheckpointError(f"the model {name} ships with the package {card.package}, which is not installed here")
