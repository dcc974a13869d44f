"""The prediction card of a world model, as a benchmark that a configuration names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.benchmarks import Measured, Progress
from foresight.evaluation.prediction.card import EXTENDED, MODEL, TEXT
from foresight.evaluation.prediction.scoring import Forecaster, evaluate_prediction
from foresight.metrics.frechet import i3d
from foresight.physics import PhysicsConfig
from foresight.world.domain import reconstruct
from foresight.world.prediction import Prediction
from foresight.world.sampling import NoiseLevel, Sampling
from foresight.world.variants import without_adapter
from foresight.world.world_model import WorldModel

Videos = Float[Tensor, "batch rgb=3 frame height width"]


class PredictionBenchmark:
    """The prediction card on the simulated world.

    Args:
        clips: number of held-out clips.
        physics: the world.
        split: which seeds.
        noise_level: where the adapter's forecast enters the flow.
        seeds: of the first candidate, in turn from batch to batch.
        candidates: futures drawn per clip; scored is what `foresight predict` shows of them, and the first three
            singly.
        library: training clips to look for the nearest among.
        fvd: TorchScript file of I3D; None reports that Fréchet video distance is absent.
        name: of the run's folder and of the marks in a page.

    Raises:
        ValueError: if there is no seed.
    """

    def __init__(
        self,
        *,
        clips: int,
        physics: PhysicsConfig,
        split: str,
        noise_level: NoiseLevel,
        seeds: Sequence[int],
        candidates: int,
        library: int,
        fvd: str | Path | None = None,
        name: str = "prediction",
    ) -> None:
        if not seeds:
            raise ValueError("expected at least one seed, got none")
        self.name = name
        self._clips, self._physics, self._split, self._library = clips, physics, split, library
        self._noise_level, self._seeds, self._candidates, self._fvd = noise_level, tuple(seeds), candidates, fvd

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Predict and score every clip."""
        card = evaluate_prediction(
            self._forecaster(model),
            lambda videos: reconstruct(model, videos),
            clips=self._clips,
            physics=self._physics,
            split=self._split,
            library=self._library,
            features=None if self._fvd is None else i3d(self._fvd),
            progress=progress,
        )
        return Measured({"methods": card.table(), "figures": card.rows()}, card.figures(), gates=tuple(card.gates()))

    def _forecaster(self, model: WorldModel) -> Forecaster:
        """Shown candidates, single samples, and what the video model alone shows, untold and told."""
        batches = 0

        def forecast(contexts: Videos, instructions: list[str], frames: int) -> dict[str, Videos]:
            nonlocal batches
            # A batch is asked for twice: with its own and with wrong instructions.
            seed = self._seeds[batches // 2 % len(self._seeds)]
            first, batches = batches % 2 == 0, batches + 1

            def predict(world: WorldModel, told: Sequence[str]) -> list[Prediction]:
                return world.predict_batch(
                    contexts,
                    told,
                    frames,
                    Sampling(self._candidates, self._noise_level if world.adapter is not None else "auto", seed),
                )

            found = predict(model, instructions)
            videos = {MODEL: _shown(model, found)}
            if first:
                for sample in range(min(3, self._candidates)):
                    videos[f"single sample {sample + 1}"] = torch.stack([one.video[sample] for one in found]).cpu()
                with without_adapter(model) as alone:
                    videos[EXTENDED] = _shown(alone, predict(alone, [""] * len(instructions)))
                    if model.adapter is not None:
                        videos[TEXT] = _shown(alone, predict(alone, instructions))
            return videos

        return forecast


def _shown(model: WorldModel, found: list[Prediction]) -> Videos:
    return torch.stack([model.shown(prediction) for prediction in found]).cpu()
