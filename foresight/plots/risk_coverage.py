"""Risk against coverage: how often it errs where only its surest verdicts are used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from foresight.plots.axes import Axis, Line, line_figure
from foresight.plots.figure import Figure


def risk_coverage(
    confidence: Mapping[str, Float[np.ndarray, " example"]],
    correct: Mapping[str, Bool[np.ndarray, " example"]],
    *,
    title: str = "Fewer answers, fewer errors",
) -> Figure:
    """Share of errors among the surest share of decisions (selective prediction; El-Yaniv and Wiener, 2010).

    Args:
        confidence: by name, the higher the surer.
        correct: by the same names, whether the decision is.
        title: of the figure.

    Raises:
        ValueError: if names differ.
    """
    if confidence.keys() != correct.keys():
        raise ValueError(f"expected outcomes of {', '.join(confidence)}, got {', '.join(correct)}")
    lines, said = [], []
    for name, sure in confidence.items():
        order = np.argsort(-np.asarray(sure, float), kind="stable")
        wrong = ~np.asarray(correct[name], bool)[order]
        count = np.arange(1, len(order) + 1)
        risk = wrong.cumsum() / count
        # The first few say nothing: one error among them is a risk of one.
        start = min(len(order) - 1, max(4, len(order) // 20))
        lines.append(Line(name, count[start:] / len(order), risk[start:]))
        said.append(f"{name} errs in {risk[len(order) // 2]:.1%} of the surer half, {risk[-1]:.1%} of all")
    return line_figure(
        title,
        lines,
        Axis("share of decisions taken", 0.0, 1.0),
        Axis("share of them that is wrong", 0.0),
        alt="; ".join(said) + ".",
    )
