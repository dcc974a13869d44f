"""The noise level as a trade: quality against latency and sharpness."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from experiments.noise_levels.levels import ERROR, LATENCY, POSITION, SHARPNESS
from foresight.metrics.statistics import Estimate

AXES = ((LATENCY, ERROR), (LATENCY, POSITION), (SHARPNESS, ERROR))
"""Horizontal and vertical measure of each panel."""


def draw(found: Mapping[str, Mapping[float, Mapping[str, Estimate]]], path: Path) -> None:
    """Write the figure as PNG.

    Args:
        found: by adapter and noise level, the figures.
        path: where to.
    """
    figure, panels = plt.subplots(1, len(AXES), figsize=(13, 4.2), constrained_layout=True)
    for panel, axes in zip(panels, AXES, strict=True):
        for index, (name, levels) in enumerate(found.items()):
            x, y = ([values[axis] for values in levels.values()] for axis in axes)
            panel.errorbar(
                [value.value for value in x],
                [value.value for value in y],
                xerr=_reach(x),
                yerr=_reach(y),
                marker="o",
                markersize=4,
                linewidth=1,
                elinewidth=0.6,
                color=f"C{index}",
                label=name,
            )
            for level, across, up in zip(levels, x, y, strict=True):
                offset = (5, 5 if index == 0 else -11)
                panel.annotate(
                    f"{level:g}",
                    (across.value, up.value),
                    offset,
                    textcoords="offset points",
                    fontsize=7,
                    color=f"C{index}",
                )
        panel.set_xlabel(axes[0])
        panel.set_ylabel(axes[1])
        panel.grid(alpha=0.3)
    panels[-1].axvline(1.0, color="grey", linewidth=0.8, linestyle="--")
    panels[0].legend(title="numbers: σ*", fontsize=8, title_fontsize=8)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _reach(values: list[Estimate]) -> np.ndarray:
    """Extent of each interval below and above its value; that of a bootstrap need not hold the value itself."""
    return np.abs([[value.value - value.low for value in values], [value.high - value.value for value in values]])
