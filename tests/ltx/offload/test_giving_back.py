"""Memory that is given back: less of it counts as the process's, and no value changes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ltx.offload.giving_back import _unchanged, give_back
from ltx.offload.room import Room, at_work
from ltx.offload.shelf import Shelf

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what a process has is read from Linux")
SIZE = 1 << 24


def mapped() -> int:
    """Bytes of file pages that the process has."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile"))


@pytest.fixture
def weight(tmp_path: Path) -> Tensor:
    """A weight in its mapped file, all of which has been read."""
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.arange(SIZE, dtype=torch.float32)}, path)
    read = load_file(path)["weight"]
    assert float(read.sum()) > 0
    return read


def test_pages_of_weights_are_given_back_and_read_again(weight: Tensor) -> None:
    """64 MB less count as the process's, and every value is what it was."""
    before = mapped()
    give_back()
    assert before - mapped() > 0.9 * weight.nbytes
    assert torch.equal(weight, torch.arange(SIZE, dtype=torch.float32))


def test_changed_weights_stay(weight: Tensor) -> None:
    """One number changed in place, as by merging a LoRA: it is still changed afterwards, and so are its neighbours."""
    weight[SIZE // 2] = -1.0
    give_back()
    assert float(weight[SIZE // 2]) == -1.0 and float(weight[SIZE // 2 + 1]) == SIZE // 2 + 1


def test_only_unchanged_weight_files_are_named() -> None:
    """Mappings of other files, of memory, and with pages that were written to are left alone."""

    def mapping(start: int, name: str, anonymous: int = 0, swapped: int = 0) -> str:
        return (
            f"{start:x}-{start + 16:x} rw-p 00000000 fe:00 1234                       {name}\n"
            f"Rss: 8 kB\nPrivate_Dirty: 4 kB\nAnonymous: {anonymous} kB\nSwap: {swapped} kB\nVmFlags: rd wr"
        )

    maps = [
        mapping(0x1000, "/a/model.safetensors"),
        mapping(0x2000, "/a/model.safetensors", anonymous=4),
        mapping(0x3000, "/a/model.safetensors", swapped=4),
        mapping(0x4000, ""),
        mapping(0x5000, "/usr/lib/libc.so"),
        mapping(0x6000, "/a/gone.safetensors (deleted)"),
    ]
    assert list(_unchanged("\n".join(maps))) == [(0x1000, 0x1010), (0x6000, 0x6010)]


def test_a_part_that_leaves_gives_back_its_pages(weight: Tensor) -> None:
    """Whoever enters a room finds the pages of the part before gone from memory, and its weights as they were."""
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    first.weight = nn.Parameter(weight[None], requires_grad=False)
    room = Room()
    for module in (first, second):
        room.lodge(module, Shelf(module, torch.device("cpu"), None))
    with at_work(first):
        assert float(first.weight.sum()) > 0
    before = mapped()
    with at_work(second):
        assert before - mapped() > 0.9 * weight.nbytes
    assert float(first.weight[0, 5]) == 5.0
