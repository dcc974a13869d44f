"""Problems of choice with a known answer in the simulated world, and what a world model's choices in them cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.choose.choice import choose
from foresight.choose.goals import ImageGoal, SentenceGoal
from foresight.physics import DIRECTIONS, Action, PhysicsClip, PhysicsConfig, make_clip
from foresight.physics.clip import clip_of_scene
from foresight.physics.language import instruction, push_sentence
from foresight.progress import Progress, silent
from foresight.vlm.encoder import QwenEncoder
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

APART = 6.0
"""Pixels, about a body's radius: an option is left out if every body ends nearer than this to its place in the goal.

A push downwards of what lies on the floor, for one, does nothing: two options would be right.
"""


@dataclass(frozen=True)
class Problem:
    """A clip, what could be done in it, and which of that leads to the goal.

    Args:
        clip: as it went on with the right option; its last frame is the goal.
        options: what could be done, None for nothing.
        right: index of what was done.
    """

    clip: PhysicsClip
    options: tuple[Action | None, ...]
    right: int

    @property
    def instructions(self) -> list[str]:
        """The options in words."""
        return [instruction(option, self.clip.bodies) for option in self.options]

    @property
    def context(self) -> Float[Tensor, "3 frame height width"]:
        """Frames before anything is done."""
        return self.clip.tensor[:, : self.clip.config.context_frames]

    @property
    def picture(self) -> Float[Tensor, "3 height width"]:
        """The goal as a picture."""
        return self.clip.tensor[:, -1]

    @property
    def sentence(self) -> str:
        """The goal in words, as the VLM was taught to judge it; empty if nothing is pushed."""
        action = self.options[self.right]
        if action is None:
            return ""
        return push_sentence(self.clip.bodies[action.body].name, action.direction).replace(" is ", " was ")


def make_problem(seed: int, physics: PhysicsConfig, options: int) -> Problem:
    """The problem of a seed: the clip's own action and others whose ends can be told from its own.

    Args:
        seed: of the clip.
        physics: the world.
        options: how many at most; fewer where others would end alike.
    """
    clip = make_clip(seed, physics)
    possible: list[Action | None] = [Action(body, way) for body in range(len(clip.bodies)) for way in DIRECTIONS]
    others = [action for action in [*possible, None] if action != clip.action]
    rng = np.random.default_rng([seed, 5])
    chosen: list[Action | None] = []
    for index in rng.permutation(len(others)):
        action = others[int(index)]
        end = clip_of_scene(replace(clip.scene, action=action), physics, seed).positions[-1]
        if float((end - clip.positions[-1]).norm(dim=-1).max()) >= APART:
            chosen.append(action)
        if len(chosen) == options - 1:
            break
    right = int(rng.integers(len(chosen) + 1))
    return Problem(clip, (*chosen[:right], clip.action, *chosen[right:]), right)


def gather_costs(
    model: WorldModel,
    seeds: Sequence[int],
    physics: PhysicsConfig,
    *,
    options: int,
    sampling: Sampling,
    progress: Progress = silent,
) -> dict[str, tuple[list[Tensor], list[int]]]:
    """Costs of all options and the right one, by kind of goal: what `fit_temperature` takes.

    Args:
        model: the world model.
        seeds: of calibration clips.
        physics: the world.
        options: possible instructions per clip, at most.
        sampling: of the futures of each option.
        progress: called with (done, total).
    """
    gathered: dict[str, tuple[list[Tensor], list[int]]] = {"image": ([], []), "sentence": ([], [])}
    for number, clip_seed in enumerate(seeds):
        problem = make_problem(clip_seed, physics, options)
        if len(problem.options) > 1:
            goal = ImageGoal(problem.picture)
            choice = choose(
                model,
                problem.context,
                problem.instructions,
                goal,
                horizon=physics.frames - physics.context_frames,
                temperature=1.0,
                sampling=sampling,
            )
            gathered["image"][0].append(torch.tensor(choice.costs))
            gathered["image"][1].append(problem.right)
            if problem.sentence and isinstance(model.vlm, QwenEncoder):
                gathered["sentence"][0].append(SentenceGoal(problem.sentence).costs(model, choice.predictions))
                gathered["sentence"][1].append(problem.right)
        progress(number + 1, len(seeds))
    return {kind: pairs for kind, pairs in gathered.items() if pairs[0]}
