"""The course of a stream: bounded, without losing peaks or counts."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from foresight.watch import Moment
from foresight.watch.timeline import Timeline

FRAMES = torch.zeros(3, 8, 32, 32)


def moment(second: int, surprise: float) -> Moment:
    return Moment(float(second), second + 1.0, surprise, 0.5, 1.0, FRAMES, FRAMES)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 100, 1001])
def test_a_long_course_keeps_its_peak_its_events_and_its_ends(count: int) -> None:
    """However long, at most 8 + 1 spans cover all seconds, the largest surprise and every event."""
    course = Timeline(most=8, shown=3)
    for second in range(count):
        course.add(moment(second, 9.0 if second == count // 2 else 0.1), event=second % 5 == 0)
    spans = course.spans
    assert len(spans) <= 8 and spans[0].start == 0 and spans[-1].end == count
    assert all(a.end == b.start for a, b in pairwise(spans))
    assert max(span.surprise for span in spans) == 9.0
    assert sum(span.events for span in spans) == course.events == (count + 4) // 5
    assert course.moments == count and course.error == 0.5 * count


def test_the_largest_events_are_kept_in_the_order_of_time() -> None:
    """Of five events the three most surprising remain."""
    course = Timeline(most=8, shown=3)
    for second, surprise in enumerate([5.0, 1.0, 4.0, 2.0, 3.0]):
        course.add(moment(second, surprise), event=True)
    assert [kept.start for kept in course.largest()] == [0, 2, 4]
