"""The surprise card: violation of expectation, and error rates of the alarm on ordinary and impossible futures.

Pairs share context and instruction; one goes on as physics does, the other does something impossible. The share of
pairs in which the impossible one surprises more needs no threshold (IntPhys, Riochet et al., arXiv 1803.07616).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.benchmarks import Measured, figure_rows
from foresight.evaluation.gates import Gate, at_least, surely_above
from foresight.evaluation.simulated import SimulatedBenchmark, contexts_and_futures
from foresight.metrics.baselines import copy_last_frame
from foresight.metrics.picture import mse
from foresight.metrics.statistics import Estimate, bootstrap, mean
from foresight.physics import PhysicsConfig, counterfactual
from foresight.physics.language import NOTHINGS
from foresight.progress import Progress
from foresight.results.values import ClipValues, clip_values
from foresight.watch.alarm import Alarm
from foresight.watch.calibration import nominal_segments
from foresight.watch.surprise import surprise
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel

CONTROL = "pairs by amount of motion alone"
SAME = 1e-4
"""Futures that differ by less (40 dB) show the same: such a pair is left out."""
BATCH = 8
Videos = Float[Tensor, "batch 3 frame height width"]


@dataclass(frozen=True)
class SurpriseCard:
    """Results of a surprise benchmark.

    Args:
        possible: surprise of the true future, per clip.
        impossible: kind → surprise of the impossible future per clip; NaN where it shows the same.
        possible_motion: distance of the true future from the last frame, the control baseline without a model.
        impossible_motion: the same of the impossible futures.
        quiet: surprise of ordinary stretches in which nothing is pushed.
        alarmed: kind → surprise of stretches as long as the alarm's, in impossible futures.
        threshold: of the alarm.
        coverage: of the alarm.
    """

    possible: np.ndarray
    impossible: dict[str, np.ndarray]
    possible_motion: np.ndarray
    impossible_motion: dict[str, np.ndarray]
    quiet: np.ndarray
    alarmed: dict[str, np.ndarray]
    threshold: float
    coverage: float

    def figures(self) -> dict[str, Estimate]:
        """The figures that promises are made of, by name."""
        won = pairs_won(self.possible, self.impossible)
        figures = {"pairs in which the impossible surprises more": _pooled(won)}
        for kind, wins in won.items():
            figures[f"pairs, {kind.replace('_', ' ')}"] = mean(wins[np.isfinite(wins)])
        control = pairs_won(self.possible_motion, self.impossible_motion)
        figures[CONTROL] = _pooled(control)
        figures[f"ordinary stretches taken for events (at most {1 - self.coverage:.0%})"] = mean(
            self.quiet > self.threshold
        )
        caught = {
            kind: np.where(np.isfinite(values), values > self.threshold, np.nan)
            for kind, values in self.alarmed.items()
        }
        figures["impossible stretches taken for events"] = _pooled(caught)
        for kind, found in caught.items():
            figures[f"events found, {kind.replace('_', ' ')}"] = mean(found[np.isfinite(found)])
        return figures

    def values(self, clips: Sequence[str], seed: int) -> tuple[ClipValues, ...]:
        """Surprise of every future, and of motion alone, by kind."""
        columns = {("surprise", "true"): self.possible, ("motion alone", "true"): self.possible_motion}
        columns |= {("surprise", kind): values for kind, values in self.impossible.items()}
        columns |= {("motion alone", kind): values for kind, values in self.impossible_motion.items()}
        return tuple(
            clip_values(clips, method, f"score, {kind.replace('_', ' ')}", values, [seed] * len(clips))
            for (method, kind), values in columns.items()
        )

    def gates(self) -> tuple[Gate, ...]:
        """The promises of this card."""
        figures = self.figures()
        share = figures["pairs in which the impossible surprises more"]
        return (
            at_least("violation of expectation", share, 0.9),
            surely_above("violation of expectation above motion alone", share, figures[CONTROL].high),
        )


def pairs_won(possible: np.ndarray, impossible: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Per kind and clip 1 where the impossible is larger, ½ for a tie, 0 otherwise; NaN where there is no pair."""
    return {
        kind: np.where(np.isfinite(values), (np.sign(values - possible) + 1) / 2, np.nan)
        for kind, values in impossible.items()
    }


