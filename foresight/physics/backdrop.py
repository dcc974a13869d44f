"""What is behind the bodies: one colour, a gradient, or a procedural texture between two colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]

GREY: RGB = (112.0, 116.0, 124.0)
"""The empty box of the plain world."""


@dataclass(frozen=True)
class Backdrop:
    """A still picture behind the bodies. Of `plain`, only the first colour matters."""

    family: str = "plain"
    """A key of `FAMILIES`."""
    colours: tuple[RGB, RGB] = (GREY, GREY)
    """RGB from 0 to 255, which the family mixes."""
    period: float = 16.0
    """Pixels after which the pattern repeats; of `gradient` and `plain` unused."""
    angle: float = 0.0
    """Of the pattern, radians."""
    phase: tuple[float, float] = (0.0, 0.0)
    """Shift of the pattern along its two axes in periods, 0 to 1."""
    seed: int = 0
    """Of `clouds`."""

    def draw(self, size: int) -> np.ndarray:
        """The picture: float32 (size, size, 3), 0 to 255."""
        first, second = np.asarray(self.colours, np.float32)
        share = FAMILIES[self.family](self, size)[..., None]
        picture: np.ndarray = first + np.clip(share, 0.0, 1.0).astype(np.float32) * (second - first)
        return picture


EMPTY = Backdrop()
"""The plain world's."""

Share = np.ndarray
"""(size, size): how much of the second colour is at each pixel."""


def _axes(backdrop: Backdrop, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Turned coordinates of the pixel centres, pixels from the picture's middle."""
    place = np.arange(size) + 0.5 - size / 2
    x, y = np.meshgrid(place, place)
    cos, sin = np.cos(backdrop.angle), np.sin(backdrop.angle)
    return x * cos + y * sin, y * cos - x * sin


def _wave(distance: np.ndarray, period: float, phase: float) -> np.ndarray:
    """A soft square wave from −1 to 1, whose edges are about two pixels wide."""
    turn = 2 * np.pi * (distance / period + phase)
    return np.clip(np.sin(turn) * period / (2 * np.pi), -1.0, 1.0)


def _plain(backdrop: Backdrop, size: int) -> Share:
    return np.zeros((size, size))


def _gradient(backdrop: Backdrop, size: int) -> Share:
    along, _ = _axes(backdrop, size)
    reach = size / 2 * (abs(np.cos(backdrop.angle)) + abs(np.sin(backdrop.angle)))
    share: Share = 0.5 + 0.5 * along / reach
    return share


def _stripes(backdrop: Backdrop, size: int) -> Share:
    along, _ = _axes(backdrop, size)
    return 0.5 + 0.5 * _wave(along, backdrop.period, backdrop.phase[0])


def _checks(backdrop: Backdrop, size: int) -> Share:
    axes = _axes(backdrop, size)
    one, other = (_wave(axis, backdrop.period, phase) for axis, phase in zip(axes, backdrop.phase, strict=True))
    share: Share = 0.5 + 0.5 * one * other
    return share


def _spots(backdrop: Backdrop, size: int) -> Share:
    """Discs of 0.28 periods' radius on a square lattice."""
    axes = _axes(backdrop, size)
    cells = [
        (np.mod(axis / backdrop.period + phase, 1.0) - 0.5) * backdrop.period
        for axis, phase in zip(axes, backdrop.phase, strict=True)
    ]
    share: Share = 0.5 + 0.28 * backdrop.period - np.hypot(*cells)
    return share


def _clouds(backdrop: Backdrop, size: int) -> Share:
    """Random values at the corners of a lattice, smoothly between them."""
    corners = int(np.ceil(size / backdrop.period)) + 2
    values = np.random.default_rng(backdrop.seed).random((corners, corners))
    where = (np.arange(size) + 0.5) / backdrop.period
    rows, columns = where + backdrop.phase[1], where + backdrop.phase[0]
    return _between(_between(values, rows).T, columns).T


def _between(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows of `values` at fractional places, eased from one to the next."""
    below = places.astype(int)
    share = places - below
    eased = (share * share * (3 - 2 * share))[:, None]
    mixed: np.ndarray = values[below] * (1 - eased) + values[below + 1] * eased
    return mixed


def _rings(backdrop: Backdrop, size: int) -> Share:
    """Circles around a point that the phase places."""
    along, across = _axes(backdrop, size)
    middle = [(phase - 0.5) * size for phase in backdrop.phase]
    return 0.5 + 0.5 * _wave(np.hypot(along - middle[0], across - middle[1]), backdrop.period, 0.0)


FAMILIES: dict[str, Callable[[Backdrop, int], Share]] = {
    "plain": _plain,
    "gradient": _gradient,
    "stripes": _stripes,
    "checks": _checks,
    "spots": _spots,
    "clouds": _clouds,
    "rings": _rings,
}
"""How each family of backdrops mixes its two colours."""
