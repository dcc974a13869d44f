"""Training refuses what would train nothing, something else, or for ever the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from foresight.reproducibility.tensor_tree import flatten, unflatten
from foresight.training.checkpoint import CorruptCheckpointError, read, write
from foresight.training.conditioning_watch import _adapted
from foresight.training.export import Export
from foresight.training.guard import FiniteGuard
from foresight.training.lora import joined_lora
from foresight.training.objective import WeightedSum
from foresight.training.objectives.flow import TextFlow
from foresight.training.objectives.vae import Reconstruction
from foresight.training.optimizer import GroupedOptimizer
from foresight.training.recompute import recompute

NOTHING: Any = None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightedSum(terms={}, weights={}), "a weight for each term"),
        (lambda: WeightedSum(terms={"a": NOTHING}, weights={"b": 1.0}), r"terms \['a'\] and weights \['b'\]"),
        (lambda: Reconstruction(stages=[], divergence=0, level=0, momentum=0), "at least one stage"),
        (lambda: GroupedOptimizer(optimizer=torch.optim.AdamW, groups=[]), "at least one parameter group"),
        (lambda: Export("a", "", "float8"), "a precision out of .*'float8'"),
        (lambda: recompute(nn.Sequential(nn.Linear(1, 1)), "blocks"), "'blocks' to match a submodule"),
        (lambda: joined_lora(where="nowhere", rank=0, alpha=1, targets=["to_q"], lora=None, recompute=False), "rank"),
        (
            lambda: TextFlow(
                text_encoder=None, wording=None, sigmas=NOTHING, given=NOTHING, drop=0.0, dropout=0.1
            ),
            "dropout 0 without a text encoder",
        ),
        (lambda: _adapted(NOTHING), "the training of an adapter .*NoneType"),
    ],
)  # fmt: skip
def test_recipes_that_train_nothing_are_refused(make: Callable[[], object], message: str) -> None:
    """Terms without weights, no stage, no group, a type that is not written, and parts that are not there."""
    with pytest.raises(ValueError, match=message):
        make()


def test_gradients_that_stay_broken_end_the_training() -> None:
    """A few steps are skipped; finite gradients begin the count anew; more in a row than tolerated are an error."""
    guard, module = FiniteGuard(tolerated=1), nn.Linear(1, 1)
    trainer: Any = SimpleNamespace(global_step=7)
    lightning: Any = module

    def step(value: float) -> None:
        for parameter in module.parameters():
            parameter.grad = torch.full_like(parameter, value)
        guard.on_before_optimizer_step(trainer, lightning, NOTHING)

    step(float("nan"))
    assert module.weight.grad is None and guard.skipped == 1
    step(1.0)
    step(float("inf"))
    with pytest.raises(ValueError, match="the 2th step in a row at step 7, in 2 parameters, the first weight"):
        step(float("nan"))


def test_what_is_no_checkpoint_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, tensors of something else, and a disk that does not take it, each named."""
    with pytest.raises(FileNotFoundError, match=r"found no file"):
        read(tmp_path / "a.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "b.safetensors")
    with pytest.raises(CorruptCheckpointError, match=r"in .*b\.safetensors, got format None"):
        read(tmp_path / "b.safetensors")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"could not write the checkpoint .*file/c\.safetensors \(0\.0 MB\)"):
        write({"x": torch.zeros(1)}, tmp_path / "file" / "c.safetensors")


def test_trees_hold_plain_values_and_tensors_alone() -> None:
    """What cannot be written is named by its place, and what was not written here is not guessed at."""
    with pytest.raises(ValueError, match="/a/1 is a object"):
        flatten({"a": [1, object()]})
    text, tensors = flatten({"a": (torch.ones(2), 3)})
    assert unflatten(text, tensors)["a"][1] == 3
    with pytest.raises(ValueError, match="damaged at"):
        unflatten(text, {})
    with pytest.raises(ValueError, match="unknown kind of node 'set'"):
        unflatten(text.replace('"tuple"', '"set"'), tensors)
