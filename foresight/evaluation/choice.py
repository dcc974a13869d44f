"""The choice card: which instruction leads to a goal, by imagination, beside chance and the VLM without imagination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.choose import ImageGoal, SentenceGoal, Temperature, choose
from foresight.choose.goals import speaking
from foresight.evaluation.benchmarks import Measured
from foresight.evaluation.gates import Gate, at_least, surely_above
from foresight.evaluation.statistics import Estimate, bootstrap, mean
from foresight.physics import DIRECTIONS, Action, PhysicsClip, PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS, clip_of_scene
from foresight.physics.language import instruction, push_sentence
from foresight.verify.calibration import expected_calibration_error
from foresight.vlm.encoder import QwenEncoder
from foresight.world_model import WorldModel

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
        """What is seen before anything is done."""
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


@dataclass(frozen=True)
class ChoiceCard:
    """What a choice benchmark found: arrays over clips.

    Args:
        costs: of the options of each clip, for the goal as a picture.
        right: index of the right option.
        probability: of the option that was taken.
        alone: 1 where the VLM alone, shown the goal, is right.
        sentence: 1 where imagination is right about the goal in words, for clips with a push.
    """

    costs: tuple[np.ndarray, ...]
    right: np.ndarray
    probability: np.ndarray
    alone: np.ndarray
    sentence: np.ndarray

    def figures(self) -> dict[str, Estimate]:
        """The figures that promises are made of, by name."""
        taken = np.array([row.argmin() for row in self.costs])
        correct = (taken == self.right).astype(float)
        chance = np.array([1 / len(row) for row in self.costs])
        figures = {
            "right by imagination, goal a picture": mean(correct),
            "chance": mean(chance),
            "right by the VLM alone": mean(self.alone),
            "imagination − VLM alone": bootstrap(lambda a, b: float(a.mean() - b.mean()), correct, self.alone),
            "calibration error of the probability": bootstrap(_calibration_error, self.probability, correct),
        }
        if len(self.sentence):
            figures["right by imagination, goal a sentence"] = mean(self.sentence)
        return figures

    def gates(self) -> tuple[Gate, ...]:
        """Promises."""
        figures = self.figures()
        return (
            at_least("choice by imagination", figures["right by imagination, goal a picture"], 0.85),
            surely_above("imagination above the VLM alone", figures["imagination − VLM alone"], 0.0),
        )


class ChoiceBenchmark:
    """Choice by imagination on the simulated world.

    Args:
        temperature: fitted for the model, on another split.
        clips: number of held-out clips.
        options: possible instructions per clip, at most.
        physics: the world.
        split: which seeds.
        candidates: futures per option.
        sentences: whether the goal is also given in words.
        seed: of the first candidate.
    """

    name = "choice"

    def __init__(
        self,
        *,
        temperature: Temperature,
        clips: int,
        options: int,
        physics: PhysicsConfig,
        split: str,
        candidates: int,
        sentences: bool,
        seed: int,
    ) -> None:
        if split not in SPLITS or options < 2:
            raise ValueError(f"expected a split out of {', '.join(SPLITS)} and 2 options, got {split!r} and {options}")
        self._temperature, self._options, self._physics = temperature, options, physics
        self._seeds = range(SPLITS[split], SPLITS[split] + clips)
        self._candidates, self._sentences, self._seed = candidates, sentences, seed

    def __call__(self, model: WorldModel, progress: Callable[[int, int], None]) -> Measured:
        """Choose in every clip."""
        heat = self._temperature.of("image", model)
        costs, right, probability, alone, sentence = [], [], [], [], []
        for number, seed in enumerate(self._seeds):
            problem = make_problem(seed, self._physics, self._options)
            if len(problem.options) > 1:
                choice = choose(
                    model,
                    problem.context,
                    problem.instructions,
                    ImageGoal(problem.picture),
                    horizon=self._physics.frames - self._physics.context_frames,
                    temperature=heat,
                    candidates=self._candidates,
                    seed=self._seed,
                )
                costs.append(np.array(choice.costs))
                right.append(problem.right)
                probability.append(max(choice.probabilities or (0.0,)))
                if isinstance(model.vlm, QwenEncoder):
                    alone.append(float(without_imagination(model, problem) == problem.right))
                    if self._sentences and problem.sentence:
                        doubt = SentenceGoal(problem.sentence).costs(model, choice.predictions)
                        sentence.append(float(int(doubt.argmin()) == problem.right))
                else:
                    alone.append(1 / len(problem.options))
            progress(number + 1, len(self._seeds))
        card = ChoiceCard(tuple(costs), *map(np.array, (right, probability, alone, sentence)))
        figures = card.figures()
        rows = [{"figure": name, "value [95 % interval]": f"{value:.3f}"} for name, value in figures.items()]
        return Measured({"figures": rows}, figures, gates=card.gates())


@torch.no_grad()
def without_imagination(model: WorldModel, problem: Problem) -> int:
    """What the VLM takes for the right option when it sees the context and then the goal, standing still."""
    vlm = speaking(model)
    horizon = problem.clip.config.frames - problem.clip.config.context_frames
    shown = torch.cat([problem.context, problem.picture[:, None].expand(-1, horizon, -1, -1)], dim=1)
    answers = [_answer(option, problem.clip) for option in problem.options]
    said = vlm.judge(vlm.see(shown[None], frame_rate=model.plan.frame_rate), ["Which object was pushed?"], answers)
    return int(said[0].argmax())


def _answer(action: Action | None, clip: PhysicsClip) -> str:
    """The option as the VLM was taught to name it."""
    if action is None:
        return "none"
    return push_sentence(clip.bodies[action.body].name, action.direction).replace(" is pushed", "")


def gather_costs(
    model: WorldModel,
    seeds: Sequence[int],
    physics: PhysicsConfig,
    *,
    options: int,
    candidates: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, tuple[list[Tensor], list[int]]]:
    """Costs of all options and the right one, by kind of goal: what `fit_temperature` takes.

    Args:
        model: the world model.
        seeds: of calibration clips.
        physics: the world.
        options: possible instructions per clip, at most.
        candidates: futures per option.
        seed: of the first candidate.
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
                candidates=candidates,
                seed=seed,
            )
            gathered["image"][0].append(torch.tensor(choice.costs))
            gathered["image"][1].append(problem.right)
            if problem.sentence and isinstance(model.vlm, QwenEncoder):
                gathered["sentence"][0].append(SentenceGoal(problem.sentence).costs(model, choice.predictions))
                gathered["sentence"][1].append(problem.right)
        progress(number + 1, len(seeds))
    return {kind: pairs for kind, pairs in gathered.items() if pairs[0]}


def _calibration_error(probability: np.ndarray, correct: np.ndarray) -> float:
    return expected_calibration_error(torch.from_numpy(probability), torch.from_numpy(correct > 0.5), bins=10)
