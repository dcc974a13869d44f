"""From what a user names to files on this disk: paths, named models, hub ids; pinned, verified, offline when asked.

A hub id or the name of a card may end in `@revision`: a commit, tag or branch. The released cards name the branch
`main`, because no commit of theirs could be verified when they were written; a branch can move, so reading one warns
with the commit that was found, and naming that commit makes the run reproducible.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.write import WEIGHTS

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(/[\w./-]+\.safetensors)?")
# A star matches slashes too, so patterns of the root begin with a name: other parts stay where they are.
BESIDE = (
    "model_index.json",
    "scheduler/*.json",
    "vae/config.json",
    "config.json",
    f"{WEIGHTS}*",
    "adapter_*",
    "pytorch_lora_weights.safetensors",
)
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Card:
    """Where a named model is.

    Attributes:
        repo: hub repository; None for a model that ships inside a package.
        file: the official file in it; None for a repository in diffusers layout.
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


@cache
def cards() -> Mapping[str, Card]:
    """The named models."""
    text = files("ltx.checkpoint").joinpath("cards.json").read_text(encoding="utf-8")
    return {name: Card(**fields) for name, fields in json.loads(text).items()}


def resolve(where: str | Path, part: str, revision: str | None = None) -> Path:
    """A file or folder on this disk.

    Args:
        where: a path, the name of a card, `owner/repository`, or `owner/repository/file.safetensors`; the last three
            may end in `@revision`.
        part: the folder that will be read; only it and the small files beside it are downloaded.
        revision: of a hub id; None is the one in `where`, the card's, or the main branch.

    Raises:
        CheckpointError: if there is no such thing, it cannot be downloaded, it is not what the card says, or two
            different revisions are asked for.
    """
    if Path(where).exists():
        return Path(where)
    name, revision = pinned(where, revision)
    card = cards().get(name) or _hub_card(name)
    if card is None:
        raise CheckpointError(
            f"no file or folder {name!r}, and no model of that name (known: {listed(cards())}); "
            "hub repositories are named owner/repository"
        )
    if card.package is not None:
        return _embedded(name, card)
    return _download(card, part, revision or card.revision)


def source_of(where: str | Path, path: Path) -> str | None:
    """What names the same files for ever: the hub id and the commit of a path in the hub's cache; None elsewhere."""
    commit = commit_of(path)
    if commit is None:
        return None
    name, _ = pinned(where)
    card = cards().get(name)
    if card is not None and card.repo is not None:
        name = f"{card.repo}/{card.file}" if card.file else card.repo
    return f"{name}@{commit}"


def pinned(where: str | Path, revision: str | None = None) -> tuple[str, str | None]:
    """Name and revision of `name@revision`.

    Raises:
        CheckpointError: if another revision is asked for beside it.
    """
    name, at, named = str(where).partition("@")
    if at and not named:
        raise CheckpointError(f"expected a commit, tag or branch after the @ of {str(where)!r}, got nothing")
    if named and revision not in (None, named):
        raise CheckpointError(f"expected one revision of {name}, got {named!r} in its name and {revision!r} beside it")
    return name, named or revision


def commit_of(path: Path) -> str | None:
    """The commit a file or folder in the hub's cache belongs to; None for any other path."""
    parts = path.parts
    found = next((after for folder, after in pairwise(parts) if folder == "snapshots"), "")
    return found if COMMIT.fullmatch(found) else None


def _hub_card(name: str) -> Card | None:
    """A card for `owner/repository` or `owner/repository/file`, if the name looks like one."""
    if isinstance(name, str) and HUB_ID.fullmatch(name) and not name.startswith((".", "/")):
        owner, repository, *rest = name.split("/", 2)
        repo = f"{owner}/{repository}"
        known = next((card for card in cards().values() if card.repo == repo and not card.file), None)
        return Card(repo=repo, file=rest[0] if rest else None, revision=known.revision if known else "main")
    return None


def _embedded(name: str, card: Card) -> Path:
    """Folder of a model inside an installed package, found without importing it."""
    spec = importlib.util.find_spec(str(card.package))
    for root in (spec.submodule_search_locations or ()) if spec else ():
        if (folder := Path(root, str(card.folder))).is_dir():
            return folder
    raise CheckpointError(f"the model {name} ships with the package {card.package}, which is not installed here")


def _download(card: Card, part: str, revision: str) -> Path:
    repo = str(card.repo)
    try:
        if card.file is not None:
            path = Path(huggingface_hub.hf_hub_download(repo, card.file, revision=revision))
        else:
            wanted = [*BESIDE, f"{part}/*.json", f"{part}/*.safetensors"]
            path = Path(huggingface_hub.snapshot_download(repo, revision=revision, allow_patterns=wanted))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise CheckpointError(
            f"{repo} at {revision} is not in the local cache and the hub cannot be reached (offline?): {error}"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise CheckpointError(f"cannot download {repo} at {revision}: {error}") from error
    if card.sha256 is not None:
        verify(path, card.sha256)
    else:
        warn_unpinned(repo, revision, commit_of(path))
    return path


def warn_unpinned(repo: str, revision: str, commit: str | None) -> None:
    """Say what was found where a branch or tag was asked for."""
    if commit is not None and not COMMIT.fullmatch(revision):
        warnings.warn(
            f"{repo} was read at {revision}, which can move; to read the same files again, ask for revision {commit}",
            stacklevel=2,
        )


def verify(path: Path, sha256: str) -> None:
    """Check a file's hash.

    Raises:
        CheckpointError: if it differs.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise CheckpointError(f"{path} is not the released file: expected sha256 {sha256}, got {found}")
