"""Rigid-body simulation of a scene with pymunk: elastic, frictionless, deterministic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foresight.extras import require
from foresight.physics.scene import DIRECTIONS, PhysicsConfig, Scene

if TYPE_CHECKING:
    import pymunk

SUBSTEPS = 16
"""Simulation steps per video frame: fine enough that fast bodies do not tunnel through walls."""


def simulate(scene: Scene, config: PhysicsConfig) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities of every body at every frame.

    Returns:
        Two float32 arrays (frames, bodies, 2): pixels, and pixels per second. The velocities of the action frame are
        those before the push.
    """
    space, bodies = build_space(scene, config)
    positions, velocities = [], []
    for frame in range(config.frames):
        positions.append([tuple(body.position) for body in bodies])
        velocities.append([tuple(body.velocity) for body in bodies])
        if frame == config.action_frame and scene.action is not None:
            pushed = bodies[scene.action.body]
            direction = DIRECTIONS[scene.action.direction]
            pushed.velocity = (
                pushed.velocity.x + config.push * direction[0],
                pushed.velocity.y + config.push * direction[1],
            )
        for _ in range(SUBSTEPS):
            space.step(1.0 / config.frame_rate / SUBSTEPS)
    return np.asarray(positions, np.float32), np.asarray(velocities, np.float32)


def build_space(scene: Scene, config: PhysicsConfig) -> tuple[pymunk.Space, list[pymunk.Body]]:
    """The pymunk space of a scene at frame 0: four walls and the bodies, in scene order.

    Raises:
        UserError: if pymunk is not installed.
    """
    require("pymunk")
    import pymunk

    space = pymunk.Space()
    space.gravity = scene.gravity
    space.iterations = 20
    thickness = 10.0
    low, high = -thickness, config.size + thickness
    for start, end in (
        ((low, low), (high, low)),
        ((low, high), (high, high)),
        ((low, low), (low, high)),
        ((high, low), (high, high)),
    ):
        wall = pymunk.Segment(space.static_body, start, end, thickness)
        wall.elasticity, wall.friction = config.elasticity, 0.0
        space.add(wall)
    bodies = []
    for spec, position, velocity in zip(scene.bodies, scene.positions, scene.velocities, strict=True):
        body = pymunk.Body(mass=spec.radius**2, moment=float("inf"))
        body.position = (float(position[0]), float(position[1]))
        body.velocity = (float(velocity[0]), float(velocity[1]))
        side = 2 * spec.radius
        shape: pymunk.Shape = (
            pymunk.Circle(body, spec.radius) if spec.shape == "ball" else pymunk.Poly.create_box(body, (side, side))
        )
        shape.elasticity, shape.friction = config.elasticity, 0.0
        space.add(body, shape)
        bodies.append(body)
    return space, bodies
