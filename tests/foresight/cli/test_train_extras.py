"""Usual habits of trainings, by the words that switch them on, on a network that trains in a moment."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from foresight.cli.main import main
from foresight.training.best import higher_is_better, improved
from foresight.training.checkpoint import read
from foresight.training.loggers import named_loggers

PACKAGE = '''
import torch
from lightning import Callback
from safetensors.torch import save_file
from torch import nn

from foresight.data.batch import FeatureBatch
from foresight.data.resumable import ResumableData


class Network(nn.Module):
    """One number that grows by the learning rate at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.zeros(1, 1))


class Rows:
    def prepare(self) -> None:
        pass

    def recipe(self) -> dict:
        return {}

    def __len__(self) -> int:
        return 8

    def __getitems__(self, indices) -> FeatureBatch:
        return FeatureBatch({}, ("",) * len(indices), 8.0, torch.tensor(list(indices)))


class Data(ResumableData):
    """A data module of the user's own."""

    settings = {}

    def __init__(self, *, seed: int) -> None:
        super().__init__(train=Rows(), validation=Rows(), workers=0, seed=seed)

    def training_batches(self, start, rank, world):
        while True:
            yield [0, 1]

    def batches_of_a_pass(self, world):
        return 4

    def validation_batches(self, rank, world):
        return [[0, 1]]


def objective():
    def loss(model, batch, generator):
        # Held out, 0.25 is best: the loss falls towards it and rises again.
        held_out = (model.a - 0.25).square().sum()
        return {"loss": -model.a.sum() if model.training else held_out, "psnr": -held_out}

    return loss


class Count(Callback):
    """A callback of the user's own."""

    def on_train_end(self, trainer, pl_module) -> None:
        print(f"counted {trainer.global_step} steps")


class Export:
    folder = "out"

    def write(self, network) -> None:
        save_file({"a": network.a.detach().clone()}, "out.safetensors")
