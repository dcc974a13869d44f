"""A run directory: configuration, environment, metrics, videos, report; whole under its name or not there at all."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
import yaml

from foresight.errors import UserError
from foresight.runs.command import command
from ltx.files import write_text

MARKER = ".foresight-run"
"""File that tells a folder made here from any other; nothing without it is ever removed."""

PACKAGES = ("foresight-wm", "torch", "transformers", "safetensors", "av", "numpy", "pillow")


class _Plain(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Writes what occurs twice twice, so that whoever receives the file need follow no references."""

    def ignore_aliases(self, data: object) -> bool:
        return True


class RunDirectory:
    """Everything one command leaves behind, as a context manager.

    While the block runs, files lie in `.<name>.partial` beside the final folder; when it ends without an exception that
    folder takes the final name in one rename, otherwise it is removed. A run killed outright leaves only the partial
    folder, which the next run of that name clears away. Only folders that this class has made, which hold its marker
    file, are ever replaced or cleared.

        with RunDirectory("runs/demo", replace=True) as run:
            write_mp4(run / "prediction.mp4", video, frame_rate=8)
            run.write_metrics({"psnr": 31.2})

    Args:
        where: the final folder.
        replace: whether a finished run of that name may be replaced.

    Raises:
        UserError: if the name is empty, or a folder that work is done in: the current one or one above it, a file
            system's root, the home folder. On entering, if a finished run is there and may not be replaced, if what is
            there is not a run, if another process is writing it, or if the folder cannot be made or written.
    """

    def __init__(self, where: str | Path, *, replace: bool = False) -> None:
        self.path = _ordinary(where)
        self.replace = replace
        self._partial = self.path.with_name(f".{self.path.name}.partial")
        self._old = self.path.with_name(f".{self.path.name}.old")
        self._lock: int | None = None

    def __truediv__(self, name: str) -> Path:
        """Path of a file of this run, to write to while the block runs."""
        return self._partial / name

    def __enter__(self) -> Self:
        if os.path.lexists(self.path):
            if not self.replace:
                raise UserError(
                    expected="a folder name that is still free",
                    got=str(self.path),
                    remedy="choose another, or replace it with replace=true",
                )
            _refuse_foreign(self.path)
        _refuse_foreign(self._old)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._recover()
            self._partial.mkdir(exist_ok=True)
            self._take_lock()
            self._clear()
        except UserError:
            self._release()
            raise
        except OSError as error:
            self._release()
            raise UserError(
                expected="a folder that can be written",
                got=f"{error.strerror} for {self.path}",
                remedy="choose another output folder or change its permissions",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
            else:
                shutil.rmtree(self._partial, ignore_errors=True)
        finally:
            self._release()

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write the resolved configuration (plain values) to config.yaml."""
        text = yaml.dump(dict(config), Dumper=_Plain, sort_keys=False, allow_unicode=True)
        write_text(self / "config.yaml", text)

    def write_environment(self, also: Mapping[str, str] | None = None) -> dict[str, str]:
        """Write versions, machine, source revision, command and date to environment.json, and return them.

        Args:
            also: more of the kind, such as hashes of what went in.
        """
        found = environment() | dict(also or {})
        write_text(self / "environment.json", json.dumps(found, indent=2) + "\n")
        return found

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write numbers, strings, lists and mappings of them to metrics.json.

        Raises:
            ValueError: if a number is NaN or infinite, which JSON cannot hold.
        """
        write_text(self / "metrics.json", json.dumps(dict(metrics), indent=2, allow_nan=False) + "\n")

    def _clear(self) -> None:
        """Empty the partial folder of what a killed run left, and mark it; the mark goes in before anything else."""
        _refuse_foreign(self._partial, or_empty=True)
        for leftover in self._partial.iterdir():
            if leftover.name != MARKER:
                _remove(leftover)
        (self / MARKER).write_text("A run directory of foresight; `replace=true` may replace it.\n")

    def _publish(self) -> None:
        """Give the partial folder its final name; an older run steps aside first and is removed last."""
        if os.path.lexists(self.path):
            _refuse_foreign(self.path)
            os.rename(self.path, self._old)
        os.rename(self._partial, self.path)
        _remove(self._old)

    def _recover(self) -> None:
        """Undo a replacement that was killed between its two renames."""
        if self._old.exists():
            if self.path.exists():
                _remove(self._old)
            else:
                os.rename(self._old, self.path)

    def _take_lock(self) -> None:
        # The kernel drops the lock with the process, so a killed run never blocks the next.
        self._lock = os.open(self._partial, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                expected="a run directory that nobody is writing",
                got=f"one in use by another process: {self.path}",
                remedy="wait for it or choose another output folder",
            ) from error

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def environment() -> dict[str, str]:
    """Versions and machine that a result depends on, and the command that asked for it."""
    found = {"python": platform.python_version(), "platform": platform.platform(), "cores": str(os.cpu_count())}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    found["threads"] = str(torch.get_num_threads())
    found["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    found["revision"] = _revision()
    found["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    if command():
        found["command"] = command()
    return found


def _revision() -> str:
    """Commit of the checkout this file lies in, "+" if it is changed; "unknown" outside a checkout."""
    here = Path(__file__).parent
    try:
        answers = [
            subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, timeout=10, check=True).stdout
            for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        ]
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answers[0].strip() + ("+" if answers[1].strip() else "")


def _ordinary(where: str | Path) -> Path:
    """The absolute path of a folder that may be a run's.

    Raises:
        UserError: if the name is empty, or a folder that work is done in.
    """
    if not str(where).strip() or "\0" in str(where):
        raise UserError(expected="the name of a run directory", got=repr(str(where)), remedy="give it a name")
    path = Path(os.path.abspath(where))
    real, here = path.resolve(), Path.cwd().resolve()
    if real == Path(real.anchor) or real in (here, *here.parents, Path.home().resolve()):
        raise UserError(
            expected="a folder of the run's own",
            got=f"{path}, the current folder, one above it, the root or the home folder",
            remedy="name a folder inside it, such as runs/demo",
        )
    return path


def _refuse_foreign(path: Path, *, or_empty: bool = False) -> None:
    """Refuse anything that is there and was not made by `RunDirectory`.

    Raises:
        UserError: if it is a file, a link, or a folder without the marker.
    """
    if not os.path.lexists(path):
        return
    ours = path.is_dir() and not path.is_symlink() and (path / MARKER).is_file()
    if not ours and not (or_empty and path.is_dir() and not path.is_symlink() and not any(path.iterdir())):
        raise UserError(
            expected="a free name or a finished run of foresight",
            got=f"something else at {path}",
            remedy="choose another output folder; only runs are replaced",
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
