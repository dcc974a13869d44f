"""The time line: where bars, times and the threshold stand, worked out by hand."""

from __future__ import annotations

import re

import pytest

from foresight.report.timeline import Bar, timeline

# 960 wide less 64 on the left and 24 on the right: 872 for the whole span.
FIRST, ACROSS = 64.0, 872.0


def rectangles(svg: str) -> list[tuple[str, float, float, float, float]]:
    """Class, x, y, width and height of each bar."""
    found = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', svg)
    return [(kind, *(float(value) for value in numbers)) for kind, *numbers in found]  # type: ignore[misc]


def test_the_figure_marks_events_and_the_threshold() -> None:
    """One bar per span; marked ones in their own class, the first of a run with its time; a dashed line."""
    bars = [Bar(0, 1, 0.5, False), Bar(1, 2, 3, True), Bar(2, 3, 2, True), Bar(3, 4, 0.1, False)]
    figure = timeline(bars, threshold=1.0, y_label="surprise", title="a <course>")
    assert figure.count('<rect class="usual"') == 2 and figure.count('<rect class="event"') == 2
    assert figure.count('class="mark"') == 1 and "1.0 s</text>" in figure
    assert figure.count('class="threshold"') == 1 and "&lt;course&gt;" in figure
    assert 'class="threshold"' not in timeline(bars, threshold=None, y_label="", title="")
    with pytest.raises(ValueError, match="at least one"):
        timeline([], threshold=None, y_label="", title="")


def test_a_bar_covers_its_stretch_of_time() -> None:
    """Seconds 2 to 4 of 2 to 10 are the first quarter, 4 to 10 the rest; a gap of one parts them from what follows."""
    short, long = rectangles(timeline([Bar(2, 4, 1, False), Bar(4, 10, 2, True)], threshold=None, y_label="", title=""))
    assert (short[0], *short[1::2]) == ("usual", FIRST, pytest.approx(ACROSS / 4 - 1, abs=0.05))
    assert (long[0], *long[1::2]) == ("event", FIRST + ACROSS / 4, pytest.approx(ACROSS * 3 / 4 - 1, abs=0.05))


def test_a_bar_is_as_high_as_its_value() -> None:
    """Bars stand on one line; the highest tick, 2, is 260 − 14 − 44 high, half of it half as high, and nothing 0."""
    bars = [Bar(0, 1, 1, False), Bar(1, 2, 2, False), Bar(2, 3, 0, False)]
    one, two, nothing = rectangles(timeline(bars, threshold=None, y_label="", title=""))
    assert two[4] == pytest.approx(202, abs=0.1) and one[4] == pytest.approx(101, abs=0.1) and nothing[4] == 0
    assert one[2] + one[4] == pytest.approx(two[2] + two[4], abs=0.1) == pytest.approx(nothing[2], abs=0.1)


def test_the_threshold_lies_where_a_bar_of_its_value_ends() -> None:
    """A dashed line over the whole width at the top of a bar as high as the threshold."""
    svg = timeline([Bar(0, 1, 3, False), Bar(1, 2, 5, True)], threshold=3.0, y_label="", title="")
    line = re.search(r'class="threshold" x1="64" x2="936" y1="([\d.]+)" y2="([\d.]+)"', svg)
    assert line is not None and float(line[1]) == float(line[2]) == rectangles(svg)[0][2]
    assert "threshold" not in timeline([Bar(0, 1, 3, False)], threshold=None, y_label="", title="").split("</style>")[1]


def test_a_time_is_written_at_the_first_bar_of_an_event_where_there_is_room() -> None:
    """Of three events the second begins 44 units after the first, less than its time takes: that stays unwritten."""
    marked = [True, True, False, True, False, True, *[False] * 54]
    bars = [Bar(index / 4, (index + 1) / 4, 1, mark) for index, mark in enumerate(marked)]
    svg = timeline(bars, threshold=None, y_label="", title="")
    assert re.findall(r'class="mark" x="([\d.]+)" y="[\d.]+">([\d.]+ s)<', svg) == [
        ("64.0", "0.0 s"),
        ("136.7", "1.2 s"),
    ]


def test_round_times_stand_below_their_places() -> None:
    """From 1 to 11 seconds: 2, 4, … 10, each where its time is."""
    svg = timeline([Bar(1, 11, 1, False)], threshold=None, y_label="", title="")
    times = re.findall(r'class="tick" x="([\d.]+)" y="234" text-anchor="middle">(\d+)<', svg)
    assert [int(time) for _, time in times] == [2, 4, 6, 8, 10]
    assert [float(x) for x, _ in times] == pytest.approx(
        [FIRST + (time - 1) / 10 * ACROSS for time in (2, 4, 6, 8, 10)], abs=0.05
    )
