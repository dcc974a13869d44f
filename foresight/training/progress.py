"""One line every few seconds: where a training is, how fast it goes, when it will be done."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback


class ProgressLine(Callback):
    """Prints the step, the loss averaged since the last line, seconds per step, and the time left.

    Args:
        seconds: least time between two lines.
    """

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds
        self._since = 0.0
        self._first = self._step = self._count = 0
        self._began = 0.0
        self._loss: Any = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._began = self._since = time.monotonic()
        self._first = self._step = trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Print when it is time."""
        if outputs is not None:
            self._loss = self._loss + outputs["loss"].detach()
            self._count += 1
        now = time.monotonic()
        if now - self._since < self.seconds or not trainer.is_global_zero or trainer.global_step == self._step:
            return
        pace = (now - self._since) / (trainer.global_step - self._step)
        left = ""
        if trainer.max_steps > 0:
            left = f" · {timedelta(seconds=int(pace * (trainer.max_steps - trainer.global_step)))} left"
        print(
            f"step {trainer.global_step}/{trainer.max_steps} · loss {float(self._loss) / self._count:.4g} · "
            f"{pace:.3g} s a step{left}",
            flush=True,
        )
        self._since, self._step, self._count, self._loss = now, trainer.global_step, 0, 0.0

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the held-out figures."""
        if trainer.is_global_zero and not trainer.sanity_checking:
            found = {name: float(value) for name, value in trainer.callback_metrics.items() if "validation/" in name}
            text = " · ".join(f"{name.removeprefix('validation/')} {value:.4g}" for name, value in found.items())
            print(f"step {trainer.global_step} held out: {text}", flush=True)
