"""Changes of a call to a preset's passes: their times and their guidance."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from ltx.flow import Guidance, GuidanceSchedule
from ltx.numerals import number, whole
from ltx.pipeline.options import GuidanceChange, Options
from ltx.pipeline.preset import CountedSteps, ListedTimes, Pass, Preset

FIELDS = [field.name for field in dataclasses.fields(Guidance)]


def passes_of(preset: Preset, options: Options) -> list[Pass]:
    """The passes of a preset with the times and the guidance of a call.

    Raises:
        ValueError: if the times or the guidance do not fit the preset, or are out of their range.
    """
    passes = [preset.first] if preset.refinement is None else [preset.first, preset.refinement.run]
    given = [None] * len(passes) if options.times is None else _times(options.times, len(passes))
    return [
        Pass(times or _resized(each.times, options.steps), guided(each.guidance, options.guidance))
        for each, times in zip(passes, given, strict=True)
    ]


def guided(schedule: GuidanceSchedule, change: GuidanceChange | None) -> GuidanceSchedule:
    """A schedule with what a call says about it: see `Options.guidance`.

    Raises:
        ValueError: for unknown fields, values out of range, or an STG scale without blocks to perturb.
    """
    if change is None:
        return schedule
    if isinstance(change, GuidanceSchedule):
        return change
    if isinstance(change, Guidance):
        return GuidanceSchedule.constant(change)
    fields = change if isinstance(change, Mapping) else {"scale": change}
    changes = {str(name): _value(str(name), value) for name, value in fields.items()}
    schedule = replace(schedule, entries=tuple(replace(entry, **changes) for entry in schedule.entries))
    if changes.get("stg_scale") and not any(entry.uses_stg for entry in schedule.entries):
        raise ValueError(
            f"expected perturbed_blocks beside stg_scale {changes['stg_scale']}, because the preset perturbs none; "
            "2B releases perturb block 19"
        )
    idle = {"perturbed_blocks", "skip_mode", "rescale"} & set(changes)
    if idle and not any(entry.stg_scale for entry in schedule.entries):
        raise ValueError(f"expected stg_scale beside {', '.join(sorted(idle))}, because the preset's is 0")
    return schedule


def _value(name: str, value: Any) -> Any:
    if name not in FIELDS:
        near = get_close_matches(name, FIELDS, n=1)
        raise ValueError(
            f"expected fields of guidance among {', '.join(FIELDS)}, got {name}"
            + (f"; write {near[0]}" if near else "")
        )
    if name == "perturbed_blocks":
        blocks = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return tuple(whole("a perturbed block", block) for block in blocks)
    if name == "cfg_star":
        if not isinstance(value, bool):
            raise ValueError(f"expected true or false for cfg_star, got {value!r}")
        return value
    return value if name == "skip_mode" else number(f"guidance {name}", value)


def _resized(times: CountedSteps | ListedTimes, steps: int | None) -> CountedSteps | ListedTimes:
    return times if steps is None else times.resized(steps)


def _times(given: Any, passes: int) -> list[ListedTimes]:
    """One list of times for each pass."""
    lists = [each.tolist() if hasattr(each, "tolist") else each for each in given]
    if not any(isinstance(each, Sequence) for each in lists):
        lists = [lists]
    if len(lists) != passes or not all(isinstance(each, Sequence) for each in lists):
        raise ValueError(
            f"expected {passes} list(s) of times, one for each pass of the preset, got {given!r}; "
            "choose the preset 'plain' for one pass"
        )
    numbers = [[number("a time", time) for time in each] for each in lists]
    if any(time > 1 for each in numbers for time in each):
        raise ValueError(f"expected times in (0, 1], got {given!r}; divide timesteps by 1000")
    # Some write the end of the schedule out.
    return [ListedTimes(tuple(each[:-1] if len(each) > 1 and each[-1] == 0 else each)) for each in numbers]
