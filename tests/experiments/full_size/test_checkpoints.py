"""Checkpoints written tensor by tensor are what the readers of the real formats take, and one command runs on them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from experiments.full_size import checkpoints
from experiments.full_size.checkpoints import tiny_sizes, write_text_encoder, write_video_model, write_vlm
from experiments.full_size.measure import CommandFailed, measured
from experiments.full_size.proof import STAGES, commands, table
from foresight import QwenEncoder
from foresight.cli.compose import resolve
from ltx.checkpoint.checkpoint import Checkpoint
from ltx.text import TextEncoder


def test_readers_take_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An official file, a Qwen folder and a T5 in shards, in pieces that are smaller than a tensor: read strictly."""
    monkeypatch.setattr(checkpoints, "BLOCK", 1 << 12)
    sizes = tiny_sizes()
    checkpoint = Checkpoint.from_pretrained(write_video_model(tmp_path / "ltx.safetensors", sizes))
    assert next(checkpoint.transformer.parameters()).dtype == torch.bfloat16
    assert bool(checkpoint.transformer.transformer_blocks[1].attn1.to_q.weight.std() > 0)
    vlm = QwenEncoder.from_pretrained(write_vlm(tmp_path / "vlm", sizes), layers=[1, 2])
    assert len(list((tmp_path / "vlm").glob("*.safetensors"))) > 1
    video = torch.zeros(1, 3, 9, 64, 64)
    assert bool(vlm.encode(video, ["push"], frame_rate=8.0).tokens.isfinite().all())
    text = TextEncoder.from_pretrained(write_text_encoder(tmp_path / "t5", sizes), dtype=torch.float32)
    assert text.width == 32 and bool(text.encode(["push"]).embeddings.any())


def test_a_command_is_measured_and_stopped(tmp_path: Path) -> None:
    """Peak, time and words of a process; one that takes too much or fails is told with what it said."""
    words = [sys.executable, "-c"]
    wanted = "import time; held = bytearray(200_000_000); held[::4096] = b'x' * 48829; time.sleep(1); print('done')"
    found = measured([*words, wanted], folder=tmp_path, limit=1 << 30)
    assert 2e8 < found.own <= found.peak < 4e8 and found.seconds > 0.8 and "done" in found.said
    with pytest.raises(CommandFailed, match=r"more than 0\.1 GB"):
        measured([*words, wanted.replace("sleep(1)", "sleep(60)")], folder=tmp_path, limit=100_000_000)
    with pytest.raises(CommandFailed, match=r"(?s)ended with 3.*broken"):
        measured([*words, "print('broken'); raise SystemExit(3)"], folder=tmp_path, limit=1 << 30)
    assert [row["stage"] for row in table({"encode": found})] == ["encode"]


def test_commands_are_commands(tmp_path: Path) -> None:
    """Every stage's words make a configuration, once the models are there."""
    sizes = tiny_sizes()
    write_video_model(tmp_path / "ltx.safetensors", sizes)
    write_vlm(tmp_path / "vlm", sizes)
    found = commands(tmp_path)
    assert tuple(found) == STAGES
    for words in found.values():
        assert resolve(words[0], words[1:])
