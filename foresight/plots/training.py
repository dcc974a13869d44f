"""A training run read: losses, audit or norms over steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from foresight.plots.axes import Axis, Line, line_figure
from foresight.plots.figure import Figure

Course = Sequence[tuple[int, float]]


def training_curves(
    courses: Mapping[str, Course], *, y_label: str = "loss", title: str = "Training", smooth: int = 1
) -> Figure:
    """One line per metric over steps, such as the flow loss of each noise level, the audit's gain, or norms.

    Args:
        courses: (step, value) pairs by name, at most six of them.
        y_label: of the values.
        title: of the figure.
        smooth: values that are averaged, each with those before it.

    Raises:
        ValueError: if there is nothing to draw.
    """
    lines, said = [], []
    for name, course in courses.items():
        if not course:
            continue
        steps, values = (np.array(column, float) for column in zip(*course, strict=True))
        total = np.concatenate([[0.0], values.cumsum()])
        first = np.maximum(np.arange(1, len(values) + 1) - smooth, 0)
        mean = (total[1:] - total[first]) / (np.arange(1, len(values) + 1) - first)
        lines.append(Line(name, steps, mean, dots=len(values) < 12))
        said.append(f"{name} from {mean[0]:.3g} to {mean[-1]:.3g}")
    return line_figure(title, lines, Axis("steps", 0.0), Axis(y_label), alt=f"Over steps: {'; '.join(said)}.")
