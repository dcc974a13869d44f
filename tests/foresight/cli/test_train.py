"""`foresight train` as it is typed, on a network of the user's own that trains in a moment."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from foresight.cli.main import main
from foresight.training.checkpoint import path_of_step, read

PACKAGE = '''
import warnings

import torch
from torch import nn

from foresight.data.batch import FeatureBatch


class Network(nn.Module):
    """One layer that trains, and one that stays."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4).eval()


class Rows:
    def __init__(self, *, count: int) -> None:
        self.count = count

    def prepare(self) -> None:
        pass

    def recipe(self) -> dict:
        return {"count": self.count}

    def __len__(self) -> int:
        return self.count

    def __getitems__(self, indices) -> FeatureBatch:
        rows = torch.tensor(list(indices))
        return FeatureBatch({"x": torch.sin(torch.arange(4.0) + rows[:, None])}, ("",) * len(rows), 8.0, rows)


def objective(*, sentence: str = ""):
    def loss(model, batch, generator):
        if sentence:
            warnings.warn(sentence, stacklevel=1 + len(batch) % 2)
        return {"loss": (model.a(batch["x"]) - batch["x"]).square().mean()}

    return loss
'''
RECIPE = """
# @package _global_
defaults: [override /network: null, override /objective: null, override /data: null]
name: own
network: {_target_: ownpackage.Network}
objective: {_target_: ownpackage.objective}
data:
  _target_: foresight.data.datamodule.StreamData
  batch: 4
  workers: 0
  seed: ${seed}
  train: {_target_: ownpackage.Rows, count: 16}
  validation: {_target_: ownpackage.Rows, count: 8}
optimizer:
  groups:
    - {_target_: foresight.training.optimizer.ParameterGroup, pattern: a.*, learning_rate: 1.0e-2, weight_decay: 0.0}
"""


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of a training of two steps, in a folder of its own."""
    (tmp_path / "experiment").mkdir()
    (tmp_path / "ownpackage.py").write_text(PACKAGE)
    (tmp_path / "experiment/own.yaml").write_text(RECIPE.lstrip())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return ["train", "--config-dir=.", "allow=ownpackage", "experiment=own", "trainer=smoke", "run=r"]


def test_a_run_goes_on_with_more_steps(typed: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It says where it goes on and when nothing is left; no log of an earlier part is lost; nothing is on stderr."""
    assert main(typed) == 0
    assert main([*typed, "trainer.max_steps=4"]) == 0
    said = capfd.readouterr()
    assert "going on from r/checkpoints/step-000000002" in said.out and "nothing is left" not in said.out
    assert "step 4 held out" in said.out and said.err == ""
    assert main([*typed, "trainer.max_steps=3"]) == 0
    assert "nothing is left to train: it holds all of trainer.max_steps=3" in capfd.readouterr().out
    rows = (tmp_path / "r/log/metrics.csv").read_text().splitlines()
    assert any(",1," in row or row.startswith("1,") for row in rows) and len(rows) > 4, rows


def test_a_callback_that_is_null_is_left_out(
    typed: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without the average of the weights a training runs, goes on, and says nothing of it; so with short epochs."""
    assert main([*typed, "callbacks.ema=null", "trainer.limit_train_batches=1"]) == 0
    assert main([*typed, "callbacks.ema=null", "trainer.limit_train_batches=1", "trainer.max_steps=4"]) == 0
    assert capfd.readouterr().err == ""
    assert not any("EMA" in name for name in read(path_of_step(tmp_path / "r/checkpoints", 4))["callbacks"])


def test_a_training_that_ends_early_says_so(typed: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """What is written after less than all steps is not taken for the whole training's."""
    assert main([*typed, "trainer.max_time=00:00:00:00"]) == 0
    assert "ended early: step 0 of trainer.max_steps=2" in capfd.readouterr().out
    assert main(typed) == 0
    assert "ended early" not in capfd.readouterr().out


def test_a_warning_is_one_line_said_once(typed: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """Without the file that warns, whatever the sentence holds and however often it is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        before = warnings.showwarning
        assert main([*typed, "objective.sentence=two\nlines"]) == 0
        assert capfd.readouterr().err == "foresight: two lines\n"
        assert warnings.showwarning is before


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("trainer.overfit_batches=1", "few examples"),
        ("trainer.limit_train_batches=0", "a number of batches"),
        ("trainer.max_epochs=2", "trainer.max_steps="),
        ("trainer.fast_dev_run=true", "trainer=smoke"),
        ("trainer.val_check_interval=0.5", "whole number"),
        ("trainer.accumulate_grad_batches=0", "at least 1"),
        ("trainer.max_time=soon", "DD:HH:MM:SS"),
        ("trainer.limit_val_batches=0.01", "limit_val_batches"),
        ("data.batch=0", "batch"),
        ("data.batch=100000000000000", "from 1 to 65536"),
        ("data.workers=1000000000", "from 0 to 1024"),
        ("trainer.max_steps=100000000000000000000", "below 2³¹"),
        ("trainer.devices=1000000000", "at most 1024"),
        ("data.train.count=0", "size"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(
    typed: list[str], word: str, named: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What it is about, and what to use; never called a defect of the program."""
    assert main([*typed, word]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1 and named in lines[0], lines


@pytest.mark.parametrize(
    "word", ["trainer.max_time=00:00:10:00", "trainer.limit_val_batches=0.5", "trainer.limit_val_batches=0"]
)
def test_limits_of_lightning_work(typed: list[str], word: str, tmp_path: Path) -> None:
    """The training ends, with its checkpoint."""
    assert main([*typed, word]) == 0
    assert (tmp_path / "r/checkpoints/step-000000002.safetensors").is_file()
