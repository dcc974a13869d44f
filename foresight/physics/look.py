"""How a scene looks beside its bodies: backdrop, light, camera noise, and a bar in front; and how looks are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foresight.physics.backdrop import EMPTY, FAMILIES, RGB, Backdrop
from foresight.physics.palette import COLOURS

TINTS = ("red", "green", "blue")
FAINT, STRONG = 15.0, 30.0
"""Tinges, of 255, up to which a colour does not have a tint, and from which on it does."""


@dataclass(frozen=True)
class Bar:
    """An upright bar in front of everything, from the floor to the ceiling."""

    left: float
    """Of its left edge, pixels."""
    width: float
    colour: RGB = (40.0, 40.0, 46.0)


@dataclass(frozen=True)
class Look:
    """What a scene looks like beside its bodies. The default is the plain world's."""

    backdrop: Backdrop = EMPTY
    brightness: float = 1.0
    """Factor on every value that is drawn."""
    noise: float = 0.0
    """Standard deviation of the camera's noise, of 255."""
    seed: int = 0
    """Of that noise; each frame has its own."""
    bar: Bar | None = None

    def colour(self, name: str) -> np.ndarray:
        """RGB of a body's colour in this light, 0 to 255."""
        lit: np.ndarray = np.minimum(np.asarray(COLOURS[name], np.float32) * np.float32(self.brightness), 255.0)
        return lit

    def empty(self, size: int) -> np.ndarray:
        """The picture without bodies, bar and noise: float32 (size, size, 3), 0 to 255."""
        return np.minimum(self.backdrop.draw(size) * np.float32(self.brightness), 255.0)


PLAIN = Look()
"""The plain world's look."""


@dataclass(frozen=True)
class Looks:
    """A distribution of looks. Ranges are drawn from evenly."""

    families: tuple[str, ...] = tuple(family for family in FAMILIES if family != "rings")
    """Of backdrops, each as likely as the others; `rings` are left for tests of what was never seen."""
    grey: float = 0.25
    """Probability of the plain world's own backdrop."""
    contrast: tuple[float, float] = (20.0, 70.0)
    """Distance of the backdrop's two colours, RGB of 255."""
    distance: float = 95.0
    """Least distance of the backdrop's colours from those of bodies."""
    apart: tuple[str, str] | None = ("red", "blue")
    """A body's colour and a tint, red, green or blue, of backdrops that never meet."""
    tint: str | None = None
    """Of every backdrop; None for any."""
    period: tuple[float, float] = (16.0, 36.0)
    """Of patterns, pixels."""
    brightness: tuple[float, float] = (0.8, 1.1)
    noisy: float = 0.3
    """Probability of camera noise."""
    noise: tuple[float, float] = (1.0, 5.0)
    """Its standard deviation, of 255."""
    bar: tuple[float, float] | None = None
    """Width of a bar in front, pixels; None for no bar."""

    def __post_init__(self) -> None:
        unknown = set(self.families) - set(FAMILIES)
        if unknown or not self.families:
            raise ValueError(
                f"expected families of backdrops out of {', '.join(FAMILIES)}; got {list(self.families) or 'none'}"
            )
        for tint in (self.tint, self.apart[1] if self.apart is not None else None):
            if tint is not None and tint not in TINTS:
                raise ValueError(f"expected a tint out of {', '.join(TINTS)}; got {tint!r}")

    def sample(self, rng: np.random.Generator, size: int, bodies: Sequence[str]) -> Look:
        """Draw a look for pictures of a size with bodies of the given colours."""
        return Look(
            backdrop=self._backdrop(rng, bodies),
            brightness=float(rng.uniform(*self.brightness)),
            noise=float(rng.uniform(*self.noise)) if rng.random() < self.noisy else 0.0,
            seed=int(rng.integers(2**31)),
            bar=self._bar(rng, size),
        )

    def _backdrop(self, rng: np.random.Generator, bodies: Sequence[str]) -> Backdrop:
        if rng.random() < self.grey:
            return EMPTY
        family = self.families[int(rng.integers(len(self.families)))]
        return Backdrop(
            family=family,
            colours=self._colours(rng, bodies),
            period=float(rng.uniform(*self.period)),
            angle=float(rng.uniform(0, 2 * np.pi)),
            phase=(float(rng.random()), float(rng.random())),
            seed=int(rng.integers(2**31)),
        )

    def _colours(self, rng: np.random.Generator, bodies: Sequence[str]) -> tuple[RGB, RGB]:
        """Two muted colours, neither they nor what lies between them near a body's colour."""
        taken = np.asarray(list(COLOURS.values()), np.float64)
        shunned = self.apart[1] if self.apart is not None and self.apart[0] in bodies else None
        while True:
            grey = rng.uniform(40, 215)
            first = np.clip(grey + rng.uniform(-40, 40, 3), 20, 235)
            way = rng.normal(size=3) + rng.choice([-1.5, 1.5])
            second = first + way / np.linalg.norm(way) * rng.uniform(*self.contrast)
            if second.min() < 20 or second.max() > 235:
                continue
            between = first + np.linspace(0, 1, 3)[:, None] * (second - first)
            apart = np.linalg.norm(between[:, None] - taken[None], axis=-1)
            if apart.min() < self.distance:
                continue
            pair = _rgb(first), _rgb(second)
            if shunned is not None and max(tinge(colour, shunned) for colour in pair) > FAINT:
                continue
            if self.tint is not None and min(tinge(colour, self.tint) for colour in pair) < STRONG:
                continue
            return pair

    def _bar(self, rng: np.random.Generator, size: int) -> Bar | None:
        if self.bar is None:
            return None
        width = float(rng.uniform(*self.bar))
        return Bar(left=float(rng.uniform(size / 4, 3 * size / 4 - width)), width=width)


def tinge(colour: RGB, tint: str) -> float:
    """How far a colour's red, green or blue exceeds its other two values."""
    index = TINTS.index(tint)
    return colour[index] - max(value for other, value in enumerate(colour) if other != index)


def _rgb(colour: np.ndarray) -> RGB:
    red, green, blue = (float(value) for value in colour)
    return red, green, blue
