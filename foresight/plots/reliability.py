"""Reliability: how often what is called so probable comes true."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from foresight.plots.axes import Axis, Line, line_figure
from foresight.plots.figure import Figure


def reliability_diagram(
    probability: Float[np.ndarray, " example"],
    right: Bool[np.ndarray, " example"],
    *,
    bins: int = 10,
    title: str = "When it says 70 %, is it 70 %?",
) -> Figure:
    """Share that is right against the mean probability, in equally filled bins, with a 95 % band (Wilson, 1927).

    Args:
        probability: stated.
        right: labels.
        bins: at most.
        title: of the figure.

    Raises:
        ValueError: if there is no example.
    """
    probability, right = np.asarray(probability, float), np.asarray(right, bool)
    if not len(probability):
        raise ValueError("expected at least one example, got none")
    parts = [part for part in np.array_split(np.argsort(probability, kind="stable"), bins) if len(part)]
    said = [float(probability[part].mean()) for part in parts]
    found = [float(right[part].mean()) for part in parts]
    ends = [wilson(int(right[part].sum()), len(part)) for part in parts]
    line = Line("verifier", said, found, [low for low, _ in ends], [high for _, high in ends], dots=True)
    gap = float(np.average([abs(one - two) for one, two in zip(said, found, strict=True)], weights=[*map(len, parts)]))
    alt = (
        f"{len(right)} verdicts in {len(parts)} bins: stated and found differ by {gap:.3f} on average. On the dashed "
        "diagonal they are equal."
    )
    return line_figure(
        title,
        [line],
        Axis("stated probability", 0.0, 1.0),
        Axis("share that is right", 0.0, 1.0),
        alt=alt,
        diagonal=True,
    )


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share."""
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return float(middle - half), float(middle + half)
