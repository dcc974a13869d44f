"""The correction card: accuracy after the loop, beside the first prediction and random retries at the same cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foresight.errors import UserError
from foresight.evaluation.benchmarks import Measured
from foresight.evaluation.correction.trials import Criterion, MakesActor, PolicyResult, Trial, run_trial, task_of
from foresight.evaluation.gates import Gate, at_least
from foresight.evaluation.simulated import SimulatedBenchmark
from foresight.loop import AttemptRunner, Budget, Policy
from foresight.loop.revisers import Reviser
from foresight.metrics.statistics import Estimate, bootstrap, mean
from foresight.physics import PhysicsClip
from foresight.progress import Progress, silent
from foresight.results.values import ClipValues, clip_values
from foresight.verify import Verifier
from foresight.world.world_model import WorldModel

COVERAGES = (0.25, 0.5, 0.75, 1.0)
LEAST_SEEDS = 3
NEVER = Estimate(math.nan, math.nan, math.nan, 0)
"""Of a policy without confidence: it cannot abstain, and keeps no promise about it."""


@dataclass(frozen=True)
class CorrectionCard:
    """Trials by clip, and by repetition within a clip. Intervals resample clips, so repetitions count as one clip."""

    trials: Sequence[Sequence[Trial]]

    def gates(self, promised: Sequence[str]) -> list[Gate]:
        """Gates: a policy is right at least 20 points more often than random retry, and nearly always where confident.

        Args:
            promised: names of the policies that gates stand for.
        """
        figures, gates = self.figures(), []
        for name in promised:
            gates.append(at_least(f"{name}: accuracy − random retry", figures[f"{name}: above random retry"], 0.2))
            sure = figures.get(f"{name}: accuracy at 50% coverage", NEVER)
            gates.append(at_least(f"{name}: accuracy at 50% coverage", sure, 0.9))
        return gates

    def values(self, clips: Sequence[str]) -> tuple[ClipValues, ...]:
        """Outcome and cost of every trial; a clip's repetitions are told apart by their number, as its seed."""
        names = [clip for clip, trials in zip(clips, self.trials, strict=True) for _ in trials]
        numbers = [number for trials in self.trials for number in range(len(trials))]
        every = [trial for trials in self.trials for trial in trials]
        columns: dict[tuple[str, str], Sequence[float]] = {
            ("single guess", "right"): [trial.before for trial in every],
            ("more steps", "right"): [trial.more_steps for trial in every],
            ("true instruction", "right"): [trial.oracle for trial in every],
        }
        for name in self.policies:
            results = [trial.policies[name] for trial in every]
            columns |= {
                (name, "right"): [one.is_correct for one in results],
                (name, "right by random retry"): [one.random_retry for one in results],
                (name, "answered"): [one.answered for one in results],
                (name, "confidence"): [math.nan if one.confidence is None else one.confidence for one in results],
                (name, "transformer evaluations"): [one.evaluations for one in results],
            }
        return tuple(
            clip_values(names, method, metric, np.array(values, float), numbers)
            for (method, metric), values in columns.items()
        )

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of the policies."""
        return tuple(self.trials[0][0].policies)

    def figures(self) -> dict[str, Estimate]:
        """The figures that promises are made of, by name."""
        before = self._share(lambda trial: trial.before)
        more = self._share(lambda trial: trial.more_steps)
        figures = {
            "accuracy of the single guess": mean(before),
            "accuracy with more steps": mean(more),
            "accuracy under the true instruction": mean(self._share(lambda trial: trial.oracle)),
        }
        for name in self.policies:
            after = self._of(name, lambda result: result.is_correct)
            retry = self._of(name, lambda result: result.random_retry)
            figures |= {
                f"{name}: accuracy": mean(after),
                f"{name}: above the single guess": mean(after - before),
                f"{name}: above random retry": mean(after - retry),
                f"{name}: above more steps": mean(after - more),
                f"{name}: corrections": self._changes(name, before=False),
                f"{name}: regressions": self._changes(name, before=True),
                f"{name}: corrections by random retry": self._changes(name, before=False, retry=True),
                f"{name}: answered": mean(self._of(name, lambda result: result.answered)),
                f"{name}: transformer evaluations": mean(self._of(name, lambda result: result.evaluations)),
                f"{name}: decodes": mean(self._of(name, lambda result: result.decodes)),
                f"{name}: evaluations per right answer": self._per_right(name, lambda result: result.evaluations),
                f"{name}: seconds per right answer": self._per_right(name, lambda result: result.seconds),
            }
            figures |= {
                f"{name}: accuracy at {coverage:.0%} coverage": value
                for coverage, value in self.risk_coverage(name).items()
            }
        return figures

    def tables(self) -> dict[str, list[dict[str, str]]]:
        """Tables of accuracy and changes, cost, and accuracy against coverage."""
        figures = self.figures()

        def row(name: str, entries: Mapping[str, str], spec: str = ".2f") -> dict[str, str]:
            cells = {head: f"{figures[f'{name}: {entry}']:{spec}}" for head, entry in entries.items()}
            return {"policy": name, **cells}

        changes = {
            "accuracy": "accuracy",
            "− single guess": "above the single guess",
            "− random retry": "above random retry",
            "− more steps": "above more steps",
            "wrong → right": "corrections",
            "by retry": "corrections by random retry",
            "right → wrong": "regressions",
        }
        costs = {
            "transformer evaluations": "transformer evaluations",
            "per right answer": "evaluations per right answer",
            "seconds per right answer": "seconds per right answer",
        }
        references = ("accuracy of the single guess", "accuracy with more steps", "accuracy under the true instruction")
        tables = {
            "without a verifier": [
                {"prediction": name.removeprefix("accuracy "), "accuracy": f"{figures[name]:.2f}"}
                for name in references
            ],
            "policies": [row(name, changes) for name in self.policies],
            "cost": [row(name, costs, ".3g") for name in self.policies],
        }
        judged = [name for name in self.policies if self.risk_coverage(name)]
        if judged:
            heads = {f"{coverage:.0%}": f"accuracy at {coverage:.0%} coverage" for coverage in COVERAGES}
            tables["accuracy where the most confident share is answered"] = [row(name, heads) for name in judged]
        return tables

    def risk_coverage(self, name: str) -> dict[float, Estimate]:
        """Accuracy where only the most confident share is answered; empty if the policy has no confidence.

        The threshold is a share of these trials; an interval is for the trials above it, by clip.
        """
        entries = [
            (result.confidence, clip, result.is_correct)
            for clip, repetitions in enumerate(self.trials)
            for result in (trial.policies[name] for trial in repetitions)
        ]
        if any(value is None for value, _, _ in entries):
            return {}
        entries.sort(key=lambda entry: -(entry[0] or 0.0))
        return {
            coverage: _by_clip([(clip, right) for _, clip, right in entries[: max(1, round(coverage * len(entries)))]])
            for coverage in COVERAGES
        }

    def _share(self, of: Callable[[Trial], float]) -> np.ndarray:
        """Mean of each clip over its repetitions."""
        return np.array([np.mean([float(of(trial)) for trial in repetitions]) for repetitions in self.trials])

    def _of(self, name: str, of: Callable[[PolicyResult], float]) -> np.ndarray:
        return self._share(lambda trial: of(trial.policies[name]))

    def _changes(self, name: str, *, before: bool, retry: bool = False) -> Estimate:
        """Share of the trials right (or wrong) before that are the other way after."""

        def after(trial: Trial) -> bool:
            return trial.policies[name].random_retry if retry else trial.policies[name].is_correct

        changed = self._share(lambda trial: trial.before == before and after(trial) != before)
        return bootstrap(_ratio, changed, self._share(lambda trial: trial.before == before))

    def _per_right(self, name: str, of: Callable[[PolicyResult], float]) -> Estimate:
        return bootstrap(_ratio, self._of(name, of), self._of(name, lambda result: result.is_correct))


def _ratio(part: np.ndarray, whole: np.ndarray) -> float:
    """Ratio of means; 0 where there is nothing in either, the part's sum where only the whole is missing."""
    return float(part.mean() / whole.mean()) if whole.any() else float(part.sum())


