"""Clips beside their reference videos."""

from __future__ import annotations

from typing import Any

import pytest

from foresight.data.referenced import ReferencedClips
from foresight.errors import UserError


def test_every_clip_has_a_reference() -> None:
    """As many of both are what is to be encoded; one too few or too many is refused with both numbers."""
    one: Any = ["a"]
    two: Any = ["a", "b"]
    assert ReferencedClips(clips=two, references=two).caches == [two, two]
    for clips, references in ((two, one), (one, two)):
        with pytest.raises(UserError, match=f"each of {len(clips)} clips, got {len(references)}"):
            _ = ReferencedClips(clips=clips, references=references).caches
