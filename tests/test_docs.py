"""The walks of `docs/architecture.md` lead through files and names that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
STOPS = re.findall(r"`([a-z_]+/[\w/]+\.(?:py|yaml))`(?: `(\w+)`)?", PAGE[PAGE.index("## Five walks") :])


def test_there_are_five_walks() -> None:
    """Of a frame, an instruction, a noise level, a batch and a LoRA key; none is longer than twenty stops."""
    walks = re.split(r"^\*\*", PAGE[PAGE.index("## Five walks") :], flags=re.MULTILINE)[1:]
    assert len(walks) == 5
    assert all(5 < len(re.findall(r"^\d+\. ", walk, re.MULTILINE)) <= 20 for walk in walks)


@pytest.mark.parametrize(("file", "name"), STOPS, ids=[f"{file}:{name}" for file, name in STOPS])
def test_every_stop_of_a_walk_is_there(file: str, name: str) -> None:
    """The file exists, and defines what the walk names in it."""
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not name or re.search(rf"^\s*(def|class) {name}\b|^{name}\b.*=", text, re.MULTILINE)
