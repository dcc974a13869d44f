"""Lengths, schedule and decoding of a world model, stored beside its weights."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.files import write_text
from ltx.flow.schedule import explicit
from ltx.flow.scheduler import SchedulerConfig
from ltx.shapes import TIME

FILE = "sampling_config.json"
# The name of folders that were written before.
FORMER_FILE = "sampling_plan.json"
SCHEDULES = {
    "uniform": SchedulerConfig("uniform"),
    "linear_quadratic": SchedulerConfig("linear-quadratic"),
    "shifted": SchedulerConfig("uniform", "tokens", 0.1),
}
"""How times are spaced; "shifted" is that of LTX-Video 0.9.0 and 0.9.1, where more tokens spend more steps in noise."""
ESTIMATES = ("medoid", "consensus")
"""The candidate nearest to all others, or what most candidates agree on: see `Prediction`. The consensus comes nearer
to what happens; the medoid is as sharp as a single candidate even where no two agree."""


@dataclass(frozen=True)
class SamplingConfig:
    """Lengths, schedule and decoding that a model was trained for.

    Args:
        frame_rate: frames per second of its clips.
        context_frames: how many of the last observed frames the video model is given, 8k+1. The VLM sees all.
        chunk_frames: frames predicted at once, a multiple of 8; longer horizons are rolled out.
        steps: Euler steps from pure noise.
        schedule: a key of `SCHEDULES`.
        decode_timestep: noise level in [0, 1] that the VAE's decoder is told.
        decode_noise: share of noise mixed into the latents before decoding.
        carried_noise: noise level of the context of rollouts after the first chunk, against drift; 0 for none.
        continuation: the instruction of those chunks; None repeats the first one.
        guidance: classifier-free guidance scale, at least 1; 1 is off. The other branch has neither instruction nor
            adapter, as training dropped them.
        estimate: what is shown of several candidates, one of `ESTIMATES`.
        times: the times of a distilled release, which has no other; None spaces `steps` times by the schedule.
        stochastic: noise the predicted video again at each step, as the 0.9.6 distilled release does.
        domain_warning: dB of the VAE's reconstruction of a context below which a prediction comes with a warning.
        domain_limit: dB below which a picture is not the model's world, and nothing is judged.

    Raises:
        ValueError: if a length does not fit the latent grid, or a number is out of its range.
    """

    frame_rate: float
    context_frames: int
    chunk_frames: int
    steps: int
    schedule: str
    decode_timestep: float
    decode_noise: float
    carried_noise: float
    continuation: str | None
    guidance: float
    estimate: str
    times: tuple[float, ...] | None = None
    stochastic: bool = False
    # The embedded model reconstructs clips of its own world at 24 to 38 dB, and 24 clips of others at 6 to 14.5.
    domain_warning: float = 22.0
    domain_limit: float = 16.0

    def __post_init__(self) -> None:
        if self.times is not None:
            object.__setattr__(self, "times", tuple(explicit(self.times).tolist()))
            self._check_steps(self.steps)
        if self.context_frames < 1 or self.context_frames % TIME != 1:
            raise ValueError(f"expected context_frames of {TIME}k+1, got {self.context_frames}")
        if self.chunk_frames < TIME or self.chunk_frames % TIME:
            raise ValueError(f"expected chunk_frames that are a multiple of {TIME}, got {self.chunk_frames}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"expected a schedule out of {', '.join(SCHEDULES)}; got {self.schedule!r}")
        if self.steps < 1 or not self.frame_rate > 0:
            raise ValueError(f"expected steps and frame rate above 0, got {self.steps} and {self.frame_rate}")
        if self.estimate not in ESTIMATES:
            raise ValueError(f"expected an estimate out of {', '.join(ESTIMATES)}; got {self.estimate!r}")
        if self.guidance < 1:
            raise ValueError(f"expected a guidance scale of at least 1, got {self.guidance}")
        if not self.domain_limit <= self.domain_warning < math.inf or math.isnan(self.domain_limit):
            raise ValueError(
                "expected a domain_limit in dB of at most the domain_warning, got "
                f"{self.domain_limit} and {self.domain_warning}"
            )
        for name in ("decode_timestep", "decode_noise", "carried_noise"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"expected {name} in [0, 1), got {getattr(self, name)}")

    def sigmas(self, noise_level: float, steps: int, tokens: int) -> Float[Tensor, " step"]:
        """Times from the noise level downwards: the schedule of `steps` times, entered at that level.

        Args:
            noise_level: the first time.
            steps: how many times the whole schedule has, from pure noise.
            tokens: latent tokens of the video, given and predicted.

        Raises:
            ValueError: if the level is not in (0, 1], or the release lists another number of times.
        """
        if not 0 < noise_level <= 1:
            raise ValueError(f"expected a noise level in (0, 1], got {noise_level}")
        self._check_steps(steps)
        times = SCHEDULES[self.schedule].sigmas(steps, tokens) if self.times is None else explicit(self.times)
        return torch.cat([torch.tensor([noise_level]), times[times < noise_level - 1e-6]])

    def _check_steps(self, steps: int) -> None:
        if self.times is not None and steps != len(self.times):
            raise ValueError(
                f"expected {len(self.times)} steps, the times that this distilled model was trained for, got {steps}"
            )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `sampling_config.json` into a folder."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_text(Path(folder) / FILE, json.dumps(self.to_dict(), indent=2) + "\n")

    def to_dict(self) -> dict[str, Any]:
        """The fields that are not at their default, in JSON's types."""
        optional = {f.name: f.default for f in fields(self) if f.default is not MISSING}
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if name not in optional or value != optional[name]}

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> SamplingConfig:
        """Read what `save_pretrained` wrote.

        Raises:
            ValueError: if the file is missing, or its fields are not exactly those of a sampling configuration.
        """
        path = Path(folder) / FILE
        former = Path(folder) / FORMER_FILE
        if former.is_file() and not path.exists():
            path = former
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"expected a sampling configuration in {path}: {error}") from error
        names = {f.name for f in fields(cls)}
        needed = {f.name for f in fields(cls) if f.default is MISSING}
        if not isinstance(values, dict) or not needed <= values.keys() <= names:
            raise ValueError(f"expected exactly the fields {sorted(names)} in {path}, got {sorted(values)}")
        return cls(**values)
