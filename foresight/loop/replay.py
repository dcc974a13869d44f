"""Running a recorded loop again, and saying in words what came out differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from foresight.loop.attempt import Attempt
from foresight.loop.loop import PredictVerifyLoop, drive
from foresight.loop.policies.moves import Move
from foresight.loop.runner import Actor
from foresight.loop.trace import Trace


@dataclass(frozen=True)
class OnTheClockOf:
    """Makes attempts that are said to have taken as long as recorded ones: a faster machine decides as a slower one.

    Args:
        recorded: whose times are told.
        actor: makes the attempts.
    """

    recorded: Trace
    actor: Actor

    @property
    def candidates(self) -> int:
        """Per attempt."""
        return self.actor.candidates

    def carry_out(self, move: Move, earlier: Sequence[Attempt]) -> Attempt:
        """One attempt; those beyond the recorded ones keep their own time."""
        attempt = self.actor.carry_out(move, earlier)
        if len(earlier) >= len(self.recorded.attempts):
            return attempt
        seconds = self.recorded.attempts[len(earlier)].cost.seconds
        return replace(attempt, cost=replace(attempt.cost, seconds=seconds))


def replay(loop: PredictVerifyLoop, recorded: Trace) -> Trace:
    """Run the task of a trace again; budgets in seconds are spent as they were."""
    actor = OnTheClockOf(recorded, loop.actor(recorded.task))
    return drive(loop.policy_for(recorded.task), loop.budget, recorded.task, actor)


def differences(recorded: Trace, again: Trace) -> list[str]:
    """Differences of a replay from the record, in words; empty if every video, verdict and decision is the same."""
    lines = []
    if len(recorded.attempts) != len(again.attempts):
        lines.append(f"{len(recorded.attempts)} attempts, then {len(again.attempts)}")
    for index, (one, two) in enumerate(zip(recorded.attempts, again.attempts, strict=False)):
        lines += [f"attempt {index}: {text}" for text in _between(one, two)]
    if recorded.outcome != again.outcome:
        lines.append(f"the outcome was {recorded.outcome}, then {again.outcome}")
    return lines


def _between(one: Attempt, two: Attempt) -> list[str]:
    lines = [
        f"{name} was {getattr(one, name)!r}, then {getattr(two, name)!r}"
        for name in ("move", "instruction", "seed", "noise_level", "chosen")
        if getattr(one, name) != getattr(two, name)
    ]
    if one.video.shape != two.video.shape:
        return [*lines, f"its videos were {tuple(one.video.shape)}, then {tuple(two.video.shape)}"]
    if not torch.equal(one.video, two.video):
        lines.append(f"its videos differ by up to {float((one.video - two.video).abs().max()):.2g}")
    if not torch.equal(one.latents, two.latents):
        lines.append(f"its latents differ by up to {float((one.latents - two.latents).abs().max()):.2g}")
    if (one.refined is None) != (two.refined is None) or (
        one.refined is not None and two.refined is not None and not torch.equal(one.refined, two.refined)
    ):
        lines.append("other tokens were refined")
    if one.verdict != two.verdict:
        lines.append(f"it was judged {_said(one)}, then {_said(two)}")
    if (one.cost.evaluations, one.cost.decodes) != (two.cost.evaluations, two.cost.decodes):
        lines.append(f"it took {one.cost.evaluations} evaluations, then {two.cost.evaluations}")
    return lines


def _said(attempt: Attempt) -> str:
    verdict = attempt.verdict
    return "not at all" if verdict is None else f"{verdict.decision} with probability {verdict.probability:.6g}"
