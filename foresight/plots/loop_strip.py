"""The loop as a film strip: each attempt, how probable it was found, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from jaxtyping import Float
from torch import Tensor

from foresight.plots.figure import WIDTH, Figure
from foresight.plots.pictures import Row, clock, moments, rows_of_pictures, stills

BAR = 22


@dataclass(frozen=True)
class ShownAttempt:
    """One attempt of a loop.

    Args:
        move: what was done, in words, such as "resample" or "refine 4 of 8 tokens".
        video: the prediction, in [−1, 1].
        probability: that it is right; None where nothing judged it.
        decision: accept, reject, abstain; empty without verdict.
        taken: whether it is the answer.
    """

    move: str
    video: Float[Tensor, "rgb=3 frame height width"]
    probability: float | None
    decision: str
    taken: bool


def loop_strip(
    attempts: Sequence[ShownAttempt],
    observed: Float[Tensor, "rgb=3 frame height width"] | None,
    *,
    frame_rate: float,
    columns: int = 6,
    title: str = "Predict, verify, try again",
) -> Figure:
    """A row of stills per attempt with its probability, what happened last, and the probabilities on one scale.

    Args:
        attempts: in order, at least one.
        observed: what happened; None leaves it out.
        frame_rate: frames per second.
        columns: moments that are shown.
        title: of the figure.

    Raises:
        ValueError: if there is no attempt.
    """
    if not attempts:
        raise ValueError("expected at least one attempt, got none")
    frames = moments(attempts[0].video.shape[1], columns)
    rows = [Row(_label(number, one), stills(one.video, frames), one.taken) for number, one in enumerate(attempts, 1)]
    if observed is not None:
        rows.append(Row("what happened", stills(observed, frames)))
    body, height = rows_of_pictures(rows, clock(frames, frame_rate))
    judged = [(number, one) for number, one in enumerate(attempts, 1) if one.probability is not None]
    bars = "".join(_bar(number, one, height + 14 + row * BAR) for row, (number, one) in enumerate(judged))
    said = ", ".join(f"{one.probability:.0%}" for _, one in judged)
    taken = next(
        (f"attempt {number} was taken" for number, one in enumerate(attempts, 1) if one.taken), "none was taken"
    )
    alt = f"{len(attempts)} attempts; probability of being right: {said or 'not judged'}; {taken}."
    return Figure(title, alt, body + bars, height + (18 + BAR * len(judged) if judged else 0))


def _label(number: int, one: ShownAttempt) -> str:
    chance = "" if one.probability is None else f": {one.probability:.0%} right"
    return f"{number}. {one.move}{chance}" + (f", {one.decision}" if one.decision else "") + (" ✓" if one.taken else "")


def _bar(number: int, one: ShownAttempt, y: float) -> str:
    full = WIDTH - 84
    kind = "f2" if one.taken else "f1"
    chance = one.probability or 0.0
    return (
        f'<text x="8" y="{y + 10:.0f}">{number}.</text>'
        f'<rect class="grid" x="28" y="{y:.0f}" width="{full}" height="12" rx="2"/>'
        f'<rect class="{kind}" x="28" y="{y:.0f}" width="{full * chance:.1f}" height="12" rx="2">'
        f"<title>{escape(one.move)}</title></rect>"
        f'<text x="{WIDTH - 8}" y="{y + 10:.0f}" text-anchor="end">{chance:.0%}</text>'
    )
