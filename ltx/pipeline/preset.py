"""Sampling presets of the releases, as data: steps, guidance, passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ltx.flow import GuidanceSchedule, SchedulerConfig, schedule

PLAIN, DISTILLED = "plain", "distilled"


@dataclass(frozen=True)
class CountedSteps:
    """Times by the checkpoint's own schedule.

    Attributes:
        steps: length of the schedule.
        skip_initial: how many of its first times are left out.
        skip_final: how many of its last; the last time kept then goes straight to 0.
    """

    steps: int
    skip_initial: int = 0
    skip_final: int = 0

    def sigmas(self, scheduler: SchedulerConfig, tokens: int) -> Float[Tensor, " step"]:
        """The times of a run over `tokens` latent tokens."""
        return schedule.skip_steps(
            scheduler.sigmas(self.steps, tokens), initial=self.skip_initial, final=self.skip_final
        )

    def resized(self, steps: int) -> CountedSteps:
        """A schedule of another length, with the same share of it left out."""
        share = steps / self.steps
        return CountedSteps(steps, int(self.skip_initial * share), int(self.skip_final * share))


@dataclass(frozen=True)
class ListedTimes:
    """Times written out, as the distilled releases have them."""

    times: tuple[float, ...]

    def sigmas(self, scheduler: SchedulerConfig, tokens: int) -> Float[Tensor, " step"]:
        """The times, if the checkpoint allows them."""
        sigmas = schedule.explicit(self.times)
        scheduler.check(sigmas)
        return sigmas

    def resized(self, steps: int) -> ListedTimes:
        """Refuse another number of steps.

        Raises:
            ValueError: always: a list of times has its length.
        """
        raise ValueError(
            f"expected no number of steps, because the preset lists its {len(self.times)} times, got {steps}; "
            f"leave it out, or choose a preset that counts its steps"
        )


@dataclass(frozen=True)
class Pass:
    """One sampling run: its times and its guidance."""

    times: CountedSteps | ListedTimes
    guidance: GuidanceSchedule


@dataclass(frozen=True)
class Refinement:
    """The second pass of multi-scale generation and the upsampler before it, a card name."""

    run: Pass
    upsampler: str


@dataclass(frozen=True)
class Preset:
    """Sampling settings of a release.

    Attributes:
        name: the card it belongs to.
        first: the only pass, or the first of two, then at two thirds of the size.
        refinement: the second pass; None for one pass.
        stochastic: noise the predicted video again at each step (0.9.6 distilled) instead of an Euler step.
        tone_map: compression of the latents before decoding, 0 for none.
        decode_timestep: noise level of a timestep-conditioned VAE decoder.
        decode_noise_scale: share of noise mixed into its latents.
    """

    name: str
    first: Pass
    refinement: Refinement | None
    stochastic: bool
    tone_map: float
    decode_timestep: float
    decode_noise_scale: float

    @classmethod
    def from_dict(cls, name: str, fields: Mapping[str, Any]) -> Preset:
        """From an entry of `presets.json`.

        Raises:
            ValueError: for unknown or missing fields, or values out of range.
        """
        given = dict(fields)
        try:
            second = given.pop("second", None)
            preset = cls(
                name=name,
                first=_read_pass(given.pop("first")),
                refinement=None if second is None else Refinement(_read_pass(second), given.pop("upsampler")),
                stochastic=given.pop("stochastic", False),
                tone_map=given.pop("tone_map", 0.0),
                decode_timestep=given.pop("decode_timestep", 0.05),
                decode_noise_scale=given.pop("decode_noise_scale", 0.025),
            )
        except KeyError as error:
            raise ValueError(f"the preset {name} lacks {error}") from error
        if given:
            raise ValueError(f"the preset {name} has unknown fields {sorted(given)}")
        return preset


def _read_pass(fields: Mapping[str, Any]) -> Pass:
    given = dict(fields)
    times = ListedTimes(tuple(given.pop("times"))) if "times" in given else None
    counted = CountedSteps(
        **{key: given.pop(key) for key in ("steps", "skip_initial", "skip_final") if key in given} or {"steps": 1}
    )
    guidance = GuidanceSchedule.from_lists(**given.pop("guidance"))
    if given:
        raise ValueError(f"unknown fields of a pass: {sorted(given)}")
    return Pass(times or counted, guidance)


@cache
def presets() -> Mapping[str, Preset]:
    """Every preset by the name of its card; for checkpoints without one "plain", or "distilled" in one pass."""
    data = json.loads(files("ltx.pipeline").joinpath("presets.json").read_text(encoding="utf-8"))
    settings = data["settings"]
    return {card: Preset.from_dict(card, settings[setting]) for card, setting in data["presets"].items()}


def find_preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        ValueError: if there is none, with those there are.
    """
    try:
        return presets()[name]
    except KeyError:
        raise ValueError(f"expected the name of a preset, one of {', '.join(presets())}; got {name!r}") from None