'''
RECIPE = """
# @package _global_
defaults: [override /network: null, override /objective: null, override /data: null]
name: own
network: {_target_: ownhabits.Network}
objective: {_target_: ownhabits.objective}
data: {_target_: ownhabits.Data, seed: "${seed}"}
optimizer:
  groups:
    - {_target_: foresight.training.optimizer.ParameterGroup, pattern: a, learning_rate: 0.1, weight_decay: 0.0}
schedule: {warmup: 0, decay: 0.0}
trainer: {max_steps: 8, val_check_interval: 1, gradient_clip_val: null}
callbacks: {ema: {decay: 0.0}}
export:
  - {_target_: ownhabits.Export}
"""


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of a training of eight steps, in a folder of its own: the number is 0.1, 0.2, … 0.8 after them."""
    (tmp_path / "experiment").mkdir()
    (tmp_path / "ownhabits.py").write_text(PACKAGE)
    (tmp_path / "experiment/own.yaml").write_text(RECIPE.lstrip())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return ["train", "--config-dir=.", "allow=ownhabits", "experiment=own", "trainer.accelerator=cpu", "run=r"]


def written() -> float:
    return float(load_file("out.safetensors")["a"])


def test_the_best_state_is_kept_and_written(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without the word the last state is written, with it the one of the best held-out figure, average included; its
    direction goes by its name."""
    assert main(typed) == 0 and written() == pytest.approx(0.8)
    assert not Path("r/best.safetensors").exists()
    for figure, value in (("loss", "0.0025"), ("psnr", "-0.0025")):
        assert main([*typed, f"extras.best={figure}", f"run={figure}"]) == 0
        said = capsys.readouterr().out
        assert written() == pytest.approx(0.2)
        assert f"written as it was at step 2: best {figure}, {value}" in said
        state = read(Path(figure, "best.safetensors"))
        assert float(state["state_dict"]["model.a"]) == pytest.approx(0.2)


def test_training_stops_when_it_has_waited_long_enough(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Best at step 2 (or, as good, 3); three validations without a better one end it, with a line."""
    assert main([*typed, "extras.patience=3"]) == 0
    said = capsys.readouterr().out
    assert "stopped at step 5: loss has not become better than 0.0025" in said and "for 3 validations" in said
    assert written() == pytest.approx(0.5)


def test_figures_that_are_not_there_are_named(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One line with those that there are; a patience of none is refused before anything is read."""
    assert main([*typed, "extras.best=ssim"]) == 2
    assert "loss, psnr" in capsys.readouterr().err
    assert main([*typed, "extras.patience=0"]) == 2
    assert "at least 1 validation" in capsys.readouterr().err
    assert [higher_is_better(name) for name in ("loss", "psnr", "psnr_foreground", "conditioning/gain", "mse")] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert not improved("loss", float("nan"), None) and not improved("loss", float("nan"), 1.0)


def test_several_loggers_are_told_the_configuration_and_the_rates(typed: list[str]) -> None:
    """The table of every run stays; Lightning's own beside it holds figures, rates and what was configured."""
    assert main([*typed, "logger=[csv]", "extras.rates=true", "trainer.log_every_n_steps=1"]) == 0
    with Path("r/csv/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {name for row in rows for name, value in row.items() if value} >= {"validation/loss", "lr-AdamW", "step"}
    told = yaml.safe_load(Path("r/csv/hparams.yaml").read_text())
    assert told["seed"] == 0 and told["trainer"]["max_steps"] == 8
    assert "lr-AdamW" in Path("r/log/metrics.csv").read_text().splitlines()[0]
    assert json.loads(Path("r/config.json").read_text())["seed"] == 0


def test_a_table_of_lightnings_is_kept_where_a_run_goes_on(typed: list[str]) -> None:
    """Its logger empties a folder that it finds: the steps before and after an interruption are in two."""
    typed += ["logger=csv", "trainer.log_every_n_steps=1"]
    assert main([*typed, "trainer.max_steps=2"]) == 0 and main([*typed, "trainer.max_steps=3"]) == 0
    told = []
    for folder in ("csv", "csv-2"):
        with Path("r", folder, "metrics.csv").open() as file:
            told.append([int(row["step"]) for row in csv.DictReader(file)])
    assert set(told[0]) == {0, 1} and min(told[1]) >= 2


def test_a_short_training_has_a_table_too(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One that ends before the first row is due is logged at its last step; that it does not validate is said with both
    numbers, and what several parts write into one folder is said once."""
    export = "export=[{_target_: ownhabits.Export}, {_target_: ownhabits.Export}]"
    assert main([*typed, "trainer.max_steps=3", "trainer.val_check_interval=5", export]) == 0
    with Path("r/log/metrics.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["2"]  # counted from 0
    said = capsys.readouterr().out
    assert "no validation: trainer.max_steps=3 ends before trainer.val_check_interval=5" in said
    assert said.count("wrote out") == 1


def test_loggers_that_cannot_be_are_one_line(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown name, or a package that is not installed, with what to do."""
    assert main([*typed, "logger=[csv,neptune]"]) == 2
    assert "tensorboard, csv, wandb" in capsys.readouterr().err
    from foresight.training import loggers

    assert not Path("r").exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loggers, "find_spec", lambda name: None)
        assert main([*typed, "logger=tensorboard"]) == 2
        assert "foresight-wm[loggers]" in capsys.readouterr().err
        assert named_loggers([], Path("r")) == []


def test_a_callback_and_a_data_module_of_ones_own(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By allow=PACKAGE and a name each; without it they are refused."""
    mine = "+callbacks.count={_target_: ownhabits.Count}"
    assert main([*typed, mine]) == 0
    assert "counted 8 steps" in capsys.readouterr().out
    assert main([word for word in [*typed, mine, "run=s"] if not word.startswith("allow=")]) == 2
    assert "allow=PACKAGE" in capsys.readouterr().err
