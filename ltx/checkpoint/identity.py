"""Identify the release of a checkpoint: by its content and its own words first, then by its names.

The tensors tell 2B from 13B and the generation of the VAE; a list of allowed times tells a distilled release; a note of
`foresight convert`, or the `_name_or_path` that diffusers writes, tells it outright. Only what these leave open is
taken from names: the card, the hub id, the file, the folder. A name that the content contradicts is not believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ltx.checkpoint.cards import cards
from ltx.checkpoint.hub import in_cache

_VERSION = re.compile(r"(?<![\d.])0[._]?9(?:[._]?([0-8]))?(?!\d)")
_SIZE = re.compile(r"(?<!\d)(2|13)b(?![a-z0-9])")
_DISTILLED = re.compile(r"distill?")
_DEV = re.compile(r"(?<![a-z])dev(?![a-z])")
LAYERS = {28: "2b", 48: "13b"}


@dataclass(frozen=True)
class Traits:
    """Properties that tell releases apart; None is not known.

    Attributes:
        size: "2b" or "13b".
        versions: those it may be.
        kind: whether it was distilled to few steps without guidance.
    """

    size: str | None
    versions: tuple[str, ...] | None
    kind: Literal["dev", "distilled"] | None


RELEASES: Mapping[str, Traits] = {
    "ltx-video-2b-0.9.0": Traits("2b", ("0.9.0",), "dev"),
    "ltx-video-2b-0.9.1": Traits("2b", ("0.9.1",), "dev"),
    "ltx-video-2b-0.9.5": Traits("2b", ("0.9.5",), "dev"),
    "ltxv-2b-0.9.6-dev": Traits("2b", ("0.9.6",), "dev"),
    "ltxv-2b-0.9.6-distilled": Traits("2b", ("0.9.6",), "distilled"),
    "ltxv-13b-0.9.7-dev": Traits("13b", ("0.9.7",), "dev"),
    "ltxv-13b-0.9.7-distilled": Traits("13b", ("0.9.7",), "distilled"),
    "ltxv-13b-0.9.8-dev": Traits("13b", ("0.9.8",), "dev"),
    "ltxv-13b-0.9.8-distilled": Traits("13b", ("0.9.8",), "distilled"),
    "ltxv-2b-0.9.8-distilled": Traits("2b", ("0.9.8",), "distilled"),
}
"""The released models by the name of their card, oldest first."""

# Their files list the times that they were distilled to.
_LISTED = ("ltxv-13b-0.9.7-distilled", "ltxv-13b-0.9.8-distilled", "ltxv-2b-0.9.8-distilled")


@dataclass(frozen=True)
class Identity:
    """The release of a checkpoint, as far as it is known.

    Attributes:
        release: the name of its card; None if nothing says.
        choices: the releases it may be.
        distilled: whether it was distilled, for sure.
        doubted: a name that its content contradicts; None if there is none.
    """

    release: str | None = None
    choices: tuple[str, ...] = tuple(RELEASES)
    distilled: bool = False
    doubted: str | None = None


def named(text: str) -> Traits:
    """Traits in a name: `ltxv-13b-0.9.8-distilled`, `LTXV_13B_097_dev_fp8`, `ltx-video-2b-v0.9.1`, …"""
    text = text.lower()
    version, size = _VERSION.search(text), _SIZE.search(text)
    kind: Literal["dev", "distilled"] | None = "dev" if _DEV.search(text) else None
    return Traits(
        size=f"{size[1]}b" if size else None,
        versions=(f"0.9.{version[1] or 0}",) if version else None,
        kind="distilled" if _DISTILLED.search(text) else kind,
    )


def identify(*, layers: int, generation: str | None, listed_times: bool, names: Sequence[str]) -> Identity:
    """The release of what is known of a checkpoint.

    Args:
        layers: blocks of its transformer.
        generation: of its VAE: "0.9.0", "0.9.1" or "0.9.5", which all later releases share.
        listed_times: whether it lists the only times it may be sampled at.
        names: what it is called, the most reliable first.
    """
    versions = {"0.9.0": ("0.9.0",), "0.9.1": ("0.9.1",), "0.9.5": ("0.9.5", "0.9.6", "0.9.7", "0.9.8")}
    content = Traits(LAYERS.get(layers), versions.get(generation or ""), "distilled" if listed_times else None)
    fitting = left = [name for name, traits in RELEASES.items() if _agree(traits, content)]
    doubted, spoken = None, False
    for name in names:
        said = named(name)
        for trait in (Traits(None, said.versions, None), Traits(said.size, None, None), Traits(None, None, said.kind)):
            left = [release for release in left if _agree(RELEASES[release], trait)] or left
            if not any(_agree(RELEASES[release], trait) for release in fitting):
                doubted = doubted or name
        spoken = spoken or said.versions is not None
    if listed_times:
        left = [name for name in left if name in _LISTED] or left
    # Models of other sizes have the structure of a release without being one, unless they are called so.
    known = len(left) == 1 and (content.size is not None or spoken)
    return Identity(
        release=left[0] if known else None,
        choices=tuple(left),
        distilled=listed_times or all(RELEASES[name].kind == "distilled" for name in left),
        doubted=doubted,
    )


def _agree(one: Traits, other: Traits) -> bool:
    return (
        (one.size is None or other.size is None or one.size == other.size)
        and (one.kind is None or other.kind is None or one.kind == other.kind)
        and (one.versions is None or other.versions is None or bool(set(one.versions) & set(other.versions)))
    )


def names_of(name: str, path: Path, stated: Sequence[str]) -> list[str]:
    """All names of a checkpoint, the most reliable first.

    Args:
        name: what the user called it.
        path: what that is on this disk.
        stated: names that the checkpoint itself gives.
    """
    downloaded, _ = in_cache(path) or ("", "")
    names = [*stated]
    for each in (name, downloaded):
        card = next((key for key, card in cards().items() if each and each in (key, card.hub_id)), "")
        names += [card, "" if Path(each).is_absolute() else each]
    path = path.absolute()
    # Folders have numbers for all kinds of reasons; one downloaded by hand is LTX-Video-0.9.8-13B-distilled.
    folders = [each.name for each in (path, path.parent) if "ltx" in each.name.lower() and named(each.name).versions]
    names += folders if path.is_dir() else [path.name, *folders]
    return [each for each in dict.fromkeys(names) if each]
