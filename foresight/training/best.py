"""The checkpoint that is best by a held-out figure, which is what is written when training ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from foresight.errors import UserError
from foresight.training.checkpoint import read
from foresight.training.ema import EMA

HIGHER = ("psnr", "ssim", "gain", "accuracy", "nearest", "share", "skill", "cosine_similarity")
"""Words in the names of figures of which more is better; of all others less is."""


def higher_is_better(figure: str) -> bool:
    """True if more of a held-out figure is better, by its name."""
    return any(word in figure for word in HIGHER)


def improved(figure: str, value: float, best: float | None) -> bool:
    """True if a value of a figure is better than the best before; one that is no number never is."""
    if best is None:
        return not math.isnan(value)
    return value > best if higher_is_better(figure) else value < best


class BestCheckpoint(Callback):
    """Saves the whole training state whenever a held-out figure is the best so far.

    Args:
        folder: where to; `best.safetensors` is replaced in one step.
        figure: its name as the held-out line has it, such as "loss" or "psnr".
    """

    def __init__(self, *, folder: str | Path, figure: str) -> None:
        self.path, self.figure = Path(folder) / "best.safetensors", figure
        self.value: float | None = None
        self.step = -1

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if it is better; callbacks that were given before this one have put the trained parameters back.

        Raises:
            UserError: if no held-out figure has that name.
        """
        if trainer.sanity_checking:
            return
        value = held_out(trainer, self.figure)
        if not improved(self.figure, value, self.value):
            return
        self.value, self.step = value, trainer.global_step
        trainer.save_checkpoint(self.path)

    def restore(self, module: LightningModule, averages: Sequence[EMA]) -> bool:
        """Give a module and its averages back the best state; False if there is none.

        Raises:
            CorruptCheckpointError: if the file is not what was written.
        """
        if not self.path.is_file():
            return False
        state = read(self.path)
        module.load_state_dict(state["state_dict"], strict=False)
        for average in averages:
            average.load_state_dict(state["callbacks"][average.state_key])
        return True

    def state_dict(self) -> dict[str, Any]:
        """The best figure and its step, for checkpoints."""
        return {"value": self.value, "step": self.step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        self.value, self.step = state_dict["value"], state_dict["step"]


def held_out(trainer: Trainer, figure: str) -> float:
    """A figure of the validation that has just ended.

    Raises:
        UserError: naming those there are.
    """
    names = {name.removeprefix("validation/"): name for name in trainer.callback_metrics if name.startswith("valid")}
    names |= {name: name for name in trainer.callback_metrics if "/" in name and not name.startswith("train")}
    if figure not in names:
        raise UserError(
            expected=f"a held-out figure out of {', '.join(sorted(names))}", got=repr(figure), remedy="choose one"
        )
    return float(trainer.callback_metrics[names[figure]])
