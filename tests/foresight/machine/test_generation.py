"""The memory that the page on devices promises, counted again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from foresight.machine.generation import KINDS, needs
from ltx.offload.meter import peak_bytes

GIB = 2**30
PAGE = Path(__file__).parents[3] / "docs" / "devices.md"


def rows() -> list[list[str]]:
    """Cells of the page's table of memory."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| (2b|13b) \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_has_a_row_for_every_way() -> None:
    """Both sizes, all that may leave the device, both ways to store."""
    assert {tuple(row[:3]) for row in rows()} == {
        (kind, storage, offload)
        for kind in KINDS
        for storage in ("stored", "float8")
        for offload in ("none", "parts", "blocks")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_what_is_counted(kind: str) -> None:
    """Text, sampling, decoding and the peak of each way, to a tenth of a GiB."""
    for row in rows():
        if row[0] == kind:
            found = needs(kind, offload=row[2], float8=row[1] == "float8")
            counted = [found.text, found.sampling, found.decoding, found.peak]
            assert [f"{count / GIB:.1f}" for count in counted] == row[3:7], row[:3]


def test_less_on_the_device_needs_less() -> None:
    """Each way less than the one before, float8 less than what is stored; the 13b more than the 2b."""
    for float8 in (False, True):
        peaks = [needs("13b", offload=offload, float8=float8).peak for offload in ("none", "parts", "blocks")]
        assert peaks == sorted(peaks, reverse=True) and len(set(peaks)) == 3
    assert needs("13b", offload="parts", float8=True).sampling < needs("13b", offload="parts", float8=False).sampling
    assert needs("2b", offload="none", float8=False).peak < needs("13b", offload="none", float8=False).peak


def test_live_bytes_are_those_of_tensors_that_are_there() -> None:
    """Freed ones are not counted, views are no new ones, nor are matrices of the whole sequence."""
    given = torch.empty(100, 4, device="meta")

    def run() -> None:
        first = given + 1  # 1600 bytes
        second = first.view(50, 8) * 2  # 1600 more, the most
        del first, second
        given @ given.T  # tokens × tokens
        _ = given.sum()

    assert peak_bytes(run, tokens=100) == 3200
