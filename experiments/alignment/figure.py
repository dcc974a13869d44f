"""The alignment of every representation as one picture: a panel per measure, from the tower to the last layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from experiments.alignment.measures import CKA, COMING, DIMENSION, HERE, RECALL, SEEN, SOON
from experiments.alignment.states import AFTER, BEFORE
from foresight.metrics.statistics import Estimate

PANELS: tuple[tuple[str, ...], ...] = ((SEEN, COMING), (CKA, RECALL), (DIMENSION,), (HERE, SOON))
TITLES = ("linear probe R²", "shared structure", "intrinsic dimension (TwoNN)", "object position error (px)")
SHORT = {BEFORE: "before\nmerger", AFTER: "after\nmerger"}


def draw(
    found: Mapping[str, Mapping[str, Estimate]],
    baselines: Mapping[str, Mapping[str, Estimate]],
    path: Path,
) -> None:
    """Write the figure as PNG.

    Args:
        found: by representation, its measures; drawn from left to right.
        baselines: dashed lines: by name, some of the measures.
        path: where to.
    """
    names = list(found)
    figure, panels = plt.subplots(2, 2, figsize=(10, 7), constrained_layout=True)
    for panel, measures, title in zip(panels.flat, PANELS, TITLES, strict=True):
        for index, measure in enumerate(measures):
            colour = f"C{index}"
            _line(panel, [found[name][measure] for name in names], _brief(measure), colour)
            for style, (name, values) in zip(("--", ":", "-."), baselines.items(), strict=False):
                if measure in values:
                    label = f"{name}: {_brief(measure)}"
                    panel.axhline(values[measure].value, color=colour, linestyle=style, linewidth=1, label=label)
        panel.set_title(title, fontsize=10)
        panel.set_xticks(range(len(names)), [_short(name) for name in names], fontsize=8)
        # Room for the legend above the lines.
        panel.set_ylim(0, 1.45 * panel.get_ylim()[1])
        panel.grid(axis="y", alpha=0.3)
        panel.legend(fontsize=7, ncol=2, loc="upper center")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _line(panel: plt.Axes, values: Sequence[Estimate], label: str, colour: str) -> None:
    middle = np.asarray([value.value for value in values])
    # The interval of a percentile bootstrap need not hold the value itself.
    reach = np.abs([middle - [value.low for value in values], [value.high for value in values] - middle])
    panel.errorbar(range(len(values)), middle, yerr=reach, marker="o", capsize=3, label=label, color=colour)


def _short(name: str) -> str:
    return SHORT.get(name, name.replace("decoder layer ", "layer\n"))


def _brief(measure: str) -> str:
    """Caption of a panel: what its title leaves out."""
    return measure.removesuffix(" (px)").removeprefix("position error ").removeprefix("R² of ")
