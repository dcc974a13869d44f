"""Simulated episodes drawn only where the model looks: a quarter of the cost of whole clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from foresight.physics import Action, Body, PhysicsClip, PhysicsConfig, Scene, sample_scene
from foresight.physics.language import instruction
from foresight.physics.render import render
from foresight.physics.simulate import simulate


@dataclass(frozen=True)
class Episode:
    """The states of a simulated clip without its pictures."""

    scene: Scene
    config: PhysicsConfig
    positions: Float[Tensor, "frame body xy=2"]
    """True centres in pixels."""
    velocities: Float[Tensor, "frame body xy=2"]
    """True velocities in pixels per second."""

    @classmethod
    def from_seed(cls, seed: int, config: PhysicsConfig) -> Episode:
        """The episode of the clip with the same seed."""
        scene = sample_scene(np.random.default_rng(seed), config)
        positions, velocities = simulate(scene, config)
        return cls(scene, config, torch.from_numpy(positions), torch.from_numpy(velocities))

    @classmethod
    def of(cls, clip: PhysicsClip) -> Episode:
        """The states of a clip."""
        return cls(clip.scene, clip.config, clip.positions, clip.velocities)

    @property
    def bodies(self) -> tuple[Body, ...]:
        """The bodies, in the order of the position arrays."""
        return self.scene.bodies

    @property
    def action(self) -> Action | None:
        """The push, if there is one."""
        return self.scene.action

    @property
    def instruction(self) -> str:
        """The sentence that tells what is done."""
        return instruction(self.action, self.bodies)

    def draw(self, frames: Sequence[int]) -> UInt8[Tensor, "frame rgb=3 height width"]:
        """The pictures of some frames."""
        positions = self.positions.numpy()[list(frames)]
        pictures = render(positions, self.bodies, self.config.size, self.scene.look, frames)
        return pictures.transpose(0, 1).contiguous()
