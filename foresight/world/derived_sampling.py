"""Sampling configuration of an assembled model: lengths from training, times and decoding from the release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from foresight.errors import UserError
from foresight.world.sampling_config import SamplingConfig
from foresight.world.training_clips import TrainingClips
from ltx.flow.scheduler import SchedulerConfig
from ltx.pipeline.preset import CountedSteps, Preset


def derive_sampling(
    preset: Preset, scheduler: SchedulerConfig, clips: TrainingClips, changes: Mapping[str, Any]
) -> SamplingConfig:
    """Sampling configuration of an assembled model: lengths from training, times and decoding from the release.

    Of a preset of two passes the first is taken. A prediction has no spatio-temporal guidance, and of classifier-free
    guidance that changes with time it has the largest.

    Args:
        preset: how the release is sampled.
        scheduler: how the checkpoint spaces its times.
        clips: what the adapter was trained on.
        changes: fields of the sampling configuration that are to be others; None leaves a field as it is.

    Raises:
        UserError: for a field that a sampling configuration has not, or a value that it refuses.
    """
    times = preset.first.times
    listed = None if isinstance(times, CountedSteps) else times.times
    values: dict[str, Any] = {
        "frame_rate": clips.frame_rate,
        "context_frames": clips.context_frames,
        "chunk_frames": clips.frames - clips.context_frames,
        "steps": times.steps if isinstance(times, CountedSteps) else len(times.times),
        "schedule": _schedule(scheduler),
        "decode_timestep": preset.decode_timestep,
        "decode_noise": preset.decode_noise_scale,
        "carried_noise": 0.0,
        "continuation": None,
        "guidance": max(entry.scale for entry in preset.first.guidance.entries),
        "estimate": "medoid",
        "times": listed,
        "stochastic": preset.stochastic,
    }
    # A number of steps of one's own is spaced by the schedule, unless the checkpoint allows its own times only.
    if changes.get("steps") is not None and changes.get("times") is None and scheduler.allowed_times is None:
        values["times"] = None
    return changed_sampling(values, changes)


def changed_sampling(values: Mapping[str, Any], changes: Mapping[str, Any]) -> SamplingConfig:
    """A sampling configuration of these fields with some changed; None leaves a field as it is.

    Raises:
        UserError: for a field that a sampling configuration has not, or a value that it refuses.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    names = [f.name for f in fields(SamplingConfig)]
    if unknown := sorted(given.keys() - set(names)):
        raise UserError(
            expected=f"fields of a sampling configuration ({', '.join(names)})",
            got=", ".join(unknown),
            remedy="correct the name",
        )
    try:
        return SamplingConfig(**{**values, **given})
    except (TypeError, ValueError) as error:
        raise UserError(
            expected="a sampling configuration", got=str(error), remedy="change the value under sampling="
        ) from error


def _schedule(scheduler: SchedulerConfig) -> str:
    if scheduler.shifting is not None:
        return "shifted"
    return "uniform" if scheduler.spacing == "uniform" else "linear_quadratic"
