"""Lines, bands and marks over two axes, with a legend that wraps: what most figures are drawn with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from foresight.plots.figure import DASHES, WIDTH, Figure

LEFT, RIGHT, BOTTOM = 46, 12, 34
HEIGHT = 190
LETTER = 6.3
"""Units of an average letter of the legend."""


@dataclass(frozen=True)
class Line:
    """One series.

    Args:
        name: in the legend; empty leaves it out.
        x: increasing positions.
        y: values; NaN leaves a gap.
        low: lower end of a band; None draws none.
        high: upper end of it.
        dots: whether points are marked.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    dots: bool = False


@dataclass(frozen=True)
class Axis:
    """One axis.

    Args:
        label: name and unit.
        low: its lower end; None takes that of the values.
        high: its upper end; None takes that of the values.
    """

    label: str
    low: float | None = None
    high: float | None = None

    def ticks(self, values: Sequence[np.ndarray]) -> list[float]:
        """Round values from below the lowest to above the highest; ends that are given stay."""
        finite = np.concatenate([np.ravel(one)[np.isfinite(np.ravel(one))] for one in values])
        low = float(finite.min()) if self.low is None else self.low
        high = float(finite.max()) if self.high is None else self.high
        return round_ticks(low, high)


def round_ticks(low: float, high: float) -> list[float]:
    """Three to six values in steps of 1, 2 or 5 times a power of ten, the first at or below `low`, the last above."""
    span = high - low if high > low else max(abs(high), 1.0)
    power = 10.0 ** math.floor(math.log10(span / 3))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * 5 >= span * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def line_figure(
    title: str, lines: Sequence[Line], x: Axis, y: Axis, *, alt: str, rule: float | None = None, diagonal: bool = False
) -> Figure:
    """Lines over common axes.

    Args:
        title: of the figure.
        lines: at least one, each with a finite value; at most six are told apart.
        x: the horizontal axis.
        y: the vertical axis.
        alt: what is to be seen.
        rule: a value at which a dashed line is drawn, such as no skill.
        diagonal: whether a dashed line leads from corner to corner, such as chance.

    Raises:
        ValueError: if there is nothing to draw.
    """
    if not lines or not any(np.isfinite(np.asarray(one.y, float)).any() for one in lines):
        raise ValueError(f"expected at least one series with a finite value for {title!r}, got {len(lines)}")
    across = x.ticks([np.asarray(one.x, float) for one in lines])
    bands = [np.asarray(end, float) for one in lines for end in (one.low, one.high) if end is not None]
    up = y.ticks([*(np.asarray(one.y, float) for one in lines), *bands, *([] if rule is None else [np.array(rule)])])
    legend, top = _legend(lines)
    top += 18
    place = _Place((across[0], across[-1]), (up[0], up[-1]), top)
    parts = [legend, _grid(place, across, up, x.label, y.label)]
    if rule is not None:
        parts.append(f'<path class="rule" d="M{LEFT} {place.up(rule):.1f}H{WIDTH - RIGHT}"/>')
    if diagonal:
        parts.append(f'<path class="rule" d="M{LEFT} {place.bottom}L{WIDTH - RIGHT} {top}"/>')
    for number, line in enumerate(lines):
        parts.append(_drawn(line, number, place))
    return Figure(title, alt, "".join(parts), place.bottom + BOTTOM)


class _Place:
    """From values to the picture."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], top: float) -> None:
        self._x, self._y, self.top, self.bottom = x, y, top, top + HEIGHT

    def across(self, value: float) -> float:
        low, high = self._x
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def up(self, value: float) -> float:
        low, high = self._y
        return self.bottom - (min(max(value, low), high) - low) / (high - low) * HEIGHT


def _legend(lines: Sequence[Line]) -> tuple[str, float]:
    """Names with a piece of their line, in as many rows as they need, and how high that is."""
    parts, x, y = [], 8.0, 6.0
    for number, line in enumerate(lines):
        if not line.name:
            continue
        width = 30 + len(line.name) * LETTER
        if x > 8 and x + width > WIDTH:
            x, y = 8.0, y + 16
        parts.append(
            f'<path class="line s{number % 6}" stroke-dasharray="{DASHES[number % 6]}" d="M{x:.0f} {y:.0f}h18"/>'
            f'<text x="{x + 22:.0f}" y="{y + 4:.0f}">{escape(line.name)}</text>'
        )
        x += width
    return "".join(parts), y + 12 if parts else 0.0


def _grid(place: _Place, across: Sequence[float], up: Sequence[float], x_label: str, y_label: str) -> str:
    parts = [f'<text x="8" y="{place.top - 8:.0f}">{escape(y_label)}</text>']
    for value in up:
        y = place.up(value)
        parts.append(
            f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    for value in across:
        anchor = "end" if value == across[-1] else "middle"  # the last would leave the picture
        parts.append(
            f'<text x="{place.across(value):.1f}" y="{place.bottom + 15:.0f}" text-anchor="{anchor}">{value:.4g}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{place.bottom + 31:.0f}" text-anchor="middle">{escape(x_label)}</text>')
    return "".join(parts)


def _drawn(line: Line, number: int, place: _Place) -> str:
    x, y = np.asarray(line.x, float).tolist(), np.asarray(line.y, float).tolist()
    parts, path, pen = [], "", "M"
    for one, value in zip(x, y, strict=True):
        if math.isfinite(value):
            path, pen = f"{path}{pen}{place.across(one):.1f} {place.up(value):.1f}", "L"
        else:
            pen = "M"
    if line.low is not None and line.high is not None:
        low, high = np.asarray(line.low, float).tolist(), np.asarray(line.high, float).tolist()
        edge = [(place.across(one), place.up(value)) for one, value in zip(x, high, strict=True)]
        edge += [(place.across(one), place.up(value)) for one, value in reversed(list(zip(x, low, strict=True)))]
        points = " ".join(f"{one:.1f},{value:.1f}" for one, value in edge)
        parts.append(f'<polygon class="band f{number % 6}" points="{points}"/>')
    name = escape(line.name)
    dash = DASHES[number % 6]
    parts.append(f'<path class="line s{number % 6}" stroke-dasharray="{dash}" d="{path}"><title>{name}</title></path>')
    if line.dots:
        parts += [
            f'<circle class="f{number % 6}" cx="{place.across(one):.1f}" cy="{place.up(value):.1f}" r="3"/>'
            for one, value in zip(x, y, strict=True)
            if math.isfinite(value)
        ]
    return "".join(parts)
