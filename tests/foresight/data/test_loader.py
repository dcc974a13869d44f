"""What processes that load data leave alone."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from pathlib import Path

from foresight.data.loader import ForkingLoader


class Circle:
    """Garbage that only the collector frees, and that says which process did."""

    def __init__(self, log: Path) -> None:
        self.log, self.itself = log, self

    def __del__(self) -> None:
        with self.log.open("a") as file:
            file.write(f"{os.getpid()}\n")


class Collecting:
    """Rows whose loading frees what it can."""

    def __len__(self) -> int:
        return 2

    def __getitems__(self, rows: Sequence[int]) -> list[int]:
        gc.collect()
        return [os.getpid() for _ in rows]


def test_garbage_of_the_training_is_freed_by_the_training(tmp_path: Path) -> None:
    """A process that loads frees neither what was garbage before it began nor what still was in use then."""
    gc.collect()
    gc.disable()
    try:
        Circle(tmp_path / "garbage")
        used = Circle(tmp_path / "used")
        loader = ForkingLoader(Collecting(), batch_size=1, num_workers=1, collate_fn=list)  # type: ignore[arg-type]
        pids = {pid for batch in loader for pid in batch}
    finally:
        gc.enable()
    assert pids and os.getpid() not in pids
    assert (tmp_path / "garbage").read_text().split() == [str(os.getpid())]
    del used
    gc.collect()
    assert (tmp_path / "used").read_text().split() == [str(os.getpid())]
