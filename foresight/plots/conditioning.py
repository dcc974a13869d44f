"""Whether the conditioning counts, noise level by noise level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from foresight.metrics.conditioning_gain import conditioning_gain
from foresight.plots.axes import Axis, Line, line_figure
from foresight.plots.figure import Figure

Losses = Float[np.ndarray, "clip level"]


def conditioning_by_noise(
    true: Losses, others: Mapping[str, Losses], levels: Sequence[float], *, title: str = "Does the conditioning count?"
) -> Figure:
    """Gain, 1 − loss under the true conditioning / loss under another, at each noise level, with a 95 % band.

    Args:
        true: flow losses under the true conditioning.
        others: under another, such as another clip's or none, with the same noise.
        levels: noise levels, increasing.
        title: of the figure.
    """
    lines, said = [], []
    for name, losses in others.items():
        found = [
            conditioning_gain(true[:, level : level + 1], losses[:, level : level + 1]) for level in range(len(levels))
        ]
        lines.append(
            Line(
                f"over {name}",
                levels,
                [100 * one.value for one in found],
                [100 * one.low for one in found],
                [100 * one.high for one in found],
                dots=True,
            )
        )
        best = max(range(len(levels)), key=lambda level: found[level].value)
        said.append(f"over {name} it is largest at σ = {levels[best]:g}, {found[best].value:.1%}")
    return line_figure(
        title,
        lines,
        Axis("noise level σ", 0.0, 1.0),
        Axis("gain in flow loss (%)"),
        alt=f"Gain of the conditioning on {len(true)} clips: {'; '.join(said)}. At 0 it does nothing.",
        rule=0.0,
    )
