"""Settings of Lightning's trainer that mean something here; the others are refused before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from foresight.errors import UserError

STEPS = "training data is an endless stream, without epochs: give trainer.max_steps="
ELSEWHERE: Mapping[str, str] = {
    "max_epochs": STEPS,
    "min_epochs": STEPS,
    "check_val_every_n_epoch": "training data is an endless stream, without epochs: give trainer.val_check_interval=",
    "reload_dataloaders_every_n_epochs": "training data is an endless stream, without epochs",
    "overfit_batches": "give a data.train with few examples, such as data.train.clips.count=8",
    "fast_dev_run": "choose trainer=smoke: two steps, with a validation",
    "limit_test_batches": "nothing is tested while training; `foresight evaluate` measures",
    "limit_predict_batches": "nothing is predicted while training; `foresight predict` does",
    "callbacks": "callbacks are their own group: +callbacks.NAME={_target_: …}",
    "plugins": "checkpoints are written by foresight; precision= and strategy= choose the rest",
    "default_root_dir": "run= is the folder of a run",
    "use_distributed_sampler": "the stream splits itself between processes",
}
"""Settings that have no effect of their own here, and what to use instead."""

LEAST = {"accumulate_grad_batches": 1, "gradient_clip_val": 0, "limit_val_batches": 0, "log_every_n_steps": 0}
"""Settings with a smallest value, below which Lightning would stop in the middle or let them have no effect."""

LARGEST = 2**31
"""Numbers of steps are below it, whatever counts them."""
MOST_DEVICES = 1024

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
_SHORT = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def check_trainer(settings: Mapping[str, Any]) -> None:
    """Refuse what would be ignored, would train for ever, or cannot be done on this machine.

    Args:
        settings: plain arguments of `lightning.Trainer`.

    Raises:
        UserError: naming the setting, and what to use instead.
    """
    for name, instead in ELSEWHERE.items():
        value = settings.get(name)
        if value not in (None, False, 0, -1):
            raise _refused(f"no trainer.{name}=", value, instead)
    steps, interval = settings.get("max_steps", -1), settings.get("val_check_interval")
    if not isinstance(steps, int) or not 1 <= steps < LARGEST:
        raise _refused("trainer.max_steps= at least 1, and below 2³¹", steps, "say how many steps to train")
    if isinstance(interval, bool | float) or (isinstance(interval, int) and interval < 1):
        raise _refused(
            "trainer.val_check_interval= a whole number of batches", interval, "an endless stream has no fractions"
        )
    for name, least in LEAST.items():
        value = settings.get(name)
        if isinstance(value, int | float) and value < least:
            raise _refused(f"trainer.{name}= at least {least}", value, "leave it out or choose such a number")
    _check_limit(settings.get("limit_train_batches"), settings.get("accumulate_grad_batches") or 1)
    devices = settings.get("devices")
    if isinstance(devices, int) and devices > MOST_DEVICES:
        raise _refused(f"trainer.devices= at most {MOST_DEVICES}", devices, "name as many as the machine has")
    accelerator = settings.get("accelerator", "auto")
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise _refused("trainer.accelerator= one of this machine", accelerator, "choose cpu or auto")
    _check_precision(settings.get("precision"), on_gpu=accelerator != "cpu" and torch.cuda.is_available())


def never_validates(settings: Mapping[str, Any]) -> bool:
    """True if training ends before the first validation is due."""
    steps, interval = settings.get("max_steps"), settings.get("val_check_interval")
    if not isinstance(steps, int) or not isinstance(interval, int):
        return False
    return interval > steps * (settings.get("accumulate_grad_batches") or 1)


def _check_limit(limit: Any, together: int) -> None:
    """An epoch of limited length is a number of whole optimizer steps, or a share of a pass over the data."""
    if limit is None or (isinstance(limit, float) and 0 < limit <= 1):
        return
    if isinstance(limit, bool | float) or not isinstance(limit, int) or limit < 1 or limit % together:
        multiple = f", a multiple of accumulate_grad_batches={together}," if together > 1 else ""
        raise _refused(
            f"trainer.limit_train_batches= a number of batches{multiple} or a share of the data up to 1.0",
            limit,
            "an epoch of that length ends with an optimizer step, and the next goes on in the data",
        )


def _check_precision(precision: Any, *, on_gpu: bool) -> None:
    if precision is None:
        return
    name = _SHORT.get(str(precision), str(precision))
    if name not in PRECISIONS:
        raise _refused(
            f"trainer.precision= one of {', '.join(PRECISIONS)}",
            precision,
            "weights that train stay in float32; bf16-mixed multiplies in bfloat16",
        )
    if name == "16-mixed" and not on_gpu:
        raise _refused("trainer.precision=16-mixed on a GPU", precision, "choose bf16-mixed or 32-true on a processor")


def _refused(expected: str, got: Any, remedy: str) -> UserError:
    return UserError(expected=expected, got=str(got), remedy=remedy)
