"""The embedded world: rigid bodies simulated with pymunk, pushed on instruction, with their true states kept."""

from foresight.physics.clip import PhysicsClip, make_clip
from foresight.physics.counterfactual import KINDS, counterfactual
from foresight.physics.scene import COLOURS, DIRECTIONS, Action, Body, PhysicsConfig, Scene, sample_scene

__all__ = [
    "COLOURS",
    "DIRECTIONS",
    "KINDS",
    "Action",
    "Body",
    "PhysicsClip",
    "PhysicsConfig",
    "Scene",
    "counterfactual",
    "make_clip",
    "sample_scene",
]
