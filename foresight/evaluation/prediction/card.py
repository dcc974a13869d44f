"""The prediction card: errors of predicted futures, beside baselines that need no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from foresight.evaluation.benchmarks import FIGURE, VALUE, figure_rows
from foresight.evaluation.extremes import Extremes
from foresight.evaluation.gates import Gate, at_least, surely_above, weakest
from foresight.evaluation.prediction.forced_choice import FROZEN, TRUE, shares
from foresight.evaluation.prediction.picture_scores import PictureScores
from foresight.metrics.frechet import ABSENT
from foresight.metrics.picture import psnr
from foresight.metrics.statistics import Estimate, difference_of_means, mean, ratio_of_means, skill
from foresight.results.values import ClipValues, clip_values

MODEL, WRONG = "prediction", "prediction, wrong instruction"
EXTENDED = "video model without VLM, context alone"
"""The prefix-only baseline: the same video model extends the clip without an instruction."""
TEXT = "video model without VLM, conditioned on text"
"""A control, no baseline: its own text encoder reads the same sentence. A lead over it can only come from the VLM."""
COPY, LINEAR, MEAN, NEAREST = (
    "copy last frame",
    "linear extrapolation",
    "mean frame of the world",
    "nearest training clip",
)
TRACKER, VAE_RECONSTRUCTION = "constant velocity tracker", "VAE reconstruction"
BALLISTIC = "ballistic from the true state"
BASELINES = (COPY, LINEAR, MEAN, NEAREST, TRACKER)


@dataclass(frozen=True)
class Scores(PictureScores):
    """Per-clip figures of one method where true states are known: arrays over clips."""

    position: np.ndarray
    """(clips,): mean distance in pixels over bodies and frames."""
    missed: np.ndarray
    """(clips,): share of bodies and frames in which the body is not to be seen."""

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """Everything measured per clip, by name and unit."""
        return super().metrics | {"position error (px)": self.position, "missed": self.missed}

    def row(self, name: str, copy: PictureScores) -> dict[str, str]:
        """Its row of a table."""
        row = super().row(name, copy)
        sharpness = row.pop("sharpness")
        states = {"position error (px)": f"{mean(self.position):.1f}", "missed": f"{mean(self.missed):.1%}"}
        return {**row, **states, "sharpness": sharpness}


@dataclass(frozen=True)
class PredictionCard:
    """All figures of a prediction benchmark."""

    methods: dict[str, Scores]
    ballistic: np.ndarray
    """(clips,): position error of flight from the true state."""
    nearer_true: np.ndarray
    """(moving clips,): 1 where the prediction lies nearer the true future than the frozen one."""
    chosen: np.ndarray
    """(moving clips,): which of `forced_choice.OPTIONS` the prediction lies nearest to, by absolute error."""
    chosen_squared: np.ndarray
    """(moving clips,): the same by squared error, which prefers blur."""
    pushed: np.ndarray
    """(clips with a push, 2): position error of the pushed body with the true and with a wrong instruction."""
    extremes: Extremes
    """Clips that were predicted worst and best."""
    fvd: float | None = None
    """Fréchet video distance of all predicted to all true futures; None without the network it needs."""

    @property
    def baselines(self) -> dict[str, Scores]:
        """Scores of the baselines that the prediction has to beat: those of the world, and the extended context."""
        return {name: scores for name, scores in self.methods.items() if name in (*BASELINES, EXTENDED)}

    def values(self, clips: Sequence[str], seeds: Sequence[int]) -> tuple[ClipValues, ...]:
        """Per-clip values of every method."""
        return tuple(
            clip_values(clips, name, metric, values, seeds)
            for name, scores in self.methods.items()
            for metric, values in scores.metrics.items()
        )

    def table(self) -> list[dict[str, str]]:
        """One row per method."""
        rows = [scores.row(name, self.methods[COPY]) for name, scores in self.methods.items()]
        blank = dict.fromkeys(rows[0], "–")
        rows.append({**blank, "method": BALLISTIC, "position error (px)": f"{mean(self.ballistic):.1f}"})
        return rows

    def rows(self) -> list[dict[str, str]]:
        """One row per figure; one that could not be measured says why."""
        fvd = {FIGURE: "FVD", VALUE: ABSENT if self.fvd is None else f"{self.fvd:.1f}"}
        return [*figure_rows(self.figures(), ""), fvd]

    def figures(self) -> dict[str, Estimate]:
        """The figures that promises are made of, by name."""
        model, copy, reconstruction = self.methods[MODEL], self.methods[COPY], self.methods[VAE_RECONSTRUCTION]
        beside = {name: scores for name, scores in self.methods.items() if name in (*BASELINES, EXTENDED, TEXT)}
        figures = {f"skill over {name} (MSE)": skill(model.error, other.error) for name, other in beside.items()}
        figures |= {
            "skill over copy (SSIM)": skill(1 - model.ssim.mean(axis=1), 1 - copy.ssim.mean(axis=1)),
            "position error / copy's": ratio_of_means(model.position, copy.position),
            "position error / constant velocity's": ratio_of_means(model.position, self.methods[TRACKER].position),
            "position error / ballistic": ratio_of_means(model.position, self.ballistic),
            "objects missed": mean(model.missed),
            "objects missed by the VAE": mean(reconstruction.missed),
            "VAE reconstruction PSNR (dB)": mean(psnr(torch.from_numpy(reconstruction.error)).numpy()),
            "sharpness / VAE reconstruction's": ratio_of_means(model.sharpness, reconstruction.sharpness),
            "nearer the true future than the frozen one": mean(self.nearer_true),
        }
        figures |= {f"forced choice: {option}": share for option, share in shares(self.chosen).items()}
        figures["forced choice by squared error: true"] = shares(self.chosen_squared)[TRUE]
        if len(self.pushed):
            figures["pushed object's error, wrong / true instruction"] = ratio_of_means(
                self.pushed[:, 1], self.pushed[:, 0]
            )
        figures |= {f"skill over copy at {frame}": found for frame, found in model.skills(copy).items()}
        return figures

    def gates(self) -> list[Gate]:
        """Gates of a world model: skill at every horizon over every baseline, and futures that are not hedged."""
        gates = []
        for name, other in self.baselines.items():
            frame, found = weakest(self.methods[MODEL].skills(other))
            gates.append(surely_above(f"skill over {name} at every frame (weakest: {frame})", found, 0))
        nearest = shares(self.chosen)
        lead = difference_of_means(self.chosen == 0, self.chosen == 1)
        gates.append(at_least(f"forced choice: {TRUE}", nearest[TRUE], 0.8))
        gates.append(surely_above(f"forced choice: {TRUE} − {FROZEN}", lead, 0))
        sharp = ratio_of_means(self.methods[MODEL].sharpness, self.methods[VAE_RECONSTRUCTION].sharpness)
        gates.append(at_least("sharpness / VAE reconstruction's", sharp, 0.7))
        return gates
