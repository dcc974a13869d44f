"""Usual habits of trainings, each one word: the best checkpoint, early stopping, learning rates in the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import LearningRateMonitor

from foresight.errors import UserError
from foresight.training.best import BestCheckpoint, held_out, improved


@dataclass(frozen=True)
class Extras:
    """Options of a training beside its steps: best state, early stopping, learning rates in the log.

    Args:
        best: held-out figure ("loss", "psnr") by which the best state is kept and, in the end, written; None writes the
            last one.
        patience: validations without a better figure (`best`, else the loss) after which training stops; None goes on.
        rates: whether the learning rate of each group of parameters is logged.

    Raises:
        UserError: if the patience is below 1.
    """

    best: str | None = None
    patience: int | None = None
    rates: bool = False

    def __post_init__(self) -> None:
        if self.patience is not None and self.patience < 1:
            raise UserError(
                expected="extras.patience= at least 1 validation", got=str(self.patience), remedy="choose such a number"
            )

    def callbacks(self, folder: Path) -> list[Callback]:
        """For Lightning's trainer, to be given after all others.

        Args:
            folder: of the run.
        """
        chosen: list[Callback] = [LearningRateMonitor(logging_interval="step")] if self.rates else []
        if self.patience is not None:
            chosen.append(Patience(figure=self.best or "loss", validations=self.patience))
        if self.best is not None:
            chosen.append(BestCheckpoint(folder=folder, figure=self.best))
        return chosen


class Patience(Callback):
    """Stops a training whose held-out figure has not become better for some validations, and says so.

    Args:
        figure: its name as the held-out line has it.
        validations: how many.
    """

    def __init__(self, *, figure: str, validations: int) -> None:
        self.figure, self.validations = figure, validations
        self.best: float | None = None
        self.waited = 0

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count, and stop when it is enough.

        Raises:
            UserError: if no held-out figure has that name.
        """
        if trainer.sanity_checking:
            return
        value = held_out(trainer, self.figure)
        better = improved(self.figure, value, self.best)
        self.best, self.waited = (value, 0) if better else (self.best, self.waited + 1)
        if self.waited >= self.validations:
            trainer.should_stop = True
            if trainer.is_global_zero and self.best is not None:
                print(
                    f"stopped at step {trainer.global_step}: {self.figure} has not become better than {self.best:.4g} "
                    f"for {self.waited} validations",
                    flush=True,
                )

    def state_dict(self) -> dict[str, Any]:
        """The best figure and how long ago it was, for checkpoints."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        self.best, self.waited = state_dict["best"], state_dict["waited"]
