"""The schedule a checkpoint asks for: how many steps and tokens become a list of times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from ltx.flow import schedule


@dataclass(frozen=True)
class SchedulerConfig:
    """Scheduler section of an LTX-Video checkpoint.

    Attributes:
        spacing: spacing of the times before any shift.
        shifting: "tokens" shifts by μ(number of latent tokens), None leaves the times alone.
        terminal: time of the last step after stretching; None does not stretch.
        allowed_times: the only times a distilled checkpoint accepts; None accepts all.
    """

    spacing: Literal["uniform", "linear-quadratic"] = "linear-quadratic"
    shifting: Literal["tokens"] | None = None
    terminal: float | None = None
    allowed_times: tuple[float, ...] | None = None

    def sigmas(self, steps: int, tokens: int) -> Float[Tensor, " step"]:
        """The times of a run of `steps` steps over `tokens` latent tokens of video.

        Raises:
            ValueError: if a time is not among the allowed ones, or a number is out of range.
        """
        times = schedule.uniform(steps) if self.spacing == "uniform" else schedule.linear_quadratic(steps)
        if self.shifting == "tokens":
            times = schedule.shift(times, schedule.token_shift(tokens))
        # A single step has nothing to stretch: its time is 1.
        if self.terminal is not None and steps > 1:
            times = schedule.stretch(times, self.terminal)
        self.check(times)
        return times

    def check(self, sigmas: Float[Tensor, " step"]) -> None:
        """Refuse times this checkpoint does not allow."""
        if self.allowed_times is not None:
            schedule.check_allowed(sigmas, self.allowed_times)

    @classmethod
    def from_official(
        cls, config: Mapping[str, Any], allowed_inference_steps: tuple[float, ...] | None = None
    ) -> SchedulerConfig:
        """Read the `scheduler` object of an official file's metadata.

        Raises:
            ValueError: for a sampler or shifting mode that no LTX-Video release uses.
        """
        sampler, shifting = config.get("sampler", "Uniform"), config.get("shifting")
        spacings: dict[Any, Literal["uniform", "linear-quadratic"]] = {
            None: "uniform",
            "Uniform": "uniform",
            "LinearQuadratic": "linear-quadratic",
        }
        shiftings: dict[Any, Literal["tokens"] | None] = {None: None, "SD3": "tokens"}
        if sampler not in spacings or shifting not in shiftings:
            raise ValueError(
                "expected a scheduler with sampler Uniform or LinearQuadratic and shifting SD3 or null, got "
                f"sampler {sampler!r} and shifting {shifting!r}"
            )
        return cls(spacings[sampler], shiftings[shifting], config.get("target_shift_terminal"), allowed_inference_steps)

    def to_official(self) -> dict[str, Any]:
        """The `scheduler` object in the official spelling."""
        return {
            "_class_name": "RectifiedFlowScheduler",
            "num_train_timesteps": 1000,
            "sampler": "Uniform" if self.spacing == "uniform" else "LinearQuadratic",
            "shifting": "SD3" if self.shifting == "tokens" else None,
            "base_resolution": None,
            "target_shift_terminal": self.terminal,
        }

    @classmethod
    def from_diffusers(cls, config: Mapping[str, Any]) -> SchedulerConfig:
        """Read `scheduler_config.json` of a diffusers folder.

        A folder with dynamic shifting is a 0.9.0 or 0.9.1 release; the others' linear-quadratic spacing is not in the
        file, it is what every later release uses.

        Raises:
            ValueError: if the shift is not LTX-Video's line through (1024, 0.95) and (4096, 2.05).
        """
        if not config.get("use_dynamic_shifting", False):
            return cls()
        keys = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
        found, expected = tuple(config.get(key) for key in keys), (*schedule.SHIFT_TOKENS, *schedule.SHIFT_RANGE)
        if found != expected:
            raise ValueError(f"expected {keys} to be {expected}, got {found}")
        return cls("uniform", "tokens", config.get("shift_terminal"))

    def to_diffusers(self) -> dict[str, Any]:
        """The same settings as diffusers' FlowMatchEulerDiscreteScheduler spells them."""
        (n_0, n_1), (mu_0, mu_1) = schedule.SHIFT_TOKENS, schedule.SHIFT_RANGE
        return {
            "_class_name": "FlowMatchEulerDiscreteScheduler",
            "num_train_timesteps": 1000,
            "shift": 1.0,
            "use_dynamic_shifting": self.shifting == "tokens",
            "base_image_seq_len": n_0,
            "max_image_seq_len": n_1,
            "base_shift": mu_0,
            "max_shift": mu_1,
            "shift_terminal": self.terminal,
        }
