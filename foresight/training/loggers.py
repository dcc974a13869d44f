"""Loggers by their names, beside the table that every run has."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from foresight.errors import UserError


def _tensorboard(folder: Path) -> Logger:
    return TensorBoardLogger(folder, name="", version="tensorboard")


def _csv(folder: Path) -> Logger:
    # Lightning's empties a folder that it has written before: what goes on has one of its own.
    names = ("csv", *(f"csv-{number}" for number in range(2, 10_000)))
    return CSVLogger(folder, name="", version=next(name for name in names if not (folder / name).exists()))


def _wandb(folder: Path) -> Logger:
    # Nothing leaves the machine unless the user has said so where Weights & Biases itself looks for it.
    offline = os.environ.get("WANDB_MODE", "offline") != "online"
    return WandbLogger(name=folder.name, save_dir=folder, project="foresight", offline=offline)


KINDS: Mapping[str, tuple[Callable[[Path], Logger], str]] = {
    "tensorboard": (_tensorboard, "tensorboard"),
    "csv": (_csv, ""),
    "wandb": (_wandb, "wandb"),
}
"""What makes each, and the package that it needs beside ours."""


def check_loggers(names: str | Sequence[str]) -> None:
    """Refuse loggers that cannot be, before anything is read.

    Args:
        names: out of `KINDS`; one, or several.

    Raises:
        UserError: if a name is unknown, or its package is not installed.
    """
    chosen = _chosen(names)
    unknown = [name for name in chosen if name not in KINDS]
    if unknown:
        raise UserError(
            expected=f"logger= out of {', '.join(KINDS)}, one or several", got=", ".join(unknown), remedy="choose those"
        )
    for name in chosen:
        package = KINDS[name][1]
        if package and find_spec(package) is None:
            raise UserError(
                expected=f"the package {package} for logger={name}",
                got="none installed",
                remedy='pip install "foresight-wm[loggers]", or leave it out: log/metrics.csv is always written',
            )


def named_loggers(names: str | Sequence[str], folder: Path) -> list[Logger]:
    """The loggers of some names, which write below a run's folder.

    Args:
        names: out of `KINDS`; one, or several.
        folder: of the run.

    Raises:
        UserError: see `check_loggers`.
    """
    check_loggers(names)
    return [KINDS[name][0](folder) for name in _chosen(names)]


def _chosen(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))
