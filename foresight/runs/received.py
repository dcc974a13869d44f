"""A run folder as it may have come from anybody: data, of which nothing is run and through which nothing is reached."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

import yaml

from foresight.errors import UserError

LARGEST = 64 * 2**20
"""Bytes of a text file of a run; those written here are a thousand times smaller."""
LARGEST_UNPACKED = 512 * 2**20
"""Bytes that a packed file may unpack to; per-clip values of 1,000 clips take a tenth of it."""


class ReceivedRun:
    """A folder that holds plain files and folders only, read as text, JSON and YAML of plain values.

    Args:
        folder: of a run.

    Raises:
        UserError: if something in it is a link, a pipe or a device, which would lead out of it or never end.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder)
        for place, folders, files in os.walk(self.path):
            for name in folders + files:
                entry = Path(place, name)
                if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                    raise UserError(
                        expected=f"a run of plain files in {self.path}",
                        got=f"a link, pipe or device: {entry.relative_to(self.path)}",
                        remedy="replace it by what it stands for, if you trust it",
                    )

    def json(self, name: str) -> Any:
        """Plain values of a JSON file.

        Raises:
            OSError: if there is no such file, or it cannot be read.
            ValueError: if it is damaged, too large or nested without end.
        """
        try:
            return json.loads(self.text(name))
        except RecursionError as error:
            raise ValueError(f"{name} is nested too deeply") from error

    def yaml(self, name: str) -> Any:
        """Plain values of a YAML file; its tags construct nothing, and what it says twice it has to write twice.

        Raises:
            OSError: if there is no such file, or it cannot be read.
            ValueError: if it is damaged, too large, nested without end, or refers to parts of itself.
        """
        text = self.text(name)
        try:
            # A few lines of references to references stand for more values than any memory holds.
            if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
                raise ValueError(f"{name} refers to parts of itself")
            return yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError) as error:
            raise ValueError(f"{name}: {error}") from error

    def text(self, name: str) -> str:
        """UTF-8 text of a file; of one that ends in `.gz`, unpacked.

        Raises:
            OSError: if there is no such file, or it cannot be read.
            ValueError: if it is too large, packed or not, or not such text.
        """
        file = self.path / name
        if file.stat().st_size > LARGEST:
            raise ValueError(f"{name} is larger than {LARGEST} bytes")
        if file.suffix != ".gz":
            return file.read_text(encoding="utf-8")
        try:
            # A few bytes may unpack to more than any memory holds.
            with gzip.open(file) as unpacked:
                content = unpacked.read(LARGEST_UNPACKED + 1)
        except (EOFError, zlib.error) as error:
            raise ValueError(f"{name} is damaged") from error
        if len(content) > LARGEST_UNPACKED:
            raise ValueError(f"{name} unpacks to more than {LARGEST_UNPACKED} bytes")
        return content.decode("utf-8")
