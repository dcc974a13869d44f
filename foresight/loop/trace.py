"""The record of a loop: every attempt, what it cost, what was decided; on disk it can be read and run again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from foresight.errors import UserError
from foresight.loop.policy import Spent, Step
from foresight.verify.verifier import Verdict
from ltx.files import replacing, write_text

RECORD, VIDEOS = "trace.json", "trace.safetensors"


@dataclass(frozen=True)
class Attempt:
    """One prediction of a loop and what was said of it.

    Args:
        instruction: what was supposed to be done.
        seed: of its first candidate.
        video: its candidates.
        verdict: what the verifier said of it.
        seconds: time it took to predict and verify.
        evaluations: transformer evaluations of all its candidates.
    """

    instruction: str
    seed: int
    video: Float[Tensor, "candidate rgb=3 frame height width"]
    verdict: Verdict
    seconds: float
    evaluations: int


@dataclass(frozen=True)
class Trace:
    """A finished loop.

    Args:
        context: what was given.
        observed: what the verifier has seen.
        horizon: frames predicted.
        candidates: per attempt.
        noise_level: of every attempt.
        attempts: in order.
        outcome: the last decision.
        spent: in all.
    """

    context: Float[Tensor, "rgb=3 context height width"]
    observed: Float[Tensor, "rgb=3 observed height width"]
    horizon: int
    candidates: int
    noise_level: float
    attempts: tuple[Attempt, ...]
    outcome: Step
    spent: Spent

    @property
    def accepted(self) -> Attempt | None:
        """The attempt that was taken; None if the loop abstained."""
        return None if self.outcome.attempt is None else self.attempts[self.outcome.attempt]

    def save(self, folder: str | Path) -> None:
        """Write `trace.json` and the videos, bit by bit, into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        videos = {"context": self.context.contiguous(), "observed": self.observed.contiguous()}
        videos |= {f"attempt.{i}": attempt.video.contiguous() for i, attempt in enumerate(self.attempts)}
        with replacing(folder / VIDEOS) as temporary:
            save_file(videos, temporary)
        record: dict[str, Any] = {
            "horizon": self.horizon,
            "candidates": self.candidates,
            "noise_level": self.noise_level,
            "attempts": [
                {
                    "instruction": attempt.instruction,
                    "seed": attempt.seed,
                    "verdict": asdict(attempt.verdict),
                    "seconds": attempt.seconds,
                    "evaluations": attempt.evaluations,
                }
                for attempt in self.attempts
            ],
            "outcome": asdict(self.outcome),
            "spent": asdict(self.spent),
        }
        write_text(folder / RECORD, json.dumps(record, indent=2) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> Trace:
        """Read what `save` wrote.

        Raises:
            UserError: if there is no trace, or it is damaged.
        """
        folder = Path(folder)
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            videos = load_file(folder / VIDEOS)
            attempts = tuple(
                Attempt(**{**fields, "verdict": Verdict(**fields["verdict"])}, video=videos[f"attempt.{index}"])
                for index, fields in enumerate(record["attempts"])
            )
            return cls(
                context=videos["context"],
                observed=videos["observed"],
                attempts=attempts,
                outcome=Step(**record["outcome"]),
                spent=Spent(**record["spent"]),
                **{name: record[name] for name in ("horizon", "candidates", "noise_level")},
            )
        except (OSError, json.JSONDecodeError, SafetensorError, KeyError, TypeError) as error:
            raise UserError(
                expected=f"a trace ({RECORD} and {VIDEOS}) in {folder}",
                got=f"{type(error).__name__}: {error}",
                remedy="name the folder of a run",
            ) from error

    def differs(self, other: Trace) -> list[str]:
        """How a replay differs from this trace, in words; empty if every video and decision is the same."""
        lines = []
        if len(self.attempts) != len(other.attempts):
            lines.append(f"{len(self.attempts)} attempts, then {len(other.attempts)}")
        for index, (one, two) in enumerate(zip(self.attempts, other.attempts, strict=False)):
            if (one.instruction, one.seed) != (two.instruction, two.seed):
                lines.append(f"attempt {index} was another")
            elif not torch.equal(one.video, two.video):
                lines.append(f"attempt {index} differs by up to {float((one.video - two.video).abs().max()):.2g}")
            elif one.verdict != two.verdict:
                lines.append(f"attempt {index} was judged {one.verdict.decision}, then {two.verdict.decision}")
        if self.outcome != other.outcome:
            lines.append(f"the outcome was {self.outcome.action}, then {other.outcome.action}")
        return lines
