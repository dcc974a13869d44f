"""A simulated clip with everything that is known about it, made from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from foresight.physics.language import instruction
from foresight.physics.render import render
from foresight.physics.scene import Action, Body, PhysicsConfig, Scene, sample_scene
from foresight.physics.simulate import simulate

SPLITS: dict[str, int] = {"train": 0, "validation": 10_000_000, "calibration": 20_000_000, "test": 30_000_000}
"""First seed of each split; a split has at most ten million clips, so that none is shared."""


@dataclass(frozen=True)
class PhysicsClip:
    """A clip of the simulated world."""

    video: UInt8[Tensor, "rgb=3 frame height width"]
    positions: Float[Tensor, "frame body xy=2"]
    """True centres in pixels."""
    velocities: Float[Tensor, "frame body xy=2"]
    """True velocities in pixels per second."""
    scene: Scene
    instruction: str
    config: PhysicsConfig
    seed: int

    @property
    def bodies(self) -> tuple[Body, ...]:
        """The bodies, in the order of the position arrays."""
        return self.scene.bodies

    @property
    def action(self) -> Action | None:
        """The push, if there is one."""
        return self.scene.action

    @property
    def tensor(self) -> Float[Tensor, "rgb=3 frame height width"]:
        """The video as floats in [−1, 1]."""
        return self.video.float() / 127.5 - 1.0

    @property
    def context(self) -> Float[Tensor, "rgb=3 context height width"]:
        """The frames that are given to a model, in [−1, 1]."""
        return self.tensor[:, : self.config.context_frames]

    @property
    def future(self) -> Float[Tensor, "rgb=3 future height width"]:
        """The frames behind them, in [−1, 1]."""
        return self.tensor[:, self.config.context_frames :]


def make_clip(seed: int, config: PhysicsConfig | None = None) -> PhysicsClip:
    """The clip of a seed: the same on every machine and in every process."""
    config = config or PhysicsConfig()
    scene = sample_scene(np.random.default_rng(seed), config)
    return clip_of_scene(scene, config, seed)


def clip_of_scene(scene: Scene, config: PhysicsConfig, seed: int) -> PhysicsClip:
    """Simulate and draw a scene."""
    positions, velocities = simulate(scene, config)
    return PhysicsClip(
        video=render(positions, scene.bodies, config.size, scene.look),
        positions=torch.from_numpy(positions),
        velocities=torch.from_numpy(velocities),
        scene=scene,
        instruction=instruction(scene.action, scene.bodies),
        config=config,
        seed=seed,
    )