def _by_clip(entries: Sequence[tuple[int, bool]]) -> Estimate:
    clips = sorted({clip for clip, _ in entries})
    right = np.array([sum(good for one, good in entries if one == clip) for clip in clips], float)
    count = np.array([sum(one == clip for one, _ in entries) for clip in clips], float)
    return bootstrap(lambda top, bottom: float(top.sum() / bottom.sum()), right, count)


def evaluate_correction(
    actor: MakesActor,
    policies: Mapping[str, tuple[Policy, Budget]],
    clips: Sequence[PhysicsClip],
    *,
    seeds: int,
    criterion: Criterion,
    steps: int,
    draw_evaluations: int,
    progress: Progress = silent,
) -> CorrectionCard:
    """Try every clip with several guessed instructions.

    Args:
        actor: gives the maker of attempts at a task.
        policies: with their budgets, by name.
        clips: held-out clips.
        seeds: guesses per clip, each with other noise; at least 3.
        criterion: of a correct prediction.
        steps: Euler steps of an ordinary draw.
        draw_evaluations: transformer evaluations of an ordinary draw, all candidates.
        progress: called with (done, total).

    Raises:
        UserError: for fewer than three seeds.
    """
    if seeds < LEAST_SEEDS:
        raise UserError(expected=f"at least {LEAST_SEEDS} seeds", got=str(seeds), remedy="give seeds=3")
    trials = []
    for clip in clips:
        repetitions = []
        for repetition in range(seeds):
            task = task_of(clip, repetition, criterion.observed)
            repetitions.append(
                run_trial(
                    clip,
                    task,
                    actor(task),
                    policies,
                    criterion,
                    steps=steps,
                    draw_evaluations=draw_evaluations,
                )
            )
        trials.append(tuple(repetitions))
        progress(len(trials), len(clips))
    return CorrectionCard(tuple(trials))


