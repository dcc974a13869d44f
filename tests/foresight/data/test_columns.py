"""Which column a name means."""

from __future__ import annotations

import pytest

from foresight.data.columns import meant_column, plain_name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("start_frame", "start"),
        ("window_start", "start"),
        ("time_ms", "start"),
        ("time_of_day", None),
        ("filename", "file_name"),
        ("fiel_name", "file_name"),
        ("name_file", "file_name"),
        ("video_path", "file_name"),
        ("video_size", None),
        ("s", None),
        ("captions", "instruction"),
        ("label_id", "instruction"),
        ("instruktion", "instruction"),
        ("refrence", "reference"),
        ("colour", None),
        ("license", None),
    ],
)
def test_names_that_come_near_a_column(name: str, meant: str | None) -> None:
    """Known words alone or with a unit, letters that changed places, slips; not a known word beside another."""
    assert meant_column(name) == meant


@pytest.mark.parametrize(
    ("name", "plain"), [("fileName", "file_name"), (" Start  Time ", "start_time"), ("a--b", "a_b"), ("URL", "url")]
)
def test_names_are_compared_plainly(name: str, plain: str) -> None:
    """Whatever parts their words."""
    assert plain_name(name) == plain
