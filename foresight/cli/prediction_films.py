"""What is shown of a prediction beside its consensus: other candidates, or the attempts of a loop."""

from __future__ import annotations

from torch import Tensor

from foresight.cli.looped import shown_attempt
from foresight.loop import Attempt, Trace
from foresight.loop.policies.moves import kind_of
from foresight.plots.figure import Figure
from foresight.plots.loop_strip import ShownAttempt, loop_strip
from foresight.video.clips import Clip
from foresight.world.prediction import Prediction


def others(result: Prediction | Trace) -> dict[str, Tensor]:
    """The candidate that lies farthest from the shown one; of a loop of several attempts, the first."""
    if isinstance(result, Trace):
        first = result.attempts[0]
        return {} if first is shown_attempt(result) else {"first attempt": first.shown.cpu()}
    if len(result) < 2:
        return {}
    gaps = (result.video - result.video[result.medoid]).square().flatten(1).mean(dim=1)
    return {"another candidate": result.video[int(gaps.argmax())].cpu()}


def _label(attempt: Attempt, asked: str) -> str:
    """What was done; the instruction only where it is another one than was asked."""
    kind = kind_of(attempt.move)
    return kind if attempt.instruction == asked else f"{kind}, “{attempt.instruction}”"


def loop_figure(trace: Trace, clip: Clip) -> Figure:
    """The attempts of a loop as a film strip."""
    taken = trace.accepted
    attempts = [
        ShownAttempt(
            move=_label(attempt, trace.task.instruction),
            video=attempt.shown,
            probability=None if attempt.verdict is None else attempt.verdict.confidence,
            decision="" if attempt.verdict is None else attempt.verdict.decision,
            taken=attempt is taken,
        )
        for attempt in trace.attempts
    ]
    return loop_strip(attempts, clip.observed, frame_rate=clip.frame_rate)
