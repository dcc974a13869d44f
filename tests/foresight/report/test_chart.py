"""Line charts: where points, ticks and labels stand, worked out by hand."""

from __future__ import annotations

import re

import pytest

from foresight.report.chart import line_chart


def chart(lines: dict[str, list[float]], x: list[float]) -> str:
    return line_chart(lines, x=x, x_label="", y_label="", title="")


def path(svg: str) -> str:
    found = re.search(r' d="([^"]+)"', svg)
    assert found is not None
    return found[1]


def test_points_stand_where_their_values_are() -> None:
    """The axes run from 64 to 720 − 150 = 570 and from 280 − 44 = 236 up to 14: 4 of 0 … 4 is at the top, 1 a quarter
    up, and 3 of 2 … 6 a quarter across."""
    assert path(chart({"a": [0.0, 1.0, 4.0]}, [2.0, 3.0, 6.0])) == "M64.0 236.0L190.5 180.5L570.0 14.0"


def test_a_gap_parts_a_line() -> None:
    """What is not a number is left out, and the line begins anew behind it."""
    drawn = path(chart({"a": [0.0, 4.0, float("nan"), 4.0, 0.0]}, [0.0, 1.0, 2.0, 3.0, 4.0]))
    assert drawn == "M64.0 236.0L190.5 14.0M443.5 14.0L570.0 236.0"


def test_a_single_position_is_drawn_at_the_left() -> None:
    """A span of nothing is widened to 1."""
    assert path(chart({"a": [2.0]}, [5.0])) == "M64.0 14.0"


def test_at_most_nine_positions_are_written() -> None:
    """Nine stay nine; of ten every second one remains, the first among them; each below its place."""
    for count, step in ((9, 1), (10, 2)):
        svg = chart({"a": [1.0] * count}, [float(value) for value in range(count)])
        written = re.findall(r'<text class="tick" x="([\d.]+)" y="254" text-anchor="middle">(\d+)<', svg)
        assert [int(text) for _, text in written] == list(range(0, count, step))
        assert [float(place) for place, _ in written] == pytest.approx(
            [64 + 506 * int(text) / (count - 1) for _, text in written], abs=0.06
        )


def test_names_at_the_ends_keep_apart() -> None:
    """Of lines that end at one height the names stand 16 apart, and others at their lines."""
    svg = chart({"low": [0.0], "a": [4.0], "b": [4.0]}, [0.0])
    names = re.findall(r'<text class="label s(\d)" x="578" y="([\d.]+)">(\w+)<', svg)
    assert names == [("1", "18.0", "a"), ("2", "34.0", "b"), ("0", "240.0", "low")]


def test_series_must_be_as_long_as_the_positions() -> None:
    """One value is enough; none, or another number of them, is refused."""
    for lines, x in (({"a": [1.0, 2.0]}, [0.0]), ({}, [0.0]), ({"a": []}, [])):
        with pytest.raises(ValueError, match="expected series"):
            chart(lines, x)
