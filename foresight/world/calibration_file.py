"""Small JSON file of a calibration of a world model, in a folder of its own or in the model's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from foresight.errors import UserError, fault
from foresight.world.storage import find_folder
from ltx.files import write_text

Calibrated = TypeVar("Calibrated")


@dataclass(frozen=True)
class CalibrationFile:
    """`NAME.json`; in the folder of a world model it lies in the subfolder NAME.

    Args:
        name: what was calibrated, in a word.
        remedy: what to do where it is missing or damaged.
    """

    name: str
    remedy: str

    def write(self, folder: str | Path, values: dict[str, Any]) -> None:
        """Write it into a folder, which is made where it is missing."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_text(Path(folder) / self._file, json.dumps(values, indent=1, allow_nan=False) + "\n")

    def read(self, where: str | Path, build: Callable[[dict[str, Any]], Calibrated]) -> Calibrated:
        """Read it from its own folder, from the folder of a world model, or by the model's name.

        Args:
            where: which.
            build: makes of the values what they stand for; a KeyError, TypeError, ValueError or AttributeError says
                that they are damaged.

        Raises:
            UserError: if there is none, or it is damaged.
        """
        folder = Path(where) if (Path(where) / self._file).is_file() else find_folder(where) / self.name
        try:
            return build(json.loads((folder / self._file).read_text(encoding="utf-8")))
        except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UserError(expected=f"{self._file} in {folder}", got=fault(error), remedy=self.remedy) from error

    @property
    def _file(self) -> str:
        return f"{self.name}.json"
