"""Line charts as inline SVG that take their colours from the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 14, 44


def line_chart(
    lines: Mapping[str, Sequence[float]], *, x: Sequence[float], x_label: str, y_label: str, title: str
) -> str:
    """One line per series over common x values, from 0 up, each labelled at its end.

    Args:
        lines: name → values ≥ 0, as many as x; NaN leaves a gap.
        x: increasing positions.
        x_label: below the axis.
        y_label: above the axis.
        title: for those who cannot see the picture.

    Raises:
        ValueError: if there is nothing to draw, or the lengths differ.
    """
    if not x or not lines or any(len(values) != len(x) for values in lines.values()):
        raise ValueError(f"expected series of {len(x)} ≥ 1 values, got { {n: len(v) for n, v in lines.items()} }")
    finite = [value for values in lines.values() for value in values if math.isfinite(value)]
    ticks = nice_ticks(max([0.0, *finite]))
    low, high = x[0], x[-1] if x[-1] > x[0] else x[0] + 1

    def place(position: float, value: float) -> tuple[float, float]:
        across = LEFT + (position - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - value / ticks[-1] * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for tick in ticks:
        _, y = place(low, tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.4g}</text>')
    for position in _spread(x):
        across, _ = place(position, 0)
        parts.append(
            f'<text class="tick" x="{across:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{position:.4g}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="axis" x="{middle:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(
        f'<text class="axis" transform="translate(14 {(HEIGHT - BOTTOM + TOP) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label)}</text>'
    )
    parts += _series(lines, x, place)
    return "".join(parts) + "</svg>"


def nice_ticks(highest: float) -> list[float]:
    """Four to six values from 0 in steps of 1, 2 or 5 times a power of ten, the last at or above `highest`."""
    if not highest > 0:
        return [0.0, 1.0]
    power = 10 ** math.floor(math.log10(highest / 4))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * 5 >= highest * (1 - 1e-9))
    return [step * i for i in range(math.ceil(highest / step - 1e-9) + 1)]


def _spread(x: Sequence[float]) -> list[float]:
    """At most nine of the positions, evenly spaced, the first among them."""
    return list(x[:: max(1, math.ceil(len(x) / 9))])


def _series(
    lines: Mapping[str, Sequence[float]], x: Sequence[float], place: Callable[[float, float], tuple[float, float]]
) -> list[str]:
    parts, ends = [], []
    for number, (name, values) in enumerate(lines.items()):
        colour = f"s{number % 6}"
        path, pen = "", "M"
        for position, value in zip(x, values, strict=True):
            if math.isfinite(value):
                across, y = place(position, value)
                path += f"{pen}{across:.1f} {y:.1f}"
                pen = "L"
                last = y
            else:
                pen = "M"
        if path:
            parts.append(f'<path class="line {colour}" d="{path}"><title>{escape(name)}</title></path>')
            ends.append((last, name, colour))
    below = -math.inf
    for y, name, colour in sorted(ends):
        below = max(y, below + 16)
        parts.append(f'<text class="label {colour}" x="{WIDTH - RIGHT + 8}" y="{below + 4:.1f}">{escape(name)}</text>')
    return parts
