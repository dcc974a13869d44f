"""Benchmarks as objects that a configuration names: a world model in, a table with intervals out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.prediction import evaluate_prediction
from foresight.evaluation.statistics import Estimate
from foresight.evaluation.verification import evaluate_verification
from foresight.physics import PhysicsConfig
from foresight.report import Curve
from foresight.verify import Verifier
from foresight.world_model import WorldModel

Videos = Float[Tensor, "batch rgb=3 frame height width"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    """What a benchmark found."""

    tables: dict[str, list[dict[str, str]]]
    """For people, by title: the first column names the row."""
    figures: dict[str, Estimate]
    """For promises: by name, with intervals."""
    curves: tuple[Curve, ...] = ()
    """For the run's page."""

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {"tables": self.tables, "figures": {name: value.as_dict() for name, value in self.figures.items()}}


class Benchmark(Protocol):
    """A measurement of a world model on held-out data."""

    name: str

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Measure; progress is called with (done, total)."""
        ...


class PredictionBenchmark:
    """The prediction card on the simulated world.

    Args:
        clips: number of held-out clips.
        physics: the world.
        split: which seeds.
        noise_level: where the adapter's forecast enters the flow.
        seed: of the first candidate.
        candidates: futures drawn per clip; the medoid is scored, which is what `foresight predict` shows.
    """

    name = "prediction"

    def __init__(
        self, *, clips: int, physics: PhysicsConfig, split: str, noise_level: float, seed: int, candidates: int
    ) -> None:
        self._clips, self._physics, self._split = clips, physics, split
        self._noise_level, self._seed, self._candidates = noise_level, seed, candidates

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Predict and score every clip."""

        def forecast(contexts: Videos, instructions: list[str], frames: int) -> Videos:
            found = model.predict_batch(
                contexts,
                instructions,
                frames,
                candidates=self._candidates,
                noise_level=self._noise_level,
                seed=self._seed,
            )
            return torch.stack([prediction.video[prediction.medoid] for prediction in found]).cpu()

        @torch.no_grad()
        def reconstruct(videos: Videos) -> Videos:
            dtype = next(model.vae.parameters()).dtype
            latents = model.encode(videos).to(dtype)
            video = model.vae.decode(latents, timestep=model.plan.decode_timestep, noise_scale=0.0)
            return video.float().clamp(-1, 1).cpu()

        card = evaluate_prediction(
            forecast, reconstruct, clips=self._clips, physics=self._physics, split=self._split, progress=progress
        )
        figures = card.figures()
        rows = [{"figure": name, "value [95 % interval]": f"{value}"} for name, value in figures.items()]
        return Measured({"methods": card.table(), "figures": rows}, figures)


class VerificationBenchmark:
    """The verification card on the simulated world.

    Args:
        verifier: fitted for the model, on another split.
        clips: number of held-out clips.
        physics: the world.
        split: which seeds.
    """

    name = "verification"

    def __init__(self, *, verifier: Verifier, clips: int, physics: PhysicsConfig, split: str) -> None:
        self._verifier, self._clips, self._physics, self._split = verifier, clips, physics, split

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Judge every clip with its true and a counterfactual future."""
        card = evaluate_verification(
            model, self._verifier, clips=self._clips, physics=self._physics, split=self._split, progress=progress
        )
        return Measured({"figures": card.table()}, card.figures())
