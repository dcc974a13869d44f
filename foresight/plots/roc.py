"""ROC of a verdict beside control baselines that know nothing of the prediction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from foresight.plots.axes import Axis, Line, line_figure
from foresight.plots.figure import Figure


def roc_curves(
    scores: Mapping[str, Float[np.ndarray, " example"]],
    right: Bool[np.ndarray, " example"],
    *,
    title: str = "Right from wrong",
) -> Figure:
    """Share of right examples kept against share of wrong ones let through, over all thresholds.

    Args:
        scores: by name, the higher the more probably right; the verifier's first, then control baselines.
        right: labels.
        title: of the figure.

    Raises:
        ValueError: if a label is missing.
    """
    right = np.asarray(right, bool)
    if right.all() or not right.any():
        raise ValueError(f"expected examples of both labels, got {int(right.sum())} right of {len(right)}")
    lines, areas = [], []
    for name, score in scores.items():
        false, true = roc(np.asarray(score, float), right)
        area = float(np.trapezoid(true, false))
        lines.append(Line(f"{name} ({area:.2f})", false, true))
        areas.append(f"{name} {area:.3f}")
    alt = f"ROC of {len(right)} examples; area: {', '.join(areas)}. The dashed diagonal is chance."
    return line_figure(
        title,
        lines,
        Axis("wrong outcomes let through", 0.0, 1.0),
        Axis("right outcomes kept", 0.0, 1.0),
        alt=alt,
        diagonal=True,
    )


def roc(
    score: Float[np.ndarray, " example"], right: Bool[np.ndarray, " example"]
) -> tuple[Float[np.ndarray, " threshold"], Float[np.ndarray, " threshold"]]:
    """False and true positive rates at every threshold; equal scores are one."""
    levels, index = np.unique(-score, return_inverse=True)
    true = np.bincount(index, weights=right, minlength=len(levels)).cumsum() / right.sum()
    false = np.bincount(index, weights=~right, minlength=len(levels)).cumsum() / (~right).sum()
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])
