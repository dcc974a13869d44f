"""Training checkpoints: what is written is read, damage is found, a kill leaves a whole file."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from foresight.training.checkpoint import CorruptCheckpointError, newest, path_of_step, read, write


def _state(value: float = 1.0, size: int = 64) -> dict[str, Any]:
    return {
        "step": 3,
        "value": value,
        "none": None,
        "name": "Θ",
        "flags": [True, False],
        "model": {
            "weight": torch.full((size,), value),
            "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
            "count": torch.tensor(7),
        },
        "optimizer": [{"moments": [torch.arange(6).reshape(2, 3), torch.zeros(0)]}],
    }


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and left == right


def test_round_trip(tmp_path: Path) -> None:
    """A nested state of numbers, text, lists and tensors of several types is read as it was written."""
    path = path_of_step(tmp_path, 3)
    write(_state(), path)
    assert _same(_state(), read(path))


def test_flipped_bytes_are_found(tmp_path: Path) -> None:
    """Fifty files, each with one random byte changed, are all refused."""
    path = path_of_step(tmp_path, 1)
    write(_state(), path)
    content = path.read_bytes()
    chance = random.Random(0)
    for position in chance.sample(range(len(content)), 50):
        damaged = bytearray(content)
        damaged[position] ^= chance.randrange(1, 256)
        path.write_bytes(damaged)
        try:
            state = read(path)
        except CorruptCheckpointError:
            continue
        pytest.fail(f"byte {position} of {len(content)} was changed unnoticed: {state}")


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    """The tensors whose values are others, or else the part that says how they hang together."""
    path = path_of_step(tmp_path, 1)
    write(_state(), path)
    content = bytearray(path.read_bytes())
    content[content.index(torch.arange(6).numpy().tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptCheckpointError, match=r"checksums at \['/optimizer/0/moments/0'\]"):
        read(path)
    write(_state(), path)
    content = bytearray(path.read_bytes())
    content[content.index(b"flags")] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptCheckpointError, match="checksums at its JSON part"):
        read(path)


def test_truncation_is_found(tmp_path: Path) -> None:
    """A file cut short anywhere is refused."""
    path = path_of_step(tmp_path, 1)
    write(_state(), path)
    content = path.read_bytes()
    for length in (0, 1, 8, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(CorruptCheckpointError):
            read(path)


def test_kill_during_a_save(tmp_path: Path) -> None:
    """A kill at a random moment of a save leaves the old file or the new one whole, and leftovers are swept."""
    path = path_of_step(tmp_path, 5)
    size = 1_000_000
    start = time.monotonic()
    write(_state(0.0, size), path)
    duration = time.monotonic() - start
    chance = random.Random(1)
    old = 0.0
    for new in range(1, 9):
        child = os.fork()
        if child == 0:
            try:
                write(_state(float(new), size), path)
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0, 1.5 * duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = read(path)["value"]
        assert found in (old, float(new))
        assert _same(_state(found, size), read(path))
        assert newest(tmp_path) == path
        assert list(tmp_path.iterdir()) == [path]
        old = found


def test_damaged_newest_is_passed_over(tmp_path: Path) -> None:
    """When the newest checkpoint is damaged, the one before it is taken; when all are, none is."""
    before, last = path_of_step(tmp_path, 9), path_of_step(tmp_path, 10)
    write(_state(), before)
    write(_state(), last)
    assert newest(tmp_path) == last
    for path, expected in ((last, before), (before, None)):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert newest(tmp_path) == expected
