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


def test_every_part_of_a_time_line_has_its_place() -> None:
    """Values left of the grid lines, 4 below them; seconds 18 and their name 38 below the chart; a mark 4 above its
    bar; what is under the pointer, in words."""
    svg = timeline([Bar(0, 2, 1, False), Bar(2, 4, 3, True)], threshold=1.5, y_label="surprise", title="a")
    assert re.findall(r'<line class="grid" x1="64" x2="936" y1="([^"]+)" y2="([^"]+)"/>', svg) == [
        (y, y) for y in ("216.0", "148.7", "81.3", "14.0")
    ]
    values = re.findall(r'<text class="tick" x="56" y="([^"]+)" text-anchor="end">([^<]+)<', svg)
    assert values == [("220.0", "0"), ("152.7", "1"), ("85.3", "2"), ("18.0", "3")]
    seconds = re.findall(r'<text class="tick" x="([^"]+)" y="234" text-anchor="middle">([^<]+)<', svg)
    assert seconds == [("64.0", "0"), ("282.0", "1"), ("500.0", "2"), ("718.0", "3"), ("936.0", "4")]
    assert '<text class="axis" x="500" y="254" text-anchor="middle">seconds</text>' in svg
    assert '<text class="axis" transform="translate(14 115) rotate(-90)" text-anchor="middle">surprise</text>' in svg
    assert '<text class="mark" x="500.0" y="10.0">2.0 s</text>' in svg
    assert "<title>0.00 s to 2.00 s: 1</title>" in svg and "<title>2.00 s to 4.00 s: 3</title>" in svg
    assert 'class="threshold" x1="64" x2="936" y1="115.0" y2="115.0"' in svg


def test_the_scale_reaches_a_threshold_above_all_bars() -> None:
    """A threshold of 4 over bars of 1 lies at the top; a value below 0 is drawn as nothing."""
    svg = timeline([Bar(0, 1, 1, False), Bar(1, 2, -3, False)], threshold=4.0, y_label="", title="")
    assert 'y1="14.0" y2="14.0"/>' in svg.split('class="threshold"')[1]
    assert [bar[4] for bar in rectangles(svg)] == [50.5, 0.0]


def test_the_shortest_stretches_stay_visible() -> None:
    """A bar is at least 0.8 wide, even if it is the only one and takes no time."""
    (instant,) = rectangles(timeline([Bar(3, 3, 1, False)], threshold=None, y_label="", title=""))
    assert instant[1] == 64.0 and instant[3] == 0.8


def test_marks_stand_52_apart_at_least() -> None:
    """Of 218 seconds on 872 units one that begins 13 seconds after another has just room, 12.9 seconds has not."""
    for start, count in ((13.0, 2), (12.9, 1)):
        bars = [Bar(0, 1, 1, True), Bar(1, start, 1, False), Bar(start, 218, 1, True)]
        assert timeline(bars, threshold=None, y_label="", title="").count('class="mark"') == count
