"""Planning: where it starts, what is wanted, what was imagined on the way to a plan, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from foresight.plots.figure import Figure
from foresight.plots.pictures import Row, clock, moments, rows_of_pictures, stills

Frames = Float[Tensor, "rgb=3 frame height width"]


@dataclass(frozen=True)
class ShownPlan:
    """A plan and its execution.

    Args:
        start: the last given frame, in [−1, 1].
        goal: the wanted picture.
        imagined: predicted videos by how far the search had come, such as "iteration 10"; or by option.
        costs: of the same, the lower the better.
        executed: what the plan led to; None where it was not carried out.
    """

    start: Float[Tensor, "rgb=3 height width"]
    goal: Float[Tensor, "rgb=3 height width"]
    imagined: Mapping[str, Frames]
    costs: Mapping[str, float]
    executed: Frames | None = None


def planning_strip(
    plan: ShownPlan, *, frame_rate: float, columns: int = 5, title: str = "Imagined, then done"
) -> Figure:
    """Start, imagined futures and the executed one, each beside the goal in the last column.

    Raises:
        ValueError: if nothing was imagined, or something imagined has no cost.
    """
    if not plan.imagined or plan.imagined.keys() != plan.costs.keys():
        raise ValueError(
            f"expected a cost for each of at least one imagined future, got {[*plan.imagined]} and {[*plan.costs]}"
        )
    frames = moments(next(iter(plan.imagined.values())).shape[1], columns)
    start, goal = stills(plan.start[:, None], [0]), stills(plan.goal[:, None], [0])
    best = min(plan.costs, key=lambda name: plan.costs[name])
    rows = [
        Row(f"{name}: distance {plan.costs[name]:.3g}", [*start, *stills(video, frames), *goal], name == best)
        for name, video in plan.imagined.items()
    ]
    if plan.executed is not None:
        rows.append(Row("executed", [*start, *stills(plan.executed, frames), *goal]))
    body, height = rows_of_pictures(rows, ["now", *clock(frames, frame_rate), "goal"])
    said = ", ".join(f"{name} {cost:.3g}" for name, cost in plan.costs.items())
    alt = f"Imagined futures between the present picture and the goal; distance to the goal: {said}. Nearest: {best}."
    return Figure(title, alt, body, height)
