"""A course over time with a threshold and marked events, as SVG that stands alone or inside the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from foresight.report.chart import BOTTOM, LEFT, TOP, nice_ticks

WIDTH, HEIGHT, RIGHT = 960, 260, 24
# The page's colours where there is a page around it, the light ones elsewhere.
STYLE = """<style>
.timeline text { fill: var(--faint, #63666d); font: 12px system-ui, sans-serif; }
.timeline .grid { stroke: var(--rule, #e2e2dc); }
.timeline .usual { fill: var(--s1, #466ebe); }
.timeline .event { fill: var(--bad, #b3382c); }
.timeline .mark { fill: var(--bad, #b3382c); font-weight: 600; }
.timeline .threshold { stroke: var(--ink, #202124); stroke-dasharray: 5 4; }
</style>"""


Place = Callable[[float], float]
"""From seconds or values to the picture."""


@dataclass(frozen=True)
class Bar:
    """One stretch of time: seconds from `start` to `end`, a value of at least 0, and whether it is marked."""

    start: float
    end: float
    value: float
    marked: bool


def timeline(bars: Sequence[Bar], *, threshold: float | None, y_label: str, title: str) -> str:
    """One bar per stretch over seconds, a dashed line at the threshold, marked bars in another colour with their time.

    Times are written at the first bar of a run of marked ones, where there is room.

    Raises:
        ValueError: if there is no bar.
    """
    if not bars:
        raise ValueError("expected at least one stretch of time to draw, got none")
    ticks = nice_ticks(max([*(bar.value for bar in bars), threshold or 0.0]))
    low, high = bars[0].start, max(bars[-1].end, bars[0].start + 1e-9)

    def across(seconds: float) -> float:
        return LEFT + (seconds - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - max(0.0, value) / ticks[-1] * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg class="chart timeline" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(title)}">{STYLE}'
    ]
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(tick):.1f}" y2="{up(tick):.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{up(tick) + 4:.1f}" text-anchor="end">{tick:.4g}</text>')
    parts += _bars(bars, across, up)
    if threshold is not None:
        y = up(threshold)
        parts.append(f'<line class="threshold" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    for seconds in _seconds(low, high):
        parts.append(
            f'<text class="tick" x="{across(seconds):.1f}" y="{HEIGHT - BOTTOM + 18}" '
            f'text-anchor="middle">{seconds:g}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="axis" x="{middle:.0f}" y="{HEIGHT - 6}" text-anchor="middle">seconds</text>')
    parts.append(
        f'<text class="axis" transform="translate(14 {(HEIGHT - BOTTOM + TOP) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label)}</text>'
    )
    return "".join(parts) + "</svg>"


def _bars(bars: Sequence[Bar], across: Place, up: Place) -> list[str]:
    parts, free, before = [], 0.0, False
    for bar in bars:
        x, y = across(bar.start), up(bar.value)
        width = max(0.8, across(bar.end) - x - 1)
        kind = "event" if bar.marked else "usual"
        parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{up(0) - y:.1f}">'
            f"<title>{bar.start:.2f} s to {bar.end:.2f} s: {bar.value:.3g}</title></rect>"
        )
        if bar.marked and not before and x >= free:
            parts.append(f'<text class="mark" x="{x:.1f}" y="{y - 4:.1f}">{bar.start:.1f} s</text>')
            free = x + 52
        before = bar.marked
    return parts


def _seconds(low: float, high: float) -> list[float]:
    """Round times inside a span."""
    steps = nice_ticks(high - low)
    step = steps[1] - steps[0]
    first = -(-low // step) * step
    return [first + index * step for index in range(int((high - first) / step + 1e-9) + 1)]
