"""A training ends with everything saved: at its last step in every process, and after Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from foresight.cli import main as command_line
from foresight.cli.command_words import call
from foresight.cli.train import train
from foresight.data.batch import FeatureBatch
from foresight.data.datamodule import StreamData
from foresight.training.checkpoint import path_of_step, read, steps
from foresight.training.extras import Extras
from foresight.training.interrupt import Interrupt
from foresight.training.metrics_log import MetricsLog
from foresight.training.optimizer import GroupedOptimizer, ParameterGroup
from foresight.training.periodic import PeriodicCheckpoint
from foresight.training.schedule import WarmupDecay

STEPS = 5


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


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Ctrl-C is heard as at a terminal, also where the shell of a background run has it ignored, and means the same
    after each test as before."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Process:
    """One process of a distributed training at its end, when the first one has decided."""

    def __init__(self, decided: Any) -> None:
        self.decided = decided
        self.asked: list[Any] = []
        self.saved: list[Path] = []
        self.global_step, self.is_global_zero = STEPS, False
        self.strategy = SimpleNamespace(broadcast=self._broadcast)

    def _broadcast(self, own: Any) -> Any:
        self.asked.append(own)
        return self.decided

    def save_checkpoint(self, path: Path) -> None:
        self.saved.append(path)


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("decided", [False, True])
def test_all_processes_save_the_end_or_none_does(tmp_path: Path, there: bool, decided: bool) -> None:
    """Saving is collective: whatever a process finds in the folder, it saves if and only if the first one does."""
    process = Process(decided)
    if there:
        path_of_step(tmp_path, STEPS).touch()
    callback: Any = PeriodicCheckpoint(folder=str(tmp_path), minutes=3, keep=2)
    callback.on_train_end(process, None)
    assert process.asked == [not there]
    assert process.saved == ([path_of_step(tmp_path, STEPS)] if decided else [])


TWO = """
import runpy, sys, time
from datetime import timedelta
from lightning import Callback, Trainer
from lightning.pytorch.strategies import DDPStrategy

here = runpy.run_path(sys.argv[1])
class Late(Callback):
    def on_train_end(self, trainer, pl_module):
        time.sleep(1.5 * trainer.global_rank)

strategy = DDPStrategy(start_method="fork", process_group_backend="gloo", timeout=timedelta(seconds=60))
here["of_run"](sys.argv[2], here["STEPS"], Late(), devices=2, strategy=strategy)
"""


def test_two_processes_end_well_when_one_is_late(tmp_path: Path) -> None:
    """Two real processes: the second looks into the folder when the first has long written the last checkpoint.

    Left to what it sees it would go home, and the first one, waiting for it, would end with an error.
    """
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", TWO, __file__, str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert read(path_of_step(tmp_path / "checkpoints", STEPS))["global_step"] == STEPS


def of_run(folder: str | Path, last: int, *more: Callback, **trainer: Any) -> None:
    """Train a small network as the command does."""
    torch.manual_seed(1)
    call(
        train,
        network=nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 4)),
        objective=denoising,
        data=StreamData(train=Rows(), validation=Rows(), batch=2, workers=0, seed=5),
        optimizer=GroupedOptimizer(optimizer=partial(torch.optim.AdamW), groups=[ParameterGroup(".*", 0.05, 0.01)]),
        schedule=WarmupDecay(steps=STEPS, warmup=2, decay=0.5),
        trainer=partial(
            Trainer,
            **{
                "accelerator": "cpu",
                "devices": 1,
                "max_steps": last,
                "logger": MetricsLog(folder=str(Path(folder) / "log")),
                "log_every_n_steps": 1,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "num_sanity_val_steps": 0,
                "val_check_interval": 2,
                "check_val_every_n_epoch": None,
                "use_distributed_sampler": False,
                **trainer,
            },
        ),
        callbacks={
            **{str(number): callback for number, callback in enumerate(more)},
            "checkpoint": PeriodicCheckpoint(folder=str(Path(folder) / "checkpoints"), minutes=60, keep=2),
        },
        export=[],
        logger=[],
        extras=Extras(),
        run=str(folder),
        seed=3,
        config={},
    )


class CtrlC(Callback):
    """Presses it in the middle of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("pressed", [2, 3], ids=["without validation", "before a validation"])
def test_ctrl_c_saves_the_step_says_so_and_the_run_goes_on(tmp_path: Path, capsys: Any, pressed: int) -> None:
    """Pressed in the middle of a step, that step is done and saved, one line on stderr names the file, and the same
    command ends at what it would have been; the log holds every step once.
    """
    with pytest.raises(KeyboardInterrupt):
        of_run(tmp_path / "run", STEPS, CtrlC(pressed))
    saved = path_of_step(tmp_path / "run/checkpoints", pressed + 1)
    assert steps(saved.parent) == [saved]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("foresight: ")]
    assert said == [f"foresight: interrupted; the same command goes on from {saved}"]
    of_run(tmp_path / "run", STEPS)
    of_run(tmp_path / "whole", STEPS)
    found, whole = (read(path_of_step(tmp_path / name / "checkpoints", STEPS)) for name in ("run", "whole"))
    assert found["position"] == whole["position"]
    assert all(torch.equal(found["state_dict"][name], value) for name, value in whole["state_dict"].items())
    tables = [(tmp_path / name / "log/metrics.csv").read_text().splitlines() for name in ("run", "whole")]
    assert sorted(tables[0]) == sorted(tables[1]) and len(tables[0]) == 1 + STEPS + STEPS // 2
    of_run(tmp_path / "run", STEPS)
    assert (tmp_path / "run/log/metrics.csv").read_text().splitlines() == tables[0], "a finished run started again"


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code by which a shell knows it."""

    def pressed(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "_run", pressed)
    assert command_line.main(["train"]) == 130


def test_the_second_press_acts_at_once(capfd: Any) -> None:
    """The first is remembered and told how to insist; given back, the signal is as before; ignored, it stays so."""
    before = signal.getsignal(signal.SIGINT)
    interrupt = Interrupt()
    interrupt.listen()
    os.kill(os.getpid(), signal.SIGINT)
    assert interrupt.asked and "again" in capfd.readouterr().out
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    interrupt.ignore()
    interrupt.ignore()
    assert signal.getsignal(signal.SIGINT) is before
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupt.listen()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN and not interrupt.asked
