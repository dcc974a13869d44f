"""Surprise over time, with the threshold of the alarm and the events that it marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight.plots.axes import BOTTOM, HEIGHT, LEFT, RIGHT, round_ticks
from foresight.plots.figure import WIDTH, Figure


@dataclass(frozen=True)
class Stretch:
    """One stretch of time: seconds from `start` to `end`, its surprise, and whether it is an event."""

    start: float
    end: float
    surprise: float
    event: bool


def surprise_timeline(
    stretches: Sequence[Stretch], *, threshold: float | None, title: str = "Surprise over time"
) -> Figure:
    """A bar per stretch, a dashed line at the threshold; events are darker, and marked with their time.

    Args:
        stretches: in order, at least one.
        threshold: of the alarm; None marks nothing.
        title: of the figure.

    Raises:
        ValueError: if there is nothing to draw.
    """
    if not stretches:
        raise ValueError("expected at least one stretch of time, got none")
    up = round_ticks(0.0, max([*(one.surprise for one in stretches), threshold or 0.0]))
    low, high = stretches[0].start, max(stretches[-1].end, stretches[0].start + 1e-9)
    top, foot = 20, 20 + HEIGHT

    def across(seconds: float) -> float:
        return LEFT + (seconds - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def height(value: float) -> float:
        return foot - max(0.0, value) / up[-1] * HEIGHT

    parts = ['<text x="8" y="8">surprise</text>']
    for value in up:
        parts.append(
            f'<path class="grid" d="M{LEFT} {height(value):.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 6}" y="{height(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    free, before = 0.0, False
    for one in stretches:
        x, width = across(one.start), max(0.8, across(one.end) - across(one.start) - 1)
        y = height(one.surprise)
        kind = "f0" if one.event else "f1"
        parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{foot - y:.1f}">'
            f"<title>{one.start:.2f} s to {one.end:.2f} s: {one.surprise:.3g}</title></rect>"
        )
        if one.event and not before and x >= free:
            parts.append(f'<text class="strong" x="{x:.1f}" y="{max(y - 4, top - 6):.1f}">▼ {one.start:.1f} s</text>')
            free = x + 56
        before = one.event
    if threshold is not None:
        parts.append(f'<path class="rule" d="M{LEFT} {height(threshold):.1f}H{WIDTH - RIGHT}"/>')
    for seconds in round_ticks(low, high):
        if low <= seconds <= high:
            parts.append(f'<text x="{across(seconds):.1f}" y="{foot + 15}" text-anchor="middle">{seconds:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{foot + 31}" text-anchor="middle">seconds</text>')
    events = [one for one in stretches if one.event]
    alt = f"Surprise from {low:g} to {high:g} s in {len(stretches)} stretches; " + (
        f"{len(events)} of them above the threshold of {threshold:.3g}, the first at {events[0].start:.1f} s."
        if events and threshold is not None
        else "none is marked as an event."
    )
    return Figure(title, alt, "".join(parts), foot + BOTTOM - top + 20)
