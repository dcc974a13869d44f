"""Keeps NaN and infinity out of the parameters and the optimizer's state."""

from __future__ import annotations

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.optim import Optimizer

from foresight.training.module import finite, trainable


class FiniteGuard(Callback):
    """Skips optimizer steps whose gradients are not finite, and stops when too many come in a row.

    Args:
        tolerated: how many such steps in a row are skipped; one more raises. 0 stops at the first.
    """

    def __init__(self, *, tolerated: int) -> None:
        if tolerated < 0:
            raise ValueError(f"expected a number of tolerated steps ≥ 0, got {tolerated}")
        self.tolerated = tolerated
        self.skipped = 0
        """Steps skipped in all."""
        self._in_a_row = 0

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Drop the gradients when one of them is not finite: the optimizer then leaves all its state alone.

        Raises:
            ValueError: after more than `tolerated` such steps in a row.
        """
        parameters = trainable(pl_module)
        if finite(parameter.grad for parameter in parameters.values() if parameter.grad is not None):
            self._in_a_row = 0
            return
        self._in_a_row += 1
        self.skipped += 1
        if self._in_a_row > self.tolerated:
            broken = [n for n, p in parameters.items() if p.grad is not None and not finite([p.grad])]
            raise ValueError(
                f"expected finite gradients, got NaN or infinity for the {self._in_a_row}th step in a row at step "
                f"{trainer.global_step}, in {len(broken)} parameters, the first {broken[0]}; lower the learning rate, "
                "clip gradients, or train in float32"
            )
        for parameter in parameters.values():
            parameter.grad = None
