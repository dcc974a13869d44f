"""The benchmark that makes the prediction card of a world model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.benchmarks import Measured
from foresight.evaluation.prediction.card import EXTENDED, MODEL, TEXT
from foresight.evaluation.prediction.scoring import Forecaster, evaluate_prediction
from foresight.evaluation.simulated import BATCH, SimulatedBenchmark
from foresight.metrics.frechet import i3d
from foresight.progress import Progress
from foresight.world.domain import reconstruct
from foresight.world.prediction import Prediction
from foresight.world.sampling import NoiseLevel, Sampling
from foresight.world.variants import without_adapter
from foresight.world.world_model import WorldModel

Videos = Float[Tensor, "batch rgb=3 frame height width"]


@dataclass(frozen=True, kw_only=True)
class PredictionBenchmark(SimulatedBenchmark):
    """The prediction card on the simulated world.

    Args:
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

    noise_level: NoiseLevel
    seeds: Sequence[int]
    candidates: int
    library: int
    fvd: str | Path | None = None
    name: str = "prediction"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.seeds:
            raise ValueError("expected at least one seed, got none")

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Predict and score every clip."""
        card = evaluate_prediction(
            self._forecaster(model),
            lambda videos: reconstruct(model, videos),
            self.held_out,
            library=self.library,
            features=None if self.fvd is None else i3d(self.fvd),
            progress=progress,
        )
        seeds = [self._seed(row // BATCH) for row in range(len(self.held_out))]
        return Measured(
            {"methods": card.table(), "figures": card.rows()},
            card.figures(),
            gates=tuple(card.gates()),
            values=card.values(self.held_out.names, seeds),
            extremes=card.extremes,
        )

    def _seed(self, batch: int) -> int:
        """Of the first candidate of a batch's clips."""
        return self.seeds[batch % len(self.seeds)]

    def _forecaster(self, model: WorldModel) -> Forecaster:
        """Forecasts of shown candidates, single samples, and the video model alone without and with the instruction."""
        batches = 0

        def forecast(contexts: Videos, instructions: list[str], frames: int) -> dict[str, Videos]:
            nonlocal batches
            # A batch is asked for twice: with its own and with wrong instructions.
            seed = self._seed(batches // 2)
            first, batches = batches % 2 == 0, batches + 1

            def predict(world: WorldModel, texts: Sequence[str]) -> list[Prediction]:
                return world.predict_batch(
                    contexts,
                    texts,
                    frames,
                    Sampling(self.candidates, self.noise_level if world.adapter is not None else "auto", seed),
                )

            found = predict(model, instructions)
            videos = {MODEL: _shown(model, found)}
            if first:
                for sample in range(min(3, self.candidates)):
                    videos[f"single sample {sample + 1}"] = torch.stack([one.video[sample] for one in found]).cpu()
                with without_adapter(model) as alone:
                    videos[EXTENDED] = _shown(alone, predict(alone, [""] * len(instructions)))
                    if model.adapter is not None:
                        videos[TEXT] = _shown(alone, predict(alone, instructions))
            return videos

        return forecast


def _shown(model: WorldModel, found: list[Prediction]) -> Videos:
    return torch.stack([model.shown(prediction) for prediction in found]).cpu()