def _pooled(columns: dict[str, np.ndarray]) -> Estimate:
    """Mean over all pairs; clips are resampled with all their pairs."""
    matrix = np.stack(list(columns.values()), axis=1)
    matrix = matrix[np.isfinite(matrix).any(axis=1)]
    count, total = np.isfinite(matrix).sum(axis=1), np.nansum(matrix, axis=1)
    return bootstrap(lambda top, bottom: float(top.sum() / bottom.sum()), total, count)


@dataclass(frozen=True, kw_only=True)
class SurpriseBenchmark(SimulatedBenchmark):
    """Violation of expectation on the simulated world.

    Args:
        alarm: fitted for the model, on another split.
        coverage: of the alarm.
        kinds: of impossible futures, keys of `foresight.physics.KINDS`; each clip has one of every kind.
        quiet: the world of ordinary stretches, the one that the alarm was fitted on.
        candidates: futures per prediction; the alarm fixes its own.
        seed: of the first candidate.
    """

    alarm: Alarm
    coverage: float
    kinds: Sequence[str]
    quiet: PhysicsConfig
    candidates: int
    seed: int
    name = "surprise"

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Predict every clip and measure the surprise of its futures."""
        card = self.measure(model, progress)
        figures = card.figures()
        values = card.values(self.held_out.names, self.seed)
        return Measured({"figures": figure_rows(figures)}, figures, gates=card.gates(), values=values)

    def measure(self, model: WorldModel, progress: Progress) -> SurpriseCard:
        """The card of a world model."""
        watching = self.alarm.settings
        possible: list[np.ndarray] = []
        still: list[np.ndarray] = []
        quiet: list[np.ndarray] = []
        found: dict[str, list[np.ndarray]] = {kind: [] for kind in self.kinds}
        moved: dict[str, list[np.ndarray]] = {kind: [] for kind in self.kinds}
        alarmed: dict[str, list[np.ndarray]] = {kind: [] for kind in self.kinds}
        done = 0
        for clips in self.held_out.batches(BATCH):
            contexts, futures = contexts_and_futures(clips)
            predictions = model.predict_batch(
                contexts,
                [clip.instruction for clip in clips],
                futures.shape[2],
                Sampling(self.candidates, seed=self.seed),
            )
            possible.append(surprise(model, predictions, futures).numpy())
            still.append(_motion(contexts, futures))
            for kind in self.kinds:
                others = torch.stack([counterfactual(clip, kind).future for clip in clips])
                same = (mse(others, futures).mean(dim=1) < SAME).numpy()
                found[kind].append(np.where(same, np.nan, surprise(model, predictions, others).numpy()))
                moved[kind].append(np.where(same, np.nan, _motion(contexts, others)))
                first = surprise(model, predictions, others[:, :, : watching.prediction_stride]).numpy()
                alarmed[kind].append(np.where(same, np.nan, first))
            quiet.append(self._ordinary(model, self.held_out.seeds[done : done + len(clips)]))
            done += len(clips)
            progress(done, self.clips)
        return SurpriseCard(
            possible=np.concatenate(possible),
            impossible={kind: np.concatenate(values) for kind, values in found.items()},
            possible_motion=np.concatenate(still),
            impossible_motion={kind: np.concatenate(values) for kind, values in moved.items()},
            quiet=np.concatenate(quiet),
            alarmed={kind: np.concatenate(values) for kind, values in alarmed.items()},
            threshold=self.alarm.threshold(self.coverage),
            coverage=self.coverage,
        )

    def _ordinary(self, model: WorldModel, seeds: range) -> np.ndarray:
        """Surprise of stretches like those the alarm was fitted on."""
        watching = self.alarm.settings
        contexts, futures = nominal_segments(model, seeds, self.quiet, watching.prediction_stride)
        predictions = model.predict_batch(
            contexts,
            [NOTHINGS[0]] * len(contexts),
            watching.prediction_stride,
            Sampling(watching.candidates, seed=self.seed, steps=watching.steps),
        )
        return surprise(model, predictions, futures).numpy()


def _motion(contexts: Videos, futures: Videos) -> np.ndarray:
    """Distance of a future to its context's last frame."""
    return mse(copy_last_frame(contexts, futures.shape[2]), futures).mean(dim=1).numpy()
