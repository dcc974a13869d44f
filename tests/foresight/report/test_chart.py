"""Line charts: where points, ticks and labels stand, worked out by hand."""

from __future__ import annotations

import re

import pytest

from foresight.report.chart import line_chart, nice_ticks


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


def test_every_part_of_a_chart_has_its_place() -> None:
    """Values left of the grid lines, 4 below them; positions 18 and the axis' name 38 below the chart, in its middle;
    the name of the values turned, in the middle of its height; names behind the ends of lines."""
    svg = line_chart({"a<b": [0.0, 2.0]}, x=[1.0, 3.0], x_label="time", y_label="loss", title="a & b")
    assert re.findall(r'<line class="grid" x1="64" x2="570" y1="([^"]+)" y2="([^"]+)"/>', svg) == [
        (y, y) for y in ("236.0", "180.5", "125.0", "69.5", "14.0")
    ]
    values = re.findall(r'<text class="tick" x="56" y="([^"]+)" text-anchor="end">([^<]+)<', svg)
    assert values == [("240.0", "0"), ("184.5", "0.5"), ("129.0", "1"), ("73.5", "1.5"), ("18.0", "2")]
    positions = re.findall(r'<text class="tick" x="([^"]+)" y="254" text-anchor="middle">([^<]+)<', svg)
    assert positions == [("64.0", "1"), ("570.0", "3")]
    assert '<text class="axis" x="317" y="274" text-anchor="middle">time</text>' in svg
    assert '<text class="axis" transform="translate(14 125) rotate(-90)" text-anchor="middle">loss</text>' in svg
    assert '<text class="label s0" x="578" y="18.0">a&lt;b</text></svg>' in svg
    assert 'viewBox="0 0 720 280" role="img" aria-label="a &amp; b"' in svg


def test_the_seventh_line_has_the_first_colour_again() -> None:
    """There are six colours; each line has the one of its name."""
    svg = chart({name: [1.0] for name in "abcdefg"}, [0.0])
    assert re.findall(r'class="line s(\d)" d="[^"]*"><title>(\w)<', svg) == list(zip("0123450", "abcdefg", strict=True))
    assert sorted(re.findall(r'class="label s(\d)".*?>(\w)<', svg)) == sorted(zip("0123450", "abcdefg", strict=True))


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0.0, [0, 1]),
        (float("nan"), [0, 1]),
        (4.0, [0, 1, 2, 3, 4]),
        (5.0, [0, 1, 2, 3, 4, 5]),
        (5.1, [0, 2, 4, 6]),
        (0.5, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (0.3, [0, 0.1, 0.2, 0.3]),
        (60.0, [0, 20, 40, 60]),
        (70.0, [0, 20, 40, 60, 80]),
        (250.0, [0, 50, 100, 150, 200, 250]),
    ],
)
def test_ticks_are_round_and_reach_the_highest_value(highest: float, ticks: list[float]) -> None:
    """Steps of 1, 2 or 5 times a power of ten, five at most; nothing above 0 is drawn up to 1."""
    assert nice_ticks(highest) == pytest.approx(ticks)
