"""Where the candidates differ, beside where the prediction was wrong."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from foresight.plots.figure import Figure
from foresight.plots.pictures import Row, clock, heat, moments, rows_of_pictures, stills


def spread_and_error(
    candidates: Float[Tensor, "candidate rgb=3 frame height width"],
    observed: Float[Tensor, "rgb=3 frame height width"],
    *,
    frame_rate: float,
    columns: int = 6,
    title: str = "Predicted and true error",
) -> Figure:
    """Standard deviation over candidates, known before anything happens, and the error of their mean, known after.

    Both on the [0, 1] scale, root mean square over colours, and drawn on one scale.

    Args:
        candidates: at least two futures in [−1, 1].
        observed: what happened.
        frame_rate: frames per second.
        columns: moments that are shown.
        title: of the figure.

    Raises:
        ValueError: if there are fewer than two candidates.
    """
    if len(candidates) < 2:
        raise ValueError(f"expected at least two candidates, got {len(candidates)}")
    length = min(candidates.shape[2], observed.shape[1])
    cloud = (candidates[:, :, :length].detach().cpu().float() + 1) / 2
    truth = (observed[:, :length].cpu().float() + 1) / 2
    spread = cloud.var(dim=0).mean(dim=0).sqrt()
    error = ((cloud.mean(dim=0) - truth) ** 2).mean(dim=0).sqrt()
    highest = max(float(spread.max()), float(error.max()))
    frames = moments(length, columns)
    rows = [
        Row("mean of the candidates", stills(cloud.mean(dim=0) * 2 - 1, frames)),
        Row("spread: where they differ", heat(spread, frames, highest), strong=True),
        Row("error: where they were wrong", heat(error, frames, highest)),
        Row("what happened", stills(truth * 2 - 1, frames)),
    ]
    body, height = rows_of_pictures(rows, clock(frames, frame_rate))
    alt = (
        f"Maps of {len(frames)} moments: spread of {len(candidates)} candidates, {float(spread.mean()):.3f} of the "
        f"range on average, and error of their mean, {float(error.mean()):.3f}; white is {highest:.2f}."
    )
    return Figure(title, alt, body, height)
