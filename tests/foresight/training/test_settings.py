"""Settings of the trainer that would be ignored, or train for ever, are refused with what to use instead."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from foresight.errors import UserError
from foresight.training.settings import ELSEWHERE, check_trainer, never_validates

FINE: dict[str, Any] = {"max_steps": 4, "val_check_interval": 2, "precision": "32-true", "accelerator": "cpu"}


def test_ordinary_settings_pass() -> None:
    """What recipes set, and what means nothing, is let through."""
    check_trainer(FINE)
    check_trainer({**FINE, **dict.fromkeys(ELSEWHERE)})
    check_trainer({**FINE, "accumulate_grad_batches": 1, "gradient_clip_val": 0, "limit_val_batches": 0})
    check_trainer({**FINE, "precision": "bf16", "max_epochs": -1, "limit_val_batches": 0.5, "fast_dev_run": False})


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_has_no_effect_is_refused(name: str) -> None:
    """By name, with what to use instead."""
    with pytest.raises(UserError, match=f"no trainer.{name}="):
        check_trainer({**FINE, name: 3})


def test_an_epoch_of_limited_length_is_whole_optimizer_steps() -> None:
    """A number of batches that accumulate to steps, or a share of a pass."""
    for limit in (1, 6, 0.01, 1.0):
        check_trainer({**FINE, "limit_train_batches": limit})
    check_trainer({**FINE, "limit_train_batches": 6, "accumulate_grad_batches": 3})
    with pytest.raises(UserError, match="a multiple of accumulate_grad_batches=4"):
        check_trainer({**FINE, "limit_train_batches": 6, "accumulate_grad_batches": 4})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_steps", -1),
        ("max_steps", 0),
        ("accumulate_grad_batches", 0),
        ("gradient_clip_val", -0.1),
        ("limit_val_batches", -1),
        ("log_every_n_steps", -1),
        ("limit_train_batches", 0),
        ("limit_train_batches", -1),
        ("limit_train_batches", 0.0),
        ("limit_train_batches", 1.5),
        ("limit_train_batches", True),
        ("limit_train_batches", "3"),
        ("val_check_interval", 0.5),
        ("val_check_interval", 1.0),
        ("val_check_interval", 0),
        ("precision", "bf16-true"),
        ("precision", 64),
        ("precision", "64-true"),
        ("precision", "16-mixed"),
    ],
)
def test_values_out_of_their_range_are_refused(name: str, value: Any) -> None:
    """No number of steps that never ends, no fraction of an endless stream, no precision that cannot be trained in."""
    with pytest.raises(UserError, match=f"trainer.{name}="):
        check_trainer({**FINE, name: value})


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`accelerator=gpu` on a machine without one; with one, half precision is possible."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="cpu or auto"):
        check_trainer({**FINE, "accelerator": "gpu"})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check_trainer({**FINE, "accelerator": "gpu", "precision": "16-mixed"})


def test_a_training_without_validation_is_known() -> None:
    """An interval beyond the last batch; accumulated batches count."""
    assert never_validates({"max_steps": 4, "val_check_interval": 5})
    assert not never_validates({"max_steps": 4, "val_check_interval": 5, "accumulate_grad_batches": 2})


def test_the_least_values_pass() -> None:
    """One step, a validation after every batch, no log, no clipping, no validation batches, nothing accumulated."""
    least = {"accumulate_grad_batches": 1, "gradient_clip_val": 0, "limit_val_batches": 0, "log_every_n_steps": 0}
    check_trainer({**FINE, **least, "max_steps": 1, "val_check_interval": 1})
    check_trainer({"max_steps": 1})


def test_half_precision_needs_a_gpu_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with one, training on the processor still refuses it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(UserError, match="16-mixed on a GPU"):
        check_trainer({**FINE, "precision": "16-mixed"})
    check_trainer({**FINE, "precision": "16-mixed", "accelerator": "auto"})


@pytest.mark.parametrize(
    "settings", [{"max_steps": 4, "val_check_interval": 4}, {"max_steps": 4}, {"val_check_interval": 5}]
)
def test_a_validation_after_the_last_step_is_one(settings: dict[str, Any]) -> None:
    """An interval as long as the training ends in a validation; without either number nothing is claimed."""
    assert not never_validates(settings)
