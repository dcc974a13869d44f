"""The record of a loop: every attempt, what it cost, what was decided; on disk it can be read and run again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from foresight.declared_types import check_fields
from foresight.errors import UserError, fault
from foresight.loop.attempt import Attempt, Task
from foresight.loop.budget import Cost
from foresight.loop.policies.moves import GiveUp, Take, as_record, from_record
from foresight.verify.verdict import Verdict
from ltx.files import replacing, write_text

RECORD, TENSORS = "trace.json", "trace.safetensors"
HIT, CORRECT = "hit", "prediction_correct"
"""Name of a verdict's probability that the prediction comes true: in files, and in Python."""


@dataclass(frozen=True)
class Trace:
    """A finished loop.

    Args:
        task: of the loop.
        attempts: in order.
        outcome: the step that ended it.
        spent: on all attempts.
    """

    task: Task
    attempts: tuple[Attempt, ...]
    outcome: Take | GiveUp
    spent: Cost

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
            "spent": {"attempts": len(self.attempts), **asdict(self.spent)},
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
            spent = dict(record["spent"])
            if (count := spent.pop("attempts")) != len(attempts):
                raise ValueError(f"spent: attempts is {count!r}, not {len(attempts)}")
            trace = cls(task, attempts, outcome, Cost(**spent))
            _check(trace, set(tensors))
            return trace
        except (OSError, ValueError, SafetensorError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise UserError(
                expected=f"a trace ({RECORD} and {TENSORS}) in {folder}",
                got=fault(error),
                remedy="name the run directory of a prediction with a policy",
            ) from error


def _check(trace: Trace, names: set[str]) -> None:
    """Raise unless values are of the types that are declared, and tensors of the shapes that belong together."""
    task, attempts = trace.task, trace.attempts
    for part in (task, trace.outcome, trace.spent):
        check_fields(part)
    expected = {"context", "observed"}
    _check_tensor("context", task.context, (3, None, None, None))
    _check_tensor("observed", task.observed, (3, None, *task.context.shape[2:]))
    for index, attempt in enumerate(attempts):
        for own in (attempt, attempt.move, attempt.verdict, attempt.cost):
            if own is not None:
                check_fields(own)
        candidates = len(attempt.video)
        _check_tensor(f"video.{index}", attempt.video, (None, 3, task.horizon, *task.context.shape[2:]))
        _check_tensor(f"latents.{index}", attempt.latents, (candidates, None, None, None, None))
        expected |= {f"video.{index}", f"latents.{index}"}
        if attempt.refined is not None:
            tokens = (candidates, *attempt.latents.shape[2:])
            _check_tensor(f"refined.{index}", attempt.refined, tokens, truths=True)
            expected.add(f"refined.{index}")
        if not 0 <= attempt.chosen < candidates:
            raise ValueError(f"attempt {index} shows candidate {attempt.chosen} of {candidates}")
    if names != expected:
        raise ValueError(f"tensors that belong to no attempt: {', '.join(sorted(names - expected)[:4])}")
    if isinstance(trace.outcome, Take) and not 0 <= trace.outcome.attempt < len(attempts):
        raise ValueError(f"a loop that ends with attempt {trace.outcome.attempt} of {len(attempts)}")


def _check_tensor(name: str, tensor: Tensor, shape: Sequence[int | None], *, truths: bool = False) -> None:
    """Raise unless a tensor has a shape, of which None may be any, is not empty, and holds finite numbers or truths."""
    fits = len(shape) == tensor.dim() and all(
        want in (None, got) for want, got in zip(shape, tensor.shape, strict=True)
    )
    if not fits or not tensor.numel():
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} is of shape {tuple(tensor.shape)}, not ({wanted})")
    if (tensor.dtype == torch.bool) != truths or not (truths or tensor.is_floating_point()):
        raise ValueError(f"{name} is of type {tensor.dtype}")
    if not torch.isfinite(tensor).all():
        raise ValueError(f"{name} holds values that are not finite")


def _record(attempt: Attempt) -> dict[str, Any]:
    return {
        "move": as_record(attempt.move),
        "instruction": attempt.instruction,
        "seed": attempt.seed,
        "noise_level": attempt.noise_level,
        "tokens_refined": None if attempt.refined is None else int(attempt.refined.sum()),
        "chosen": attempt.chosen,
        "verdict": None if attempt.verdict is None else _verdict_record(attempt.verdict),
        "cost": asdict(attempt.cost),
    }


def _verdict_record(verdict: Verdict) -> dict[str, Any]:
    """Plain values, by the names of the first version that wrote them."""
    values = asdict(verdict)
    return {name: value for name, value in values.items() if name != CORRECT} | {HIT: values[CORRECT]}


def _verdict(record: dict[str, Any]) -> Verdict:
    values = dict(record)
    if HIT in values:
        values[CORRECT] = values.pop(HIT)
    return Verdict(**values)


def _attempt(fields: dict[str, Any], tensors: dict[str, Tensor], index: int) -> Attempt:
    move = from_record(fields["move"])
    if isinstance(move, Take | GiveUp):
        raise TypeError(f"an attempt made by {move}")
    return Attempt(
        move=move,
        video=tensors[f"video.{index}"],
        latents=tensors[f"latents.{index}"],
        refined=tensors.get(f"refined.{index}"),
        verdict=None if fields["verdict"] is None else _verdict(fields["verdict"]),
        cost=Cost(**fields["cost"]),
        **{name: fields[name] for name in ("instruction", "seed", "noise_level", "chosen")},
    )
