"""Parts that a world model's folder refers to instead of holding them: found again, and refused if they changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from foresight.errors import UserError
from ltx.checkpoint.hub import resolve, source_of
from ltx.checkpoint.place import place_of
from ltx.home import with_home

SUBFOLDERS: dict[str, tuple[str, ...]] = {
    "vae": ("vae",),
    "transformer": ("transformer",),
    "text_encoder": ("text_encoder", "tokenizer"),
    "vlm": ("vlm",),
    "adapter": ("adapter",),
}
"""Where a part's files are in a folder that holds several parts; a folder without these holds the part itself."""

KINDS = (".safetensors", ".json", ".model", ".txt", ".jinja")
BLOCK, BLOCKS = 1 << 16, 16


@dataclass(frozen=True)
class FileRecord:
    """Size and digests of a file of a part.

    Args:
        bytes: its size.
        sample: SHA-256 of its first MiB and of blocks spread over it: read at every loading, whatever its size.
        sha256: of all of it.
    """

    bytes: int
    sample: str
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        """Read a file once."""
        return cls(path.stat().st_size, sample(path), digest(path))


@dataclass(frozen=True)
class PartReference:
    """Place of a part, and records of its files.

    Args:
        where: a path, with `~` for the user's home; the name of a model; or a hub id with its commit.
        files: by their names below `where`.
    """

    where: str
    files: Mapping[str, FileRecord]

    @classmethod
    def of(cls, where: str | Path, part: str) -> PartReference:
        """Note where a part is and what it is now.

        Args:
            where: a path, the name of a model, or a hub id.
            part: a key of `SUBFOLDERS`.

        Raises:
            UserError: if there is no such thing.
        """
        root = locate(where, part)
        files = part_files(root, part)
        base = root.parent if root.is_file() else root
        records = {str(file.relative_to(base)): FileRecord.of(file) for file in files}
        return cls(_lasting_name(where, root), records)

    @classmethod
    def from_dict(cls, values: Any) -> PartReference:
        """Read what `to_dict` gave.

        Raises:
            ValueError: if that is no reference.
        """
        try:
            files = {str(name): FileRecord(**record) for name, record in values["files"].items()}
            return cls(str(values["where"]), files)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"expected a reference with where and files, got {values!r}") from error

    def to_dict(self) -> dict[str, Any]:
        """As JSON's types."""
        return {"where": self.where, "files": {name: asdict(record) for name, record in self.files.items()}}

    def find(self, part: str) -> Path:
        """The file or folder of the part, which is still what it was.

        Raises:
            UserError: if it is gone, or a file of it was changed.
        """
        root = locate(with_home(self.where), part)
        base = root.parent if root.is_file() else root
        for name, record in self.files.items():
            path = base / name
            if not path.is_file() or path.stat().st_size != record.bytes or sample(path) != record.sample:
                state = "another file" if path.is_file() else "none"
                raise UserError(
                    expected=f"the {part} that this world model was assembled with, {name} in {base}",
                    got=state,
                    remedy="assemble the world model again with what is there now, or bring the old file back",
                )
        return root


def locate(where: str | Path, part: str) -> Path:
    """A part's file or folder on this disk; hub ids are downloaded.

    Raises:
        UserError: if there is none.
    """
    try:
        place = place_of(where)
        whole = place.card is not None and place.card.repo is not None and place.card.file is None
        if place.card is None or not whole or part in ("vae", "transformer", "text_encoder"):
            return place.path or resolve(where, part)
        return Path(huggingface_hub.snapshot_download(str(place.card.repo), revision=place.revision))
    except (ValueError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise UserError(
            expected=f"the {part.replace('_', ' ')} at a path, a hub id or the name of a model",
            got=repr(str(where)),
            remedy=f"check the name and the connection ({str(error).splitlines()[0]})",
        ) from error


def part_files(root: Path, part: str) -> list[Path]:
    """The files that a part is read from: one official file, or what lies in its folders."""
    if root.is_file():
        return [root]
    folders = [root / name for name in SUBFOLDERS[part] if (root / name).is_dir()] or [root]
    found = [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in KINDS]
    return [path for path in found if path.is_file()]


def digest(path: Path) -> str:
    """SHA-256 of a file; one that is as it was is read once per process, whatever asks for it."""
    state = path.stat()
    return _digest(path.resolve(), state.st_size, state.st_mtime_ns)


@cache
def _digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sample(path: Path) -> str:
    """SHA-256 of a file's size, its first MiB, and blocks spread evenly over it: milliseconds for any size."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
        for index in range(BLOCKS):
            file.seek(max(0, (size - BLOCK) * index // (BLOCKS - 1)))
            digest.update(file.read(BLOCK))
    return digest.hexdigest()


def _lasting_name(where: str | Path, root: Path) -> str:
    """A name that means the same tomorrow: the commit of what came from the hub, a path from the root, `~` for home."""
    place = place_of(where)
    if (source := source_of(root)) is not None or place.path is None:
        return source or place.name
    path = root.absolute()
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)
