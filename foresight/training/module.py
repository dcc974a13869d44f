"""The one LightningModule: model, objective, optimizer and schedule come in through the constructor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from foresight.reproducibility.randomness import keyed_generator, random_state, set_random_state
from foresight.training.modes import set_modes
from foresight.training.objective import Objective


class TrainingModule(LightningModule):
    """Trains a model on an objective; knows no task.

    Parameters that the optimizer does not claim are frozen, follow the module to its device, and are left out of
    checkpoints: the configuration says where they come from. All noise is drawn from a generator keyed by (seed, rank,
    batch), so that a resumed run continues exactly.

    Args:
        model: what is trained.
        objective: see `Objective`; when it is a module, its parameters can be claimed too, as `objective.*`.
        optimizer: makes an optimizer from the named parameters and freezes the rest; names of the model's parameters
            are its own, without a prefix.
        schedule: factor of the learning rate for an optimizer step.
        seed: of the noise.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        objective: Objective,
        optimizer: Callable[[Iterable[tuple[str, nn.Parameter]]], Optimizer],
        schedule: Callable[[int], float],
        seed: int,
    ) -> None:
        super().__init__()
        self.model = model
        self.objective = objective
        self.seed = seed
        self.batches = 0
        """Training batches seen so far by this process, over all resumptions."""
        self._schedule = schedule
        self._optimizer = optimizer(
            (name.removeprefix("model."), parameter) for name, parameter in self.named_parameters()
        )
        self._pending_random_state: dict[str, Any] | None = None

    def configure_optimizers(self) -> Any:
        """The optimizer, with the schedule stepped once per optimizer step."""
        schedule = self._schedule
        self._scheduler = LambdaLR(self._optimizer, lambda step: schedule(step))
        return {"optimizer": self._optimizer, "lr_scheduler": {"scheduler": self._scheduler, "interval": "step"}}

    def on_train_start(self) -> None:
        """Set training and evaluation modes, and the learning rates of the present schedule.

        A run that goes on may have become longer, and its schedule with it: the optimizer's state holds the rate that
        its next step had in the shorter one.
        """
        set_modes(self)
        for group, rate in zip(self._optimizer.param_groups, self._scheduler.base_lrs, strict=True):
            group["lr"] = rate * self._schedule(self._scheduler.last_epoch)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Right before the first batch after a resumption, global random states become what they were."""
        if self._pending_random_state is not None:
            set_random_state(self._pending_random_state)
            self._pending_random_state = None

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Loss of one batch."""
        generator = keyed_generator("train", self.seed, self.global_rank, self.batches, device=self.device)
        self.batches += 1
        result = self.objective(self.model, batch, generator)
        self._log("train", result, batch)
        return result["loss"]

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Metrics of one held-out batch, with the same noise at every validation."""
        generator = keyed_generator("validation", self.seed, self.global_rank, batch_idx, device=self.device)
        self._log("validation", self.objective(self.model, batch, generator), batch)

    def _log(self, stage: str, result: Any, batch: Any) -> None:
        values = {f"{stage}/{name}": value.detach() for name, value in result.items()}
        self.log_dict(values, batch_size=len(batch), sync_dist=stage == "validation")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave frozen parameters out; add the position in the noise and the global random states."""
        frozen = {name for name, parameter in self.named_parameters() if not parameter.requires_grad}
        checkpoint["state_dict"] = {k: v for k, v in checkpoint["state_dict"].items() if k not in frozen}
        checkpoint["position"] = {"batches": self.batches, "seed": self.seed}
        checkpoint["random"] = random_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Inverse of `on_save_checkpoint`.

        Raises:
            ValueError: if the checkpoint was trained with another seed, since its noise could not be continued.
        """
        position = checkpoint["position"]
        if position["seed"] != self.seed:
            raise ValueError(f"expected a checkpoint of seed {self.seed}, got one of seed {position['seed']}")
        self.batches = position["batches"]
        self._pending_random_state = checkpoint["random"]
        own = dict(self.named_parameters())
        frozen = {name: parameter.data for name, parameter in own.items() if not parameter.requires_grad}
        checkpoint["state_dict"] = {**frozen, **checkpoint["state_dict"]}


def trainable(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that train, by name."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def finite(values: Iterable[Tensor]) -> bool:
    """True if every element of every tensor is a finite number."""
    flags = [torch.isfinite(value).all() for value in values]
    return bool(torch.stack(flags).all()) if flags else True
