"""Checkpoints every few minutes, at the end, and when the process is asked to stop."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from foresight.training.checkpoint import path_of_step, steps


class PeriodicCheckpoint(Checkpoint):
    """Saves the whole training state into `folder` under the optimizer step's number.

    Saving happens only between optimizer steps, where no gradient is half accumulated, so that resuming is exact.

    Args:
        folder: where to; made when needed.
        minutes: least time between two checkpoints; 0 saves after every optimizer step.
        keep: how many of the newest stay, at least 1.
    """

    def __init__(self, *, folder: str | Path, minutes: float, keep: int) -> None:
        if minutes < 0 or keep < 1:
            raise ValueError(f"expected minutes ≥ 0 and keep ≥ 1, got {minutes} and {keep}")
        self.folder = Path(folder)
        self.minutes = minutes
        self.keep = keep
        self._step = 0
        self._between_steps = False
        self._saved_at = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._step = trainer.global_step
        self._saved_at = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save when it is time and an optimizer step has just ended."""
        self._between_steps = trainer.global_step != self._step
        if not self._between_steps:
            return
        self._step = trainer.global_step
        due = time.monotonic() - self._saved_at >= 60 * self.minutes
        if trainer.strategy.broadcast(due):
            self._save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the end."""
        if not path_of_step(self.folder, trainer.global_step).exists():
            self._save(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save on SIGTERM, which Lightning raises between two batches, if the last one ended an optimizer step.

        Otherwise gradients are half accumulated, or the state is half updated: the last checkpoint stands.
        """
        if isinstance(exception, SIGTERMException) and self._between_steps and not trainer.validating:
            self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(path_of_step(self.folder, trainer.global_step))
        self._saved_at = time.monotonic()
        if trainer.is_global_zero:
            for path in steps(self.folder)[self.keep :]:
                path.unlink(missing_ok=True)
