"""Checkpoints written tensor by tensor are what the readers of the real formats take, and one command runs on them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from experiments.full_size import checkpoints
from experiments.full_size.checkpoints import tiny_sizes, write_text_encoder, write_video_model, write_vlm
from experiments.full_size.measure import CommandFailed, Measured, measured
from experiments.full_size.proof import STAGES, foretold, prove, recorded, table
from foresight import QwenEncoder
from foresight.cli.main import main
from ltx.bundle.checkpoint import Checkpoint
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


def test_every_stage_runs_on_what_is_written(tmp_path: Path) -> None:
    """From encoding to a judged prediction, by the words of the proof, at a size that takes seconds."""

    def here(words: Sequence[str], root: Path) -> Measured:
        assert main(list(words)) == 0, words
        return Measured(1, 1, 1.0, "")

    found = prove(tmp_path, tiny_sizes(), STAGES, here)
    assert recorded(tmp_path) == found
    rows = table(found, foretold(tmp_path))
    assert [row["stage"] for row in rows] == list(STAGES)
    assert all(float(row["plan says, GB"]) > 0.5 for row in rows if row["stage"] != "assemble")
    parts = {path.name for path in (tmp_path / "world").iterdir()}
    assert "adapter" in parts and "text_encoder" not in parts and "vlm" not in parts
    assert (tmp_path / "judged" / "metrics.json").is_file()
