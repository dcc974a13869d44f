"""What a simulated scene is: bodies in a walled box, gravity, one push; and how scenes are drawn at random."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from foresight.physics.look import PLAIN, Look, Looks
from foresight.physics.palette import COLOURS

DIRECTIONS: dict[str, tuple[float, float]] = {
    "left": (-1.0, 0.0),
    "right": (1.0, 0.0),
    "up": (0.0, -1.0),
    "down": (0.0, 1.0),
}
"""Unit vectors of the push directions in image coordinates (y points down)."""


@dataclass(frozen=True)
class Body:
    """One rigid body. Boxes stay upright (infinite moment of inertia)."""

    shape: str
    """`ball` or `box`."""
    colour: str
    """A key of `COLOURS`."""
    radius: float
    """Radius of a ball, half the side of a box, in pixels."""

    @property
    def name(self) -> str:
        """How language refers to it, such as `red ball`."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Action:
    """A push: an impulse that changes the velocity of one body at the last context frame."""

    body: int
    """Index of the pushed body."""
    direction: str
    """A key of `DIRECTIONS`."""


@dataclass(frozen=True)
class PhysicsConfig:
    """The distribution of scenes. Lengths are pixels, times seconds; the box is the picture."""

    size: int = 64
    frames: int = 25
    frame_rate: float = 8.0
    context_frames: int = 9
    bodies: tuple[int, ...] = (1, 2, 3)
    """Possible numbers of bodies, at most one per colour."""
    body_weights: tuple[float, ...] = (0.4, 0.4, 0.2)
    """Their probabilities."""
    radius: tuple[float, float] = (6.5, 9.0)
    speed: tuple[float, float] = (3.0, 20.0)
    """Range of initial speeds, pixels per second."""
    gravity: float | tuple[float, float] = 24.0
    """Pixels per second², downwards; of a range, each scene has its own. Below 0 it points upwards."""
    push: float = 30.0
    """Change of velocity by a push, pixels per second."""
    push_probability: float = 0.8
    elasticity: float = 0.95
    """Of each surface; a contact keeps the product of its two surfaces' elasticities as its share of speed."""
    colours: tuple[str, ...] = tuple(COLOURS)
    """Of bodies."""
    looks: Looks | None = None
    """What scenes look like beside their bodies; None for the plain grey box."""

    def __post_init__(self) -> None:
        if len(self.bodies) != len(self.body_weights):
            raise ValueError(f"expected one weight per body count, got {len(self.body_weights)} for {self.bodies}")
        if not 0 < self.context_frames < self.frames:
            raise ValueError(f"expected 0 < context_frames < frames, got {self.context_frames} and {self.frames}")
        if unknown := set(self.colours) - set(COLOURS):
            raise ValueError(f"expected colours out of {', '.join(COLOURS)}; got {', '.join(sorted(unknown))}")
        if max(self.bodies) > len(self.colours):
            raise ValueError(f"expected at most {len(self.colours)} bodies (one per colour), got {max(self.bodies)}")

    def recipe(self) -> dict[str, Any]:
        """What tells this world's clips from another's: every field, those of the wider world where they are used."""
        plain = {"colours": tuple(COLOURS), "looks": None}
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in plain or (tuple(value) if name == "colours" else value) != plain[name]
        }

    @property
    def action_frame(self) -> int:
        """The frame at which the push happens: the last of the context."""
        return self.context_frames - 1


@dataclass(frozen=True)
class Scene:
    """Everything that determines a clip."""

    bodies: tuple[Body, ...]
    positions: np.ndarray
    """(bodies, 2): x and y of the centres at frame 0, pixels."""
    velocities: np.ndarray
    """(bodies, 2): pixels per second."""
    gravity: tuple[float, float]
    """Pixels per second² along x and y."""
    action: Action | None
    """The push, or None when nothing is pushed."""
    look: Look = PLAIN
    """What it looks like beside its bodies."""


def sample_scene(rng: np.random.Generator, config: PhysicsConfig) -> Scene:
    """Draw a scene: distinct colours, no overlap, everything inside the box."""
    count = int(rng.choice(config.bodies, p=np.asarray(config.body_weights) / np.sum(config.body_weights)))
    colours = [str(colour) for colour in rng.permutation(list(config.colours))[:count]]
    bodies = tuple(
        Body(str(rng.choice(["ball", "box"])), colour, float(rng.uniform(*config.radius))) for colour in colours
    )
    positions = _place(rng, bodies, config.size)
    angle = rng.uniform(0, 2 * np.pi, count)
    speed = rng.uniform(*config.speed, count)
    velocities = np.stack([np.cos(angle), np.sin(angle)], axis=1) * speed[:, None]
    action = None
    if rng.random() < config.push_probability:
        action = Action(int(rng.integers(count)), str(rng.choice(list(DIRECTIONS))))
    # What the plain world has not is drawn last, so that its own scenes stay those of their seeds.
    gravity = config.gravity if isinstance(config.gravity, int | float) else float(rng.uniform(*config.gravity))
    look = PLAIN if config.looks is None else config.looks.sample(rng, config.size, colours)
    return Scene(bodies, positions, velocities, (0.0, gravity), action, look)


def _place(rng: np.random.Generator, bodies: tuple[Body, ...], size: int) -> np.ndarray:
    """Centres without overlap; starts again when a body does not fit beside the earlier ones."""
    while True:
        centres: list[np.ndarray] = []
        for body in bodies:
            for _ in range(40):
                centre = rng.uniform(body.radius + 1, size - body.radius - 1, 2)
                # A box reaches √2 further along its diagonal; one bound for both keeps the rule simple.
                gaps = [
                    np.linalg.norm(centre - other) - 1.42 * (body.radius + b.radius)
                    for other, b in zip(centres, bodies, strict=False)
                ]
                if all(gap > 0 for gap in gaps):
                    centres.append(centre)
                    break
            else:
                break
        if len(centres) == len(bodies):
            return np.stack(centres)
