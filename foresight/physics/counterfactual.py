"""Futures that do not follow: clips with the same context and instruction but another outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from foresight.physics.clip import PhysicsClip
from foresight.physics.palette import COLOURS
from foresight.physics.render import render
from foresight.physics.scene import DIRECTIONS, Action, Body
from foresight.physics.simulate import simulate


def counterfactual(clip: PhysicsClip, kind: str) -> PhysicsClip:
    """The clip with its future replaced; context, instruction and seed stay. Its bodies are those of the future.

    Args:
        clip: a true clip.
        kind: a key of `KINDS`.

    Raises:
        ValueError: if the kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"expected a kind of counterfactual out of {', '.join(KINDS)}; got {kind!r}")
    # A stream of its own for each clip and kind: the choice never depends on which others were asked for.
    rng = np.random.default_rng([clip.seed, list(KINDS).index(kind)])
    positions, bodies = KINDS[kind](clip, rng)
    context = clip.config.context_frames
    later = range(context, len(positions))
    future = render(positions[context:], bodies, clip.config.size, clip.scene.look, later)
    states = torch.from_numpy(np.concatenate([clip.positions.numpy()[:context], positions[context:]]))
    return replace(
        clip,
        scene=replace(clip.scene, bodies=bodies),
        video=torch.cat([clip.video[:, :context], future], dim=1),
        positions=states,
        velocities=torch.gradient(states, spacing=1.0 / clip.config.frame_rate, dim=0)[0],
    )


Outcome = tuple[np.ndarray, tuple[Body, ...]]


def _other_action(clip: PhysicsClip, rng: np.random.Generator) -> Outcome:
    """Another body or another direction is pushed, or a push happens where none was told."""
    options: list[Action | None] = [
        Action(body, direction) for body in range(len(clip.bodies)) for direction in DIRECTIONS
    ]
    options = [option for option in [*options, None] if option != clip.action]
    chosen = options[int(rng.integers(len(options)))]
    return simulate(replace(clip.scene, action=chosen), clip.config)[0], clip.bodies


def _reversed(clip: PhysicsClip, rng: np.random.Generator) -> Outcome:
    """The future runs backwards."""
    positions = clip.positions.numpy().copy()
    context = clip.config.context_frames
    positions[context:] = positions[context:][::-1]
    return positions, clip.bodies


def _other_gravity(clip: PhysicsClip, rng: np.random.Generator) -> Outcome:
    """From the end of the context on, gravity points to a side or the opposite way."""
    strength = float(np.hypot(*clip.scene.gravity))
    opposite = "up" if clip.scene.gravity[1] >= 0 else "down"
    direction = ("left", "right", opposite)[int(rng.integers(3))]
    frame = clip.config.action_frame
    # The context ends at the action frame: start there from the true state, with the push as the first thing to happen.
    later = replace(
        clip.scene,
        positions=clip.positions[frame].numpy(),
        velocities=clip.velocities[frame].numpy(),
        gravity=(strength * DIRECTIONS[direction][0], strength * DIRECTIONS[direction][1]),
    )
    config = replace(clip.config, frames=clip.config.frames - frame, context_frames=1)
    after = simulate(later, config)[0]
    return np.concatenate([clip.positions.numpy()[:frame], after]), clip.bodies


def _swapped_object(clip: PhysicsClip, rng: np.random.Generator) -> Outcome:
    """One body has another shape and colour in the future."""
    index = int(rng.integers(len(clip.bodies)))
    body = clip.bodies[index]
    free = [colour for colour in COLOURS if colour not in {b.colour for b in clip.bodies}]
    shape = "box" if body.shape == "ball" else "ball"
    colour = free[int(rng.integers(len(free)))] if free else body.colour
    bodies = list(clip.bodies)
    bodies[index] = replace(body, shape=shape, colour=colour)
    return clip.positions.numpy(), tuple(bodies)


def _teleport(clip: PhysicsClip, rng: np.random.Generator) -> Outcome:
    """One body goes on along its path from somewhere else, at least a quarter of the picture away."""
    positions = clip.positions.numpy().copy()
    index = int(rng.integers(len(clip.bodies)))
    angle = rng.uniform(0, 2 * np.pi)
    shift = np.array([np.cos(angle), np.sin(angle)], np.float32) * clip.config.size / 3
    radius, context = clip.bodies[index].radius, clip.config.context_frames
    moved = positions[context:, index] + shift
    # Wrap around inside the walls, so that the body stays in the picture.
    span = clip.config.size - 2 * radius
    positions[context:, index] = radius + np.mod(moved - radius, span)
    return positions, clip.bodies


def _removed(clip: PhysicsClip, rng: np.random.Generator) -> Outcome:
    """One body is gone."""
    positions = clip.positions.numpy().copy()
    positions[clip.config.context_frames :, int(rng.integers(len(clip.bodies)))] = np.nan
    return positions, clip.bodies


def _frozen(clip: PhysicsClip, rng: np.random.Generator) -> Outcome:
    """Everything stops at the last context frame."""
    positions = clip.positions.numpy().copy()
    context = clip.config.context_frames
    positions[context:] = positions[context - 1]
    return positions, clip.bodies


def _slight_push(clip: PhysicsClip, rng: np.random.Generator) -> Outcome:
    """The push is half as strong or half as strong again; without one, a body gets half a push."""
    action, strength = clip.action, float(rng.choice([0.5, 1.5]))
    if action is None:
        action = Action(int(rng.integers(len(clip.bodies))), str(rng.choice(list(DIRECTIONS))))
        strength = 0.5
    config = replace(clip.config, push=strength * clip.config.push)
    return simulate(replace(clip.scene, action=action), config)[0], clip.bodies


KINDS: dict[str, Callable[[PhysicsClip, np.random.Generator], Outcome]] = {
    "other_action": _other_action,
    "reversed": _reversed,
    "other_gravity": _other_gravity,
    "swapped_object": _swapped_object,
    "teleport": _teleport,
    "removed": _removed,
    "frozen": _frozen,
    "slight_push": _slight_push,
}
"""The kinds of counterfactual: the first four that every verifier is fitted on, blatant ones, and the subtlest."""
