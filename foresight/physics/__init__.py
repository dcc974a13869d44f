"""The embedded world: rigid bodies simulated with pymunk, pushed on instruction, with their true states kept."""

from foresight.physics.clip import PhysicsClip, make_clip
from foresight.physics.counterfactual import KINDS, counterfactual
from foresight.physics.look import Look, Looks
from foresight.physics.palette import COLOURS
from foresight.physics.scene import DIRECTIONS, Action, Body, PhysicsConfig, Scene, sample_scene
from foresight.physics.split import SimulatedSplit

__all__ = [
    "COLOURS",
    "DIRECTIONS",
    "KINDS",
    "Action",
    "Body",
    "Look",
    "Looks",
    "PhysicsClip",
    "PhysicsConfig",
    "Scene",
    "SimulatedSplit",
    "counterfactual",
    "make_clip",
    "sample_scene",
]
