"""Output of a command: the run directory it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight.runs.directory import RunDirectory
from foresight.runs.numbers import numbered


@dataclass(frozen=True)
class RunOutput:
    """Run directory that a command is to write.

    Args:
        run: folder to write; one that ends in `#` is numbered.
        replace: true if a finished run of that name may be replaced.
        config: plain configuration, recorded.
    """

    run: str | Path
    replace: bool
    config: Mapping[str, Any]

    def directory(self) -> RunDirectory:
        """The directory, to be entered.

        Raises:
            UserError: if it cannot be a run's.
        """
        return RunDirectory(numbered(self.run), replace=self.replace)

    def record(self, folder: RunDirectory, metrics: Mapping[str, Any]) -> None:
        """Write configuration, environment and metrics."""
        folder.write_config(self.config)
        folder.write_environment()
        folder.write_metrics(dict(metrics))
