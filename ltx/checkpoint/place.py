"""Resolve what a user names: paths, named models, hub ids and addresses, all read in this one place.

What is on this disk comes first, whatever characters its name has. A hub id or the name of a card may end in
`@revision`; the address of a hub page, as a browser shows it, is the hub id and the revision it holds.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ltx.checkpoint.cards import Card, cards
from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.formats import refuse_name
from ltx.home import at_home

HUB_ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<file>[^@]+))?")
ADDRESS = re.compile(r"(?:https?://(?:www\.)?(?:huggingface\.co|hf\.co)|hf:/)/(?:models/)?", re.IGNORECASE)
PAGE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:/(?:blob|resolve|tree|raw)/(?P<revision>[^/]+)(?:/(?P<file>.+))?)?")
FORMS = "hub repositories are named owner/repository, files in them owner/repository/file.safetensors"


@dataclass(frozen=True)
class Place:
    """The location of something named.

    Attributes:
        name: the path, the name of the card or the hub id, without revision.
        path: on this disk; None for what a card leads to.
        card: hub repository or package; None for a path.
        revision: commit, tag or branch to read; None for what has none.
    """

    name: str
    path: Path | None = None
    card: Card | None = None
    revision: str | None = None


def place_of(where: str | Path, revision: str | None = None) -> Place:
    """Resolve a name to its place.

    Args:
        where: a path, which may begin with `~`; the name of a card; `owner/repository`, `owner/repository/file`, or the
            address of either. All but paths may end in `@revision`.
        revision: commit, tag or branch, the same as in `where` if that names one.

    Raises:
        CheckpointError: if it means nothing, it is of a format that is not read, or two revisions are asked for.
    """
    if not isinstance(where, str | os.PathLike) or not str(where).strip():
        raise CheckpointError(f"expected a path, the name of a model or a hub id, got {where!r}")
    text = str(where)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    if (path := _existing(text)) is not None:
        return _on_disk(path, revision)
    text = text.strip()
    if ADDRESS.match(text):
        return _hub(*_page(text, revision))
    if "://" in text:
        raise CheckpointError(f"expected a path or a hub id, got the address {text}; download it, or: {FORMS}")
    name, at, named = text.partition("@")
    if at and not named:
        raise CheckpointError(f"expected a commit, tag or branch after the @ of {text!r}, got nothing")
    if at and (path := _existing(name)) is not None:
        return _on_disk(path, named)
    revision = _one(name, named, revision)
    if (card := cards().get(name)) is not None:
        return Place(name, card=card, revision=None if card.package else revision or card.revision)
    name = name.rstrip("/")
    if name.startswith((".", "/", "~")) or not (match := HUB_ID.fullmatch(name)) or ".." in name:
        refuse_name(name)
        raise CheckpointError(f"no file or folder {text!r}, and no model of that name{_meant(name)}; {FORMS}")
    return _hub(match["repo"], match["file"], revision)


def _existing(text: str) -> Path | None:
    path = at_home(text)
    return path if os.path.exists(path) else None


def _on_disk(path: Path, revision: str | None) -> Place:
    if revision is not None:
        raise CheckpointError(f"{path} is on this disk and has no revision; leave out {revision!r}, or name a hub id")
    return Place(str(path), path=path)


def _page(text: str, revision: str | None) -> tuple[str, str | None, str | None]:
    """Repository, file and revision of a hub page."""
    address = ADDRESS.sub("", text, count=1).partition("?")[0].partition("#")[0].rstrip("/")
    rest, _, named = address.partition("@")
    if text.lower().startswith("hf:"):
        found = HUB_ID.fullmatch(unquote(rest))
        given = named
    else:
        found = PAGE.fullmatch(rest)
        given = unquote(found["revision"] or named) if found else ""
    if found is None:
        raise CheckpointError(f"expected the address of a model or of a file on the hub, got {text}; {FORMS}")
    file = found["file"]
    return found["repo"], unquote(file) if file else None, _one(text, given, revision)


def _one(name: str, named: str, revision: str | None) -> str | None:
    if named and revision not in (None, named):
        raise CheckpointError(f"expected one revision of {name}, got {named!r} in its name and {revision!r} beside it")
    return named or revision


def _hub(repo: str, file: str | None, revision: str | None) -> Place:
    name = f"{repo}/{file}" if file else repo
    refuse_name(name)
    known = next((card for card in cards().values() if (card.repo, card.file) == (repo, file)), None)
    card = known or Card(repo=repo, file=file)
    return Place(name, card=card, revision=revision or card.revision)


def _meant(name: str) -> str:
    """The named model that was probably meant, or the first few there are."""
    near = get_close_matches(Path(name).name.removesuffix(".safetensors").lower(), cards(), 1, 0.8)
    return f" (did you mean {near[0]}?)" if near else f" (known: {listed(cards())})"
