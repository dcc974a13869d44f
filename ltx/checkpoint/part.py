"""One model of a checkpoint as data: where it lies in either released layout, and what its names and fields mean."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ltx.checkpoint.read import Weights
from ltx.checkpoint.rename import Renaming


@dataclass(frozen=True, kw_only=True)
class Part:
    """One model of a checkpoint. Each model has its own beside it, in `part.py`.

    Attributes:
        name: its folder in diffusers layout and its key in the metadata `config` of an official file.
        prefixes: of its keys in an official file, the released one first.
        official_class: `_class_name` of official configurations.
        diffusers_class: `_class_name` of diffusers configurations.
        official_anchor: an official key that every release has, and that diffusers spells differently where it can.
        diffusers_anchor: the same key in a diffusers file.
        renaming: the rules of a configuration.
        to_diffusers: diffusers fields of a configuration object.
        from_diffusers: official fields of diffusers fields, and of the folder that they were read from.
        inferred: official fields of a file that carries none, from the names and shapes of keys with a prefix.
        release_in: the release that official names look like, in words; None where they do not tell.
        dropped: official keys that are left out on purpose.
        zeros: official keys that are zeros when a file lacks them.
        ignored: official configuration fields that change nothing here.
        alone: its official file holds no other model, and the metadata `config` is its own.
    """

    name: str
    prefixes: tuple[str, ...]
    official_class: str
    diffusers_class: str
    official_anchor: str
    diffusers_anchor: str
    renaming: Callable[[Any], Renaming]
    to_diffusers: Callable[[Any], dict[str, Any]]
    from_diffusers: Callable[[Mapping[str, Any], Path], dict[str, Any]]
    inferred: Callable[[Weights, str], dict[str, Any]]
    release_in: Callable[[Collection[str]], str | None] = lambda names: None
    dropped: tuple[str, ...] = ()
    zeros: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    alone: bool = False
