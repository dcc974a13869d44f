"""Checkpoints every few minutes, at the end, and when the process is asked to stop."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from foresight.training.checkpoint import path_of_step, steps
from foresight.training.interrupt import Interrupt


class PeriodicCheckpoint(Checkpoint):
    """Saves the whole training state into `folder` under the optimizer step's number.

    Saving happens only between optimizer steps, where no gradient is half accumulated, so that resuming is exact. All
    processes of a distributed training save together, so the first one decides for all when that is.

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
        self._stopping = False
        self._saved_at = 0.0
        self._interrupt = Interrupt()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock, and listen to Ctrl-C."""
        self._step = trainer.global_step
        self._saved_at = time.monotonic()
        self._stopping = False
        self._interrupt.listen()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save when it is time, or Ctrl-C was pressed, and an optimizer step has just ended."""
        self._between_steps = trainer.global_step != self._step
        if not self._between_steps:
            return
        self._step = trainer.global_step
        stop = self._interrupt.asked
        due = stop or time.monotonic() - self._saved_at >= 60 * self.minutes
        due, self._stopping = trainer.strategy.broadcast((due, stop))
        if due:
            self._save(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """After Ctrl-C no further step is begun; what belongs to the last one is saved, logged and validated.

        Raises:
            KeyboardInterrupt: then.
        """
        if self._stopping:
            raise KeyboardInterrupt

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the end, unless its step is saved."""
        self._interrupt.ignore()
        # Each process's own look at the folder would depend on how far the others have come.
        if trainer.strategy.broadcast(not path_of_step(self.folder, trainer.global_step).exists()):
            self._save(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save on SIGTERM, which Lightning raises between two batches, if the last one ended an optimizer step.

        Otherwise gradients are half accumulated, or the state is half updated: the last checkpoint stands.
        """
        self._interrupt.ignore()
        if isinstance(exception, SIGTERMException) and self._between_steps and not trainer.validating:
            self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(path_of_step(self.folder, trainer.global_step))
        self._saved_at = time.monotonic()
        if trainer.is_global_zero:
            for path in steps(self.folder)[self.keep :]:
                path.unlink(missing_ok=True)
