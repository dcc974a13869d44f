"""A training that is stopped and resumed is the training that was never stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from torch import Tensor, nn

from foresight.data.batch import FeatureBatch
from foresight.data.datamodule import StreamData
from foresight.training.checkpoint import VerifiedCheckpointIO, newest, path_of_step, read
from foresight.training.ema import EMA
from foresight.training.module import TrainingModule
from foresight.training.optimizer import GroupedOptimizer, ParameterGroup
from foresight.training.periodic import PeriodicCheckpoint
from foresight.training.schedule import WarmupDecay

STEPS = 9


class Rows:
    """Seven rows of four numbers."""

    def prepare(self) -> None:
        pass

    def recipe(self) -> dict[str, Any]:
        return {}

    def __len__(self) -> int:
        return 7

    def __getitems__(self, indices: Sequence[int]) -> FeatureBatch:
        rows = torch.tensor(list(indices))
        values = torch.sin(torch.arange(28.0)).reshape(7, 4)[rows]
        return FeatureBatch({"x": values}, ("",) * len(rows), 8.0, rows)


def denoising(model: nn.Module, batch: FeatureBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
    """Removes noise from the generator, through dropout from the global state."""
    noise = torch.randn(batch["x"].shape, generator=generator)
    return {"loss": (model(batch["x"] + noise) - batch["x"]).square().mean()}


def run(
    folder: Path,
    steps: int,
    *,
    resume: Path | None,
    seed: int = 3,
    accumulate: int = 1,
    limit: float | None = None,
    workers: int = 0,
) -> dict[str, Any]:
    """Train up to a step and return the checkpoint of that step."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 4), nn.Linear(4, 4))
    optimizer = GroupedOptimizer(optimizer=partial(torch.optim.AdamW), groups=[ParameterGroup(r"[02]\..*", 0.05, 0.01)])
    module = TrainingModule(
        model=model,
        objective=denoising,
        optimizer=optimizer,
        schedule=WarmupDecay(steps=STEPS, warmup=2, decay=0.5),
        seed=seed,
    )
    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        max_steps=steps,
        accumulate_grad_batches=accumulate,
        limit_train_batches=limit,
        callbacks=[EMA(decay=0.9), PeriodicCheckpoint(folder=str(folder), minutes=0, keep=100)],
        plugins=[VerifiedCheckpointIO()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        val_check_interval=2 * accumulate,
        check_val_every_n_epoch=None,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
    data = StreamData(train=Rows(), validation=Rows(), batch=2, workers=workers, seed=5)
    trainer.fit(module, data, ckpt_path=None if resume is None else str(resume), weights_only=True)
    return read(path_of_step(folder, steps))


def assert_same(left: Any, right: Any, path: str = "") -> None:
    if isinstance(left, Tensor):
        assert torch.equal(left, right), path
    elif isinstance(left, Mapping):
        assert left.keys() == right.keys(), path
        for key in left:
            assert_same(left[key], right[key], f"{path}/{key}")
    elif isinstance(left, list | tuple):
        assert len(left) == len(right), path
        for index, pair in enumerate(zip(left, right, strict=True)):
            assert_same(*pair, f"{path}/{index}")
    else:
        assert left == right, path


PARTS = ("state_dict", "optimizer_states", "lr_schedulers", "position", "random", "global_step")


@pytest.mark.parametrize(("stop", "accumulate"), [(1, 1), (4, 1), (5, 1), (5, 2)])
def test_resumed_equals_uninterrupted(tmp_path: Path, stop: int, accumulate: int) -> None:
    """Weights, optimizer, schedule, average, noise and data position agree bit for bit after a stop mid-pass."""
    whole = run(tmp_path / "whole", STEPS, resume=None, accumulate=accumulate)
    run(tmp_path / "first", stop, resume=None, accumulate=accumulate)
    resumed = run(tmp_path / "second", STEPS, resume=path_of_step(tmp_path / "first", stop), accumulate=accumulate)
    for part in PARTS:
        assert_same(whole[part], resumed[part], part)
    (average,) = [state for name, state in whole["callbacks"].items() if name.startswith("EMA")]
    (again,) = [state for name, state in resumed["callbacks"].items() if name.startswith("EMA")]
    assert average["updates"] == STEPS
    assert_same(average, again, "average")
    assert_same(whole["StreamData"], resumed["StreamData"], "data")


@pytest.mark.parametrize(
    ("limit", "stop", "accumulate", "workers"), [(3, 3, 1, 0), (3, 4, 1, 0), (0.7, 5, 1, 0), (4, 3, 2, 0), (2, 4, 1, 1)]
)
def test_epochs_of_limited_length_go_on_through_the_data(
    tmp_path: Path, limit: float, stop: int, accumulate: int, workers: int
) -> None:
    """They train on what an endless epoch does, bit for bit, also when stopped in one or between two."""
    whole = run(tmp_path / "whole", STEPS, resume=None, accumulate=accumulate)
    limited: dict[str, Any] = {"accumulate": accumulate, "limit": limit, "workers": workers}
    run(tmp_path / "first", stop, resume=None, **limited)
    resumed = run(tmp_path / "second", STEPS, resume=path_of_step(tmp_path / "first", stop), **limited)
    straight = run(tmp_path / "third", STEPS, resume=None, **limited)
    epochs = [state["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"] for state in (straight, resumed)]
    length = limit if limit > 1 else 2
    assert epochs == 2 * [(STEPS * accumulate - 1) // length]
    for part in PARTS:
        assert_same(whole[part], straight[part], part)
        assert_same(whole[part], resumed[part], part)
    assert_same(whole["StreamData"], resumed["StreamData"], "data")


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    """Another seed of the noise gives other weights, so equality above means something."""
    one = run(tmp_path / "one", 2, resume=None)
    other = run(tmp_path / "other", 2, resume=None, seed=4)
    assert not torch.equal(one["state_dict"]["model.0.weight"], other["state_dict"]["model.0.weight"])


def test_another_seed_is_not_resumed(tmp_path: Path) -> None:
    """A checkpoint of another seed is refused."""
    run(tmp_path / "first", 1, resume=None)
    with pytest.raises(ValueError, match="expected a checkpoint of seed 4"):
        run(tmp_path / "second", 2, resume=path_of_step(tmp_path / "first", 1), seed=4)


def test_frozen_weights_stay_out_of_checkpoints(tmp_path: Path) -> None:
    """Only what trains is saved."""
    state = run(tmp_path, 1, resume=None)["state_dict"]
    assert set(state) == {"model.0.weight", "model.0.bias", "model.2.weight", "model.2.bias"}


class Falling(nn.Module):
    """One weight, whose gradient is 1 whatever comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))


def falling(model: Falling, batch: FeatureBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
    return {"loss": model.weight * 1.0}


def go_on(folder: Path, steps: int) -> dict[str, Any]:
    """Plain gradient descent at a rate that falls from 1 to 0 over the whole training; goes on where it was."""
    groups = [ParameterGroup(".*", 1.0, 0.0)]
    module = TrainingModule(
        model=Falling(),
        objective=falling,
        optimizer=GroupedOptimizer(optimizer=torch.optim.SGD, groups=groups),
        schedule=WarmupDecay(steps=steps, warmup=0, decay=1.0),
        seed=0,
    )
    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        max_steps=steps,
        callbacks=[PeriodicCheckpoint(folder=folder, minutes=100, keep=100)],
        plugins=[VerifiedCheckpointIO()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
    data = StreamData(train=Rows(), validation=Rows(), batch=2, workers=0, seed=5)
    trainer.fit(module, data, ckpt_path=newest(folder), weights_only=True)
    return read(path_of_step(folder, trainer.global_step))


def test_a_finished_run_goes_on_at_the_rates_of_the_longer_one(tmp_path: Path) -> None:
    """Four steps of four, then four more of eight, the first of them already at the new schedule's rate.

    By hand: 1 + 3/4 + 2/4 + 1/4 = 2.5, then 4/8 + 3/8 + 2/8 + 1/8 = 1.25.
    """
    assert float(go_on(tmp_path, 4)["state_dict"]["model.weight"]) == -2.5
    longer = go_on(tmp_path, 8)
    assert float(longer["state_dict"]["model.weight"]) == -3.75
    assert longer["global_step"] == 8 and longer["position"]["batches"] == 8
    assert float(go_on(tmp_path, 8)["state_dict"]["model.weight"]) == -3.75, "nothing is left to do"
