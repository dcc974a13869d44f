"""From what a user names to files on this disk: downloaded once, pinned, verified, offline when asked.

The released cards name the branch `main`, because no commit of theirs could be verified when they were written; a
branch can move, so reading one warns with the commit that was found, and naming that commit makes the run reproducible.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path

import huggingface_hub
import huggingface_hub.constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

from ltx.checkpoint.cards import Card, embedded
from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.place import FORMS, place_of
from ltx.checkpoint.write import WEIGHTS

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
# A text encoder is of no use without its tokenizer, and may be a repository of its own.
WITH = {"text_encoder": ("tokenizer",)}
ROOT = {"text_encoder": ("model.safetensors*", "model-*", "model.*.safetensors", "tokenizer*.json", "spiece.model")}
ENDINGS = ("json", "safetensors", "model", "txt")
COMMIT = re.compile(r"[0-9a-f]{40}")
# A folder that says what it holds, in files or in folders.
SAID_IN = ("model_index.json", "config.json", "transformer", "vae")


def resolve(where: str | Path, part: str, revision: str | None = None) -> Path:
    """A file or folder on this disk; of a folder that holds nothing but one safetensors file, the file.

    Args:
        where: a path, the name of a card, a hub id or the address of a hub page, as in `place_of`.
        part: the folder that will be read; only it and the small files beside it are downloaded.
        revision: of a hub id; None is the one in `where`, the card's, or the main branch.

    Raises:
        CheckpointError: if there is no such thing, it cannot be downloaded, it is not what the card says, or two
            different revisions are asked for.
    """
    place = place_of(where, revision)
    if place.path is not None:
        return _only_file(place.path, part)
    assert place.card is not None
    if place.card.package is not None:
        return embedded(place.name, place.card)
    return _only_file(_download(place.card, part, place.revision or "main"), part)


def source_of(path: Path) -> str | None:
    """The permanent name of a path in the hub's cache: hub id and commit, the same on every machine.

    None for any other path: a snapshot that was copied elsewhere is read as a path, like every local one.
    """
    found = in_cache(path)
    root = Path(huggingface_hub.constants.HF_HUB_CACHE).resolve()
    return None if found is None or root not in path.absolute().parent.resolve().parents else "@".join(found)


def in_cache(path: Path) -> tuple[str, str] | None:
    """Hub id, with file or folder, and commit of a path in a cache of the hub, wherever that is; None elsewhere."""
    path = path.absolute()
    for snapshots in (parent for parent in path.parents if parent.name == "snapshots"):
        commit, *inside = path.relative_to(snapshots).parts
        repository = snapshots.parent.name.split("--")
        if repository[0] == "models" and COMMIT.fullmatch(commit):
            return "/".join([*repository[1:], *inside]), commit
    return None


def _only_file(path: Path, part: str) -> Path:
    if not path.is_dir() or any((path / name).exists() for name in (part, *SAID_IN)):
        return path
    files = [file for file in path.glob("*.safetensors") if not file.name.startswith(".")]
    return files[0] if len(files) == 1 and not [*path.glob("*.index*.json")] else path


def _download(card: Card, part: str, revision: str) -> Path:
    repo = str(card.repo)
    try:
        path = _file(repo, card.file, revision) if card.file else _repository(repo, part, revision)
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise CheckpointError(
            f"{card.hub_id} at {revision} is not in the local cache and the hub cannot be reached (offline?), and "
            f"there is no such file or folder here; {FORMS}: {error}"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise CheckpointError(
            f"cannot download {card.hub_id} at {revision}, and there is no such file or folder here; {FORMS}: {error}"
        ) from error
    if card.sha256 is not None:
        verify(path, card.sha256)
    else:
        warn_unpinned(repo, revision, (in_cache(path) or (repo, None))[1])
    return path


def _file(repo: str, name: str, revision: str) -> Path:
    """A file, or a folder of a repository."""
    if name.endswith(".safetensors"):
        return Path(huggingface_hub.hf_hub_download(repo, name, revision=revision))
    patterns = [f"{name}/*.{ending}" for ending in ENDINGS]
    folder = Path(huggingface_hub.snapshot_download(repo, revision=revision, allow_patterns=patterns)) / name
    if not folder.is_dir():
        raise CheckpointError(f"{repo} at {revision} has no folder {name} with weights; {FORMS}")
    return folder


def _repository(repo: str, part: str, revision: str) -> Path:
    """The folder of a repository, with the part or with the only weights there are."""
    folders = (part, *WITH.get(part, ()))
    wanted = [*BESIDE, *ROOT.get(part, ()), *(f"{folder}/*.{ending}" for folder in folders for ending in ENDINGS)]
    path = Path(huggingface_hub.snapshot_download(repo, revision=revision, allow_patterns=wanted))
    if any((path / name).exists() for name in (part, *SAID_IN)) or any(path.glob("*.safetensors")):
        return path
    try:
        names = huggingface_hub.list_repo_files(repo, revision=revision)
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError):
        return path
    files = [name for name in names if name.endswith(".safetensors")]
    if len(files) > 1:
        raise CheckpointError(f"{repo} holds several files of weights; name one, as {repo}/FILE: {listed(files)}")
    return _file(repo, files[0], revision) if files else path


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
