"""Paired timing: two implementations in one process, in interleaved rounds of random order, with an A/A control.

A single duration says more about the machine than about the code. Ratios within a round do not: what disturbs one call
disturbs its neighbours. The control times diffusers against itself in the same rounds; a difference counts only if its
interval lies outside the control's.
"""

from __future__ import annotations

import json
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A median and its 95 % bootstrap interval."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """Of these values, resampled with a fixed seed."""
        draw = random.Random(0)
        medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
        return cls(statistics.median(values), medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)])

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Comparison:
    """Our time over diffusers' for one case.

    Attributes:
        case: what was timed.
        ratio: ours over diffusers', round by round.
        control: diffusers over diffusers, in the same rounds.
        ours: median seconds of a call.
        theirs: the same for diffusers.
        difference: largest difference of the outputs over the largest output of diffusers.
        rounds: how many.
    """

    case: str
    ratio: Interval
    control: Interval
    ours: float
    theirs: float
    difference: float
    rounds: int


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """Duration of a call: CPU time of this process, whatever else the machine does; on a GPU time between events."""
    if device.type != "cuda":
        start = time.process_time()
        call()
        return time.process_time() - start
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    first.record()
    call()
    last.record()
    last.synchronize()
    return first.elapsed_time(last) / 1000


@torch.no_grad()
def compare(
    case: str,
    *,
    ours: Callable[[], torch.Tensor],
    theirs: Callable[[], torch.Tensor],
    device: torch.device,
    rounds: int,
) -> Comparison:
    """Check that both compute the same, then time them."""
    expected = theirs().float()
    difference = float((ours().float() - expected).abs().max() / expected.abs().max())
    calls = {"ours": ours, "theirs": theirs, "again": theirs}
    times: dict[str, list[float]] = {name: [] for name in calls}
    order, shuffle = list(calls), random.Random(0)
    for _ in range(rounds):
        shuffle.shuffle(order)
        for name in order:
            times[name].append(seconds(calls[name], device))
    ratios = [a / b for a, b in zip(times["ours"], times["theirs"], strict=True)]
    controls = [a / b for a, b in zip(times["again"], times["theirs"], strict=True)]
    return Comparison(
        case=case,
        ratio=Interval.of(ratios),
        control=Interval.of(controls),
        ours=statistics.median(times["ours"]),
        theirs=statistics.median(times["theirs"]),
        difference=difference,
        rounds=rounds,
    )


def report(title: str, comparisons: Sequence[Comparison], device: torch.device, path: Path) -> None:
    """Print a table and write the same figures as JSON."""
    table = Table("case", "diffusers ms", "ours ms", "ours / diffusers", "A/A control", "difference", title=title)
    for one in comparisons:
        durations = (f"{1000 * one.theirs:.1f}", f"{1000 * one.ours:.1f}")
        table.add_row(one.case, *durations, str(one.ratio), str(one.control), f"{one.difference:.1e}")
    Console(width=130).print(table)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    found = {"title": title, "device": name, "torch": torch.__version__, "threads": torch.get_num_threads()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**found, "cases": [asdict(one) for one in comparisons]}, indent=2) + "\n")
