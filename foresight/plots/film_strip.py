"""Film strip of a prediction: context, candidates, truth, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from foresight.plots.figure import Figure
from foresight.plots.pictures import Row, clock, difference, heat, moments, rows_of_pictures, stills

Frames = Float[Tensor, "rgb=3 frame height width"]
BRIGHT = 0.5
"""Difference, on the [0, 1] scale, that is drawn white."""


def film_strip(
    context: Frames,
    predicted: Mapping[str, Frames],
    observed: Frames | None,
    *,
    frame_rate: float,
    columns: int = 6,
    title: str = "Film strip",
) -> Figure:
    """Stills at even moments of the future, one row per video, and the first one's difference to what happened.

    Args:
        context: given frames in [−1, 1]; the last of them stands in the first column.
        predicted: futures by name, such as candidates; the first is compared.
        observed: what happened; None leaves truth and difference out.
        frame_rate: frames per second.
        columns: moments of the future that are shown.
        title: of the figure.

    Raises:
        ValueError: if there is no prediction.
    """
    if not predicted:
        raise ValueError("expected at least one prediction, got none")
    first = next(iter(predicted.values()))
    frames = moments(first.shape[1], columns)
    now = stills(context, [context.shape[1] - 1])
    rows = []
    if observed is not None:
        rows.append(Row("what happened", [*now, *stills(observed, frames)]))
    rows += [
        Row(name, [*now, *stills(video, frames)], strong=number == 0)
        for number, (name, video) in enumerate(predicted.items())
    ]
    said = "."
    if observed is not None:
        gap = difference(first, observed)
        rows.append(Row("difference (white: half the range)", [None, *heat(gap, frames, BRIGHT)]))
        said = (
            f"; the mean difference grows from {float(gap[0].mean()):.3f} to {float(gap[-1].mean()):.3f} of the range."
        )
    body, height = rows_of_pictures(rows, ["now", *clock(frames, frame_rate)])
    alt = f"{len(frames)} moments of {', '.join(row.label for row in rows)}, the last given frame first{said}"
    return Figure(title, alt, body, height)
