"""Progress lines: losses, pace and time left by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from foresight.training.progress import ProgressLine


class Clock:
    """A trainer and the time, both moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, max_steps: int = 25) -> None:
        self.now = 100.0
        monkeypatch.setattr("foresight.training.progress.time.monotonic", lambda: self.now)
        self.trainer: Any = SimpleNamespace(global_step=5, max_steps=max_steps, is_global_zero=True)
        self.line = ProgressLine(seconds=10)
        self.line.on_train_start(self.trainer, None)  # type: ignore[arg-type]  # no module is looked at

    def batch(self, *, at: float, step: int, loss: float | None) -> None:
        """The end of a batch."""
        self.now, self.trainer.global_step = at, step
        outputs = None if loss is None else {"loss": torch.tensor(loss)}
        self.line.on_train_batch_end(self.trainer, None, outputs, None, 0)  # type: ignore[arg-type]


def test_a_line_averages_since_the_one_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Losses 1 and 3 over two steps in 10 s: 2 at 5 s a step, and 18 steps left; the next line begins anew."""
    clock = Clock(monkeypatch)
    clock.batch(at=103, step=6, loss=1.0)
    assert capsys.readouterr().out == ""
    clock.batch(at=110, step=7, loss=3.0)
    assert capsys.readouterr().out == "step 7/25 · loss 2 · 5 s a step · 0:01:30 left\n"
    clock.batch(at=115, step=8, loss=4.0)
    clock.batch(at=130, step=9, loss=6.0)
    assert capsys.readouterr().out == "step 9/25 · loss 5 · 10 s a step · 0:02:40 left\n"


def test_batches_without_a_loss_or_a_step(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch that returns nothing is not averaged; accumulated batches print nothing before their step."""
    clock = Clock(monkeypatch, max_steps=-1)
    clock.batch(at=120, step=5, loss=2.0)
    assert capsys.readouterr().out == ""
    clock.batch(at=121, step=6, loss=None)
    assert capsys.readouterr().out == "step 6/-1 · loss 2 · 21 s a step\n"


def test_one_process_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of steps and of validations come from the first process, and none from the check before training."""
    clock = Clock(monkeypatch)
    clock.trainer.callback_metrics = {"validation/loss": torch.tensor(0.5), "loss": torch.tensor(7.0)}
    for zero, checking, said in ((True, False, "step 5 held out: loss 0.5\n"), (True, True, ""), (False, False, "")):
        clock.trainer.is_global_zero, clock.trainer.sanity_checking = zero, checking
        clock.line.on_validation_end(clock.trainer, None)  # type: ignore[arg-type]
        assert capsys.readouterr().out == said
    clock.batch(at=130, step=6, loss=1.0)
    assert capsys.readouterr().out == ""
