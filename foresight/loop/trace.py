"""The record of a loop: every attempt, what it cost, what was decided; on disk it can be read and run again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from foresight.errors import UserError
from foresight.loop.attempt import Attempt, Task
from foresight.loop.budget import Cost, Spent
from foresight.loop.moves import GiveUp, Take, as_record, from_record
from foresight.verify.verifier import Verdict
from ltx.files import replacing, write_text

RECORD, TENSORS = "trace.json", "trace.safetensors"


@dataclass(frozen=True)
class Trace:
    """A finished loop.

    Args:
        task: what was asked.
        attempts: in order.
        outcome: how it ended.
        spent: in all.
    """

    task: Task
    attempts: tuple[Attempt, ...]
    outcome: Take | GiveUp
    spent: Spent

    @property
    def accepted(self) -> Attempt | None:
        """The attempt that was taken; None if the loop gave up."""
        return self.attempts[self.outcome.attempt] if isinstance(self.outcome, Take) else None

    def record(self) -> dict[str, Any]:
        """All but the videos, as plain values."""
        return {
            "instruction": self.task.instruction,
            "seed": self.task.seed,
            "horizon": self.task.horizon,
            "hypotheses": list(self.task.hypotheses),
            "attempts": [_record(attempt) for attempt in self.attempts],
            "outcome": as_record(self.outcome),
            "spent": asdict(self.spent),
        }

    def save(self, folder: str | Path) -> None:
        """Write `trace.json` and the videos, bit by bit, into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {"context": self.task.context, "observed": self.task.observed}
        for index, attempt in enumerate(self.attempts):
            tensors |= {f"video.{index}": attempt.video, f"latents.{index}": attempt.latents}
            if attempt.refined is not None:
                tensors[f"refined.{index}"] = attempt.refined
        with replacing(folder / TENSORS) as temporary:
            save_file({name: tensor.cpu().clone().contiguous() for name, tensor in tensors.items()}, temporary)
        write_text(folder / RECORD, json.dumps(self.record(), indent=2, allow_nan=False) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> Trace:
        """Read what `save` wrote.

        Raises:
            UserError: if there is no trace, or it is damaged.
        """
        folder = Path(folder)
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            tensors = load_file(folder / TENSORS)
            task = Task(
                context=tensors["context"],
                observed=tensors["observed"],
                hypotheses=tuple(record["hypotheses"]),
                **{name: record[name] for name in ("instruction", "seed", "horizon")},
            )
            attempts = tuple(_attempt(fields, tensors, index) for index, fields in enumerate(record["attempts"]))
            outcome = from_record(record["outcome"])
            if not isinstance(outcome, Take | GiveUp):
                raise TypeError(f"a loop that ends with {outcome}")
            return cls(task, attempts, outcome, Spent(**record["spent"]))
        except (OSError, ValueError, SafetensorError, KeyError, TypeError) as error:
            raise UserError(
                expected=f"a trace ({RECORD} and {TENSORS}) in {folder}",
                got=f"{type(error).__name__}: {error}",
                remedy="name the run directory of a prediction with a policy",
            ) from error


def _record(attempt: Attempt) -> dict[str, Any]:
    return {
        "move": as_record(attempt.move),
        "instruction": attempt.instruction,
        "seed": attempt.seed,
        "noise_level": attempt.noise_level,
        "tokens_refined": None if attempt.refined is None else int(attempt.refined.sum()),
        "chosen": attempt.chosen,
        "verdict": None if attempt.verdict is None else asdict(attempt.verdict),
        "cost": asdict(attempt.cost),
    }


def _attempt(fields: dict[str, Any], tensors: dict[str, Tensor], index: int) -> Attempt:
    move = from_record(fields["move"])
    if isinstance(move, Take | GiveUp):
        raise TypeError(f"an attempt made by {move}")
    return Attempt(
        move=move,
        video=tensors[f"video.{index}"],
        latents=tensors[f"latents.{index}"],
        refined=tensors.get(f"refined.{index}"),
        verdict=None if fields["verdict"] is None else Verdict(**fields["verdict"]),
        cost=Cost(**fields["cost"]),
        **{name: fields[name] for name in ("instruction", "seed", "noise_level", "chosen")},
    )
