"""Quality against arithmetic, one line for each model and way of choosing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from foresight.metrics.statistics import Estimate

Points = Sequence[tuple[float, Estimate]]
"""Operations, and the figure they bought."""


def draw(panels: Mapping[str, Mapping[str, Points]], path: Path) -> None:
    """Write a PNG.

    Args:
        panels: by the name of the vertical axis, its lines by name.
        path: where to.
    """
    figure, places = plt.subplots(
        1, len(panels), figsize=(5 * len(panels), 4.2), constrained_layout=True, squeeze=False
    )
    for place, (axis, lines) in zip(places[0], panels.items(), strict=True):
        for index, (name, points) in enumerate(lines.items()):
            values = [value for _, value in points]
            place.errorbar(
                [operations / 1e9 for operations, _ in points],
                [value.value for value in values],
                yerr=[
                    [abs(value.value - value.low) for value in values],
                    [abs(value.high - value.value) for value in values],
                ],
                marker="os^D"[index % 4],
                linestyle="-" if index % 2 == 0 else "--",
                linewidth=1,
                elinewidth=0.6,
                markersize=4,
                label=name,
            )
        place.set_xscale("log")
        place.set_xlabel("10⁹ floating-point operations a clip")
        place.set_ylabel(axis)
        place.grid(alpha=0.3)
    places[0][0].legend(fontsize=8)
    figure.savefig(path, dpi=90)
    plt.close(figure)
