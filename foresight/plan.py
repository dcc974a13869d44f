"""How a world model is run: lengths, schedule and decoding, stored beside its weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.files import write_text
from ltx.flow.schedule import linear_quadratic, uniform
from ltx.shapes import TIME

FILE = "sampling_plan.json"
SCHEDULES: dict[str, Callable[[int], Tensor]] = {"uniform": uniform, "linear_quadratic": linear_quadratic}
ESTIMATES = ("medoid", "consensus")
"""The candidate nearest to all others, or what most candidates agree on: see `Prediction`. The consensus comes nearer
to what happens; the medoid is as sharp as a single candidate even where no two agree."""


@dataclass(frozen=True)
class SamplingPlan:
    """What a model was trained to be asked.

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

    def __post_init__(self) -> None:
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
        for name in ("decode_timestep", "decode_noise", "carried_noise"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"expected {name} in [0, 1), got {getattr(self, name)}")

    def sigmas(self, noise_level: float, steps: int) -> Float[Tensor, " step"]:
        """Times from the noise level downwards: the schedule of `steps` times, entered at that level.

        Raises:
            ValueError: if the level is not in (0, 1].
        """
        if not 0 < noise_level <= 1:
            raise ValueError(f"expected a noise level in (0, 1], got {noise_level}")
        times = SCHEDULES[self.schedule](steps)
        return torch.cat([torch.tensor([noise_level]), times[times < noise_level - 1e-6]])

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `sampling_plan.json` into a folder."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        write_text(Path(folder) / FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> SamplingPlan:
        """Read what `save_pretrained` wrote.

        Raises:
            ValueError: if the file is missing, or its fields are not exactly those of a plan.
        """
        path = Path(folder) / FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise ValueError(f"expected a sampling plan in {path}: {error}") from error
        names = {f.name for f in fields(cls)}
        if not isinstance(values, dict) or values.keys() != names:
            raise ValueError(f"expected exactly the fields {sorted(names)} in {path}, got {sorted(values)}")
        return cls(**values)
