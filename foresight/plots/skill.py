"""Skill frame by frame, and whether the spread of the candidates is as wide as their error."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from foresight.metrics.statistics import ratio_of_means, skill
from foresight.plots.axes import Axis, Line, line_figure
from foresight.plots.figure import Figure

Course = Float[np.ndarray, "clip frame"]


def skill_by_frame(
    errors: Mapping[str, Course],
    reference: Course,
    *,
    frame_rate: float,
    against: str = "copy last frame",
    title: str = "Skill by frame",
) -> Figure:
    """1 − error / reference error at each predicted frame, with a 95 % band: 1 is perfect, 0 no better than it.

    Args:
        errors: mean squared errors by method, the model's first; "on moving pixels" is the same with those errors.
        reference: errors of the same clips by the reference.
        frame_rate: frames per second.
        against: name of the reference.
        title: of the figure.

    Raises:
        ValueError: if there is no method.
    """
    lines, ends = [], []
    for name, error in errors.items():
        found = [skill(error[:, frame], reference[:, frame]) for frame in range(error.shape[1])]
        seconds = [(frame + 1) / frame_rate for frame in range(len(found))]
        value = [one.value for one in found]
        lines.append(Line(name, seconds, value, [one.low for one in found], [one.high for one in found]))
        ends.append(f"{name} goes from {value[0]:.2f} to {value[-1]:.2f}")
    clips = len(reference)
    alt = f"Skill over {against} on {clips} clips: {'; '.join(ends)}. Bands are 95 % intervals over clips."
    low = max(-1.0, min((float(np.min(np.asarray(line.y))) for line in lines), default=0.0))
    return line_figure(
        title, lines, Axis("seconds after the context", 0.0), Axis(f"skill over {against}", low, 1.0), alt=alt, rule=0.0
    )


def error_over_spread(
    error: Course, spread: Course, *, candidates: int, frame_rate: float, title: str = "Error ÷ spread"
) -> Figure:
    """Squared error of the candidates' mean over their variance, frame by frame; honest candidates have 1 + 1/n.

    Args:
        error: squared error of the mean.
        spread: unbiased variance over candidates of the same clips.
        candidates: how many.
        frame_rate: frames per second.
        title: of the figure.
    """
    found = [ratio_of_means(error[:, frame], spread[:, frame]) for frame in range(error.shape[1])]
    seconds = [(frame + 1) / frame_rate for frame in range(len(found))]
    honest = 1 + 1 / candidates
    values = [one.value for one in found]
    line = Line("error ÷ spread", seconds, values, [one.low for one in found], [one.high for one in found])
    alt = (
        f"Error over spread goes from {values[0]:.1f} to {values[-1]:.1f}; candidates as wide as their error would "
        f"have {honest:.2f}, the dashed line. Above it they are too sure."
    )
    return line_figure(title, [line], Axis("seconds after the context", 0.0), Axis("ratio", 0.0), alt=alt, rule=honest)
