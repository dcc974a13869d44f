"""The choice card: accuracy of choosing an instruction by imagination, beside chance and the VLM without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from foresight.choose import ImageGoal, SentenceGoal, Temperature, choose
from foresight.choose.goals import require_vlm
from foresight.choose.problems import Problem, make_problem
from foresight.evaluation.benchmarks import Measured, figure_rows
from foresight.evaluation.gates import Gate, at_least, surely_above
from foresight.evaluation.simulated import SimulatedBenchmark
from foresight.metrics.resampling import calibration_error
from foresight.metrics.statistics import Estimate, bootstrap, difference_of_means, mean
from foresight.physics import Action, PhysicsClip
from foresight.physics.language import push_sentence
from foresight.progress import Progress
from foresight.results.values import ClipValues, clip_values
from foresight.vlm.encoder import QwenEncoder
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel


@dataclass(frozen=True)
class ChoiceCard:
    """Results of a choice benchmark: arrays over clips.

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
            "imagination − VLM alone": difference_of_means(correct, self.alone),
            "calibration error of the probability": bootstrap(_calibration_error, self.probability, correct),
        }
        if len(self.sentence):
            figures["right by imagination, goal a sentence"] = mean(self.sentence)
        return figures

    def values(self, clips: Sequence[str], seed: int) -> tuple[ClipValues, ...]:
        """Whether each choice is right, and how sure it was."""
        taken = np.array([row.argmin() for row in self.costs])
        columns = {
            ("imagination", "right"): (taken == self.right).astype(float),
            ("imagination", "probability"): self.probability,
            ("imagination", "options"): np.array([len(row) for row in self.costs]),
            ("VLM alone", "right"): self.alone,
        }
        return tuple(
            clip_values(clips, method, metric, values, [seed] * len(clips))
            for (method, metric), values in columns.items()
        )

    def gates(self) -> tuple[Gate, ...]:
        """The promises of this card."""
        figures = self.figures()
        return (
            at_least("choice by imagination", figures["right by imagination, goal a picture"], 0.85),
            surely_above("imagination above the VLM alone", figures["imagination − VLM alone"], 0.0),
        )


@dataclass(frozen=True, kw_only=True)
class ChoiceBenchmark(SimulatedBenchmark):
    """Choice by imagination on the simulated world.

    Args:
        temperature: fitted for the model, on another split.
        options: possible instructions per clip, at most.
        candidates: futures per option.
        sentences: whether the goal is also given in words.
        seed: of the first candidate.
    """

    temperature: Temperature
    options: int
    candidates: int
    sentences: bool
    seed: int
    name = "choice"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.options < 2:
            raise ValueError(f"expected at least 2 options, got {self.options}")

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Choose in every clip."""
        heat = self.temperature.of("image", model)
        costs, right, probability, alone, sentence = [], [], [], [], []
        asked: list[int] = []
        for number, seed in enumerate(self.held_out.seeds):
            problem = make_problem(seed, self.physics, self.options)
            if len(problem.options) > 1:
                choice = choose(
                    model,
                    problem.context,
                    problem.instructions,
                    ImageGoal(problem.picture),
                    horizon=self.held_out.future_frames,
                    temperature=heat,
                    sampling=Sampling(self.candidates, seed=self.seed),
                )
                asked.append(seed)
                costs.append(np.array(choice.costs))
                right.append(problem.right)
                probability.append(max(choice.probabilities or (0.0,)))
                if isinstance(model.vlm, QwenEncoder):
                    alone.append(float(without_imagination(model, problem) == problem.right))
                    if self.sentences and problem.sentence:
                        doubt = SentenceGoal(problem.sentence).costs(model, choice.predictions)
                        sentence.append(float(int(doubt.argmin()) == problem.right))
                else:
                    alone.append(1 / len(problem.options))
            progress(number + 1, len(self.held_out.seeds))
        card = ChoiceCard(tuple(costs), *map(np.array, (right, probability, alone, sentence)))
        figures = card.figures()
        values = card.values([self.held_out.name(seed) for seed in asked], self.seed)
        return Measured({"figures": figure_rows(figures)}, figures, gates=card.gates(), values=values)


@torch.no_grad()
def without_imagination(model: WorldModel, problem: Problem) -> int:
    """Index of the option that the VLM takes for right when it sees the context and then the goal repeated."""
    vlm = require_vlm(model)
    horizon = problem.clip.config.frames - problem.clip.config.context_frames
    shown = torch.cat([problem.context, problem.picture[:, None].expand(-1, horizon, -1, -1)], dim=1)
    answers = [_answer(option, problem.clip) for option in problem.options]
    said = vlm.judge(
        vlm.see(shown[None], frame_rate=model.sampling_config.frame_rate), ["Which object was pushed?"], answers
    )
    return int(said[0].argmax())


def _answer(action: Action | None, clip: PhysicsClip) -> str:
    """The option as the VLM was taught to name it."""
    if action is None:
        return "none"
    return push_sentence(clip.bodies[action.body].name, action.direction).replace(" is pushed", "")


def _calibration_error(probability: np.ndarray, correct: np.ndarray) -> float:
    once = torch.ones(1, len(correct), dtype=torch.float64)
    return float(calibration_error(torch.from_numpy(probability), torch.from_numpy(correct > 0.5), once, bins=10))
