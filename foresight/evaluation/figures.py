"""Figures of a benchmark, drawn from its per-clip values: the same for its page, a notebook and a loaded run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from foresight.evaluation.conditioning import NONE, OTHER, SAME, TRUE
from foresight.evaluation.prediction.card import COPY, EXTENDED, LINEAR, MODEL, TRACKER
from foresight.evaluation.prediction.picture_scores import MOVING_MSE
from foresight.evaluation.verification.values import LOG_ODDS
from foresight.metrics.statistics import Estimate
from foresight.plots import (
    Figure,
    conditioning_by_noise,
    reliability_diagram,
    risk_coverage,
    roc_curves,
    skill_by_frame,
    strata_grid,
)
from foresight.results.values import ClipValues

BESIDE = {MODEL: "prediction", LINEAR: "linear", TRACKER: "tracker", EXTENDED: "context alone"}
"""Methods that are drawn beside copying, and their short names."""


def card_figures(
    values: Sequence[ClipValues], figures: Mapping[str, Estimate], frame_rate: float = 8.0
) -> list[Figure]:
    """Whatever the values hold: skill by frame, verdicts, conditioning.

    Args:
        values: of a benchmark's run.
        figures: of its card.
        frame_rate: frames per second, for the axis of time.
    """
    table = {(one.method, one.metric): one for one in values}
    return [*_skills(table, frame_rate), *_verdicts(table, figures), *_conditioning(table)]


def _skills(table: Mapping[tuple[str, str], ClipValues], frame_rate: float) -> list[Figure]:
    found = []
    for metric, title in (("mse", "Skill by frame"), (MOVING_MSE, "Skill on moving pixels")):
        copy = table.get((COPY, metric))
        errors = {short: table[name, metric].values for name, short in BESIDE.items() if (name, metric) in table}
        if copy is not None and errors and (copy.values.sum(axis=0) > 0).all():
            found.append(skill_by_frame(errors, copy.values, frame_rate=frame_rate, title=title))
    return found


def _verdicts(table: Mapping[tuple[str, str], ClipValues], figures: Mapping[str, Estimate]) -> list[Figure]:
    """ROC with control baselines, reliability and risk of the verifier that has seen most, and its strata."""
    scores: dict[str, list[np.ndarray]] = {}
    labels: dict[str, list[np.ndarray]] = {}
    for (method, metric), one in table.items():
        if metric.startswith(f"{LOG_ODDS}, ") and not method.startswith("hit or miss"):
            scores.setdefault(method, []).append(one.whole)
            labels.setdefault(method, []).append(np.full(len(one.clips), metric == f"{LOG_ODDS}, true"))
    judges = [name for name in scores if name.startswith("verifier")]
    if not judges:
        return []
    best = judges[-1]
    right, odds = np.concatenate(labels[best]), np.concatenate(scores[best])
    drawn = {name: np.concatenate(parts) for name, parts in scores.items() if name == best or name not in judges}
    found = []
    if right.any() and not right.all():
        found.append(roc_curves({best: drawn.pop(best), **drawn}, right))
    found.append(reliability_diagram(1 / (1 + np.exp(-odds)), right))
    found.append(risk_coverage({best: np.abs(odds)}, {best: (odds > 0) == right}))
    strata = {name.removeprefix("AUROC, "): one for name, one in figures.items() if name.startswith("AUROC, ")}
    return [*found, strata_grid(strata)] if strata else found


def _conditioning(table: Mapping[tuple[str, str], ClipValues]) -> list[Figure]:
    start = "flow loss at σ = "
    levels = {metric: float(metric.removeprefix(start)) for _, metric in table if metric.startswith(start)}
    if not levels:
        return []
    ordered = sorted(levels, key=lambda metric: levels[metric])
    true, other, none = (
        np.stack([table[f"{SAME}: {kind}", metric].whole for metric in ordered], axis=1) for kind in (TRUE, OTHER, NONE)
    )
    others = {"another clip's": other, "none": none}
    return [conditioning_by_noise(true, others, [levels[metric] for metric in ordered])]
