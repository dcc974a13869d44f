"""The moving average of the trained parameters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from foresight.training.ema import EMA


def trainer(step: int = 0) -> Any:
    """All of a trainer that the callback looks at."""
    return SimpleNamespace(global_step=step)


def network() -> Any:
    """A trained weight of 0 and a frozen one of 5."""
    module = nn.ParameterDict({"weight": torch.zeros(2), "frozen": torch.full((2,), 5.0)})
    module["frozen"].requires_grad_(False)
    return module


def started(decay: float = 0.9) -> tuple[EMA, Any, Any]:
    ema, module, at = EMA(decay=decay), network(), trainer()
    ema.on_fit_start(at, module)
    ema.on_train_start(at, module)
    return ema, module, at


def step(ema: EMA, module: Any, at: Any, value: float) -> None:
    """One optimizer step to a value."""
    module["weight"].data.fill_(value)
    at.global_step += 1
    ema.on_train_batch_end(at, module, None, None, 0)


def test_hand_values() -> None:
    """The decay is (1+n)/(10+n) until it reaches its limit."""
    ema, module, at = started(decay=0.15)
    step(ema, module, at, 1.0)
    assert ema.average["weight"].tolist() == pytest.approx([0.9, 0.9])
    step(ema, module, at, 2.0)
    assert ema.average["weight"].tolist() == pytest.approx([0.15 * 0.9 + 0.85 * 2.0] * 2)
    assert ema.updates == 2


def test_only_what_trains_is_averaged() -> None:
    """Frozen parameters have no average, and a batch without an optimizer step changes nothing."""
    ema, module, at = started()
    assert set(ema.average) == {"weight"}
    module["weight"].data.fill_(3.0)
    ema.on_train_batch_end(at, module, None, None, 0)
    assert ema.updates == 0 and ema.average["weight"].tolist() == [0.0, 0.0]


def test_the_average_is_in_float32() -> None:
    """Half-precision parameters are averaged in single precision."""
    ema, module = EMA(decay=0.9), nn.ParameterDict({"weight": torch.ones(2, dtype=torch.bfloat16)})
    ema.on_fit_start(trainer(), module)  # type: ignore[arg-type]
    assert ema.average["weight"].dtype == torch.float32


def test_validation_sees_the_average_and_training_does_not() -> None:
    """The average is in place during validation only, and an error gives the parameters back."""
    ema, module, at = started()
    step(ema, module, at, 1.0)
    average = ema.average["weight"].clone()
    ema.on_validation_start(at, module)
    assert torch.equal(module["weight"], average)
    ema.on_validation_end(at, module)
    assert module["weight"].tolist() == [1.0, 1.0]
    ema.on_validation_start(at, module)
    ema.on_exception(at, module, RuntimeError())
    assert module["weight"].tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError), ema.applied(module):
        assert torch.equal(module["weight"], average)
        raise RuntimeError
    assert module["weight"].tolist() == [1.0, 1.0] and module["frozen"].tolist() == [5.0, 5.0]


def test_a_restored_average_goes_on() -> None:
    """An average that was saved and restored continues as if it had never been."""
    ema, module, at = started()
    step(ema, module, at, 1.0)
    restored = EMA(decay=0.9)
    saved = ema.state_dict()
    average = {name: value.clone() for name, value in saved["average"].items()}
    restored.load_state_dict({"average": average, "updates": saved["updates"]})
    restored.on_fit_start(at, module)
    restored.on_train_start(at, module)
    step(ema, module, at, 2.0)
    at.global_step -= 1
    step(restored, module, at, 2.0)
    assert torch.equal(ema.average["weight"], restored.average["weight"]) and restored.updates == 2


def test_an_average_of_other_parameters_is_refused() -> None:
    """A checkpoint that trained other parameters cannot be continued."""
    ema = EMA(decay=0.9)
    ema.load_state_dict({"average": {"other": torch.zeros(2)}, "updates": 1})
    with pytest.raises(ValueError, match="trained others"):
        ema.on_fit_start(trainer(), network())


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_an_impossible_decay_is_refused(decay: float) -> None:
    """The decay is in [0, 1)."""
    with pytest.raises(ValueError, match="expected a decay"):
        EMA(decay=decay)


def test_an_average_in_place_is_not_put_in_place_again() -> None:
    """A validation inside the average gives the parameters back; before training there is no average to see."""
    ema, module, at = started()
    step(ema, module, at, 1.0)
    with ema.applied(module):
        ema.on_validation_start(at, module)
    assert module["weight"].tolist() == [1.0, 1.0]
    unstarted = EMA(decay=0.9)
    with unstarted.applied(module):
        assert module["weight"].tolist() == [1.0, 1.0]