@dataclass(frozen=True, kw_only=True)
class CorrectionBenchmark(SimulatedBenchmark):
    """The correction card on the simulated world.

    Args:
        verifier: fitted for the model, on another split.
        reviser: for policies that reword.
        policies: by name.
        budgets: by the same names.
        seeds: guessed instructions per clip.
        observed: future frames that the loop may look at.
        tolerance: pixels; see `Criterion`.
        promised: names of the policies that gates stand for.
    """

    verifier: Verifier
    reviser: Reviser
    policies: Mapping[str, Policy]
    budgets: Mapping[str, Budget]
    seeds: int
    observed: int
    tolerance: float
    promised: Sequence[str]
    name = "correction"

    def __post_init__(self) -> None:
        super().__post_init__()
        policies, budgets, promised = self.policies.keys(), self.budgets.keys(), set(self.promised)
        if policies != budgets or not promised <= policies:
            got = f"{sorted(budgets)}, and promises of {sorted(promised)}"
            raise ValueError(f"expected a budget for each of {sorted(policies)}, and promises of some; got {got}")

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Let every policy try every clip."""
        config, candidates = model.sampling_config, self.verifier.fitted_on.candidates
        card = evaluate_correction(
            lambda task: AttemptRunner(model, self.verifier, task, reviser=self.reviser),
            {name: (policy, self.budgets[name]) for name, policy in self.policies.items()},
            list(self.held_out),
            seeds=self.seeds,
            criterion=Criterion(self.observed, self.tolerance),
            steps=config.steps,
            draw_evaluations=config.steps * (2 if config.guidance > 1 else 1) * candidates,
            progress=progress,
        )
        return Measured(
            dict[str, Any](card.tables()),
            card.figures(),
            gates=tuple(card.gates(self.promised)),
            values=card.values(self.held_out.names),
        )
