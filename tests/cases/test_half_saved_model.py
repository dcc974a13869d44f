"""A process that is killed while it saves a world model over an older one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch

from foresight import WorldModel


def test_no_mix_of_two_models_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two parts: what is read afterwards is refused, or wholly one of the two."""
    model = WorldModel.from_pretrained("foresight-tiny", device="cpu")
    model.save_pretrained(tmp_path)
    first = [next(iter(part.parameters())).detach().clone() for part in (model.vae, model.transformer)]
    if (child := os.fork()) == 0:
        for part in (model.vae, model.transformer):
            for parameter in part.parameters():
                parameter.data.mul_(2)
        monkeypatch.setattr(
            type(model.transformer), "save_pretrained", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        )
        model.save_pretrained(tmp_path)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    try:
        read = WorldModel.from_pretrained(tmp_path, device="cpu")
    except ValueError:
        return
    now = [next(iter(part.parameters())) for part in (read.vae, read.transformer)]
    assert len({torch.equal(a, b) for a, b in zip(now, first, strict=True)}) == 1
