"""Held-out clips as they are and as the network makes them, side by side, at every validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from foresight.data.batch import ClipBatch, FeatureBatch
from foresight.data.frozen import frozen_vae
from foresight.errors import UserError
from foresight.reproducibility.randomness import keyed_generator
from foresight.training.objectives.flow import TextFlow
from foresight.world.domain import DECODE_TIMESTEP, drawn_by
from ltx.media import write_mp4
from ltx.vae import VideoVAE

Videos = Float[Tensor, "batch rgb=3 frame height width"]
SHOWN = 6
"""Frames of a film in a logger that takes pictures only."""


class Films(Callback):
    """Writes `step-N-K.mp4`, the truth on the left, and hands the films to TensorBoard and Weights & Biases.

    An autoencoder draws the clips; a transformer goes on from what it is given most often, told what the clip tells.

    Args:
        folder: where to; made when needed.
        clips: how many, of the first held-out batch; None makes none.
        vae: that decodes the latents of a transformer: a file, a folder, the name of a release or a hub id.
        steps: Euler steps of a continuation.

    Raises:
        UserError: if a number is below 1.
    """

    def __init__(self, *, folder: str | Path, clips: int | None, vae: str | Path, steps: int = 20) -> None:
        if (clips is not None and clips < 1) or steps < 1:
            raise UserError(
                expected="clips ≥ 1 and steps ≥ 1", got=f"{clips} and {steps}", remedy="choose such numbers"
            )
        self._folder, self._clips, self._vae, self._steps = Path(folder), clips, str(vae), steps

    @torch.no_grad()
    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Make the films of the first batch, with the same noise at every validation.

        Raises:
            UserError: if the training is of another kind.
        """
        if batch_idx or not self._clips or not trainer.is_global_zero or trainer.sanity_checking:
            return
        generator = keyed_generator("films", device=pl_module.device)
        truth, made, rate = self._pairs(pl_module.model, pl_module.objective, batch, generator)
        for number, (left, right) in enumerate(zip(truth, made, strict=True)):
            self._show(trainer, number, torch.cat([left.cpu(), right.cpu()], dim=3), rate)

    def _pairs(
        self, model: Any, objective: Any, batch: Any, generator: torch.Generator
    ) -> tuple[Videos, Videos, float]:
        if isinstance(model, VideoVAE) and isinstance(batch, ClipBatch):
            video = batch.video[: self._clips]
            return video, drawn_by(model, video), batch.frame_rate
        if isinstance(objective, TextFlow) and isinstance(batch, FeatureBatch):
            few = batch.first(self._clips or 0)
            made = objective.continued(model, few, generator, steps=self._steps)
            return self._decoded(few["latents"]), self._decoded(made), batch.frame_rate
        raise UserError(
            expected="films of an autoencoder's or a transformer's training on clips of one size",
            got=f"the training of {type(model).__name__}",
            remedy="leave callbacks.films.clips at null",
        )

    def _decoded(self, latents: Tensor) -> Videos:
        vae = frozen_vae(self._vae)
        weight = next(vae.parameters())
        latents = latents.to(weight.device, weight.dtype)
        return vae.decode(latents, timestep=DECODE_TIMESTEP, noise_scale=0.0).float().clamp(-1, 1)

    def _show(
        self, trainer: Trainer, number: int, film: Float[Tensor, "rgb=3 frame height width"], rate: float
    ) -> None:
        step = trainer.global_step
        path = self._folder / f"step-{step:09d}-{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_mp4(path, film, frame_rate=rate)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                # It takes videos only where a package beyond it is installed: some frames, above each other.
                chosen = torch.linspace(0, film.shape[1] - 1, min(SHOWN, film.shape[1])).round().long()
                sheet = torch.cat(list(film[:, chosen].unbind(1)), dim=1)
                logger.experiment.add_image(f"films/{number}", (sheet + 1) / 2, step)
            elif isinstance(logger, WandbLogger):
                logger.log_video(f"films/{number}", [str(path)], step)
