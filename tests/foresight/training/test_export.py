"""What training leaves behind: an adapter that says what it was trained on, and a world model that can be run."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from adapters import load_adapter, save_adapter
from foresight import WorldModel
from foresight.training.export import AssembledWorld, TrainingRecord, on_cpu
from foresight.world.training_clips import TrainingClips
from ltx.checkpoint.hub import resolve

TINY = "foresight-tiny"
PUSH = "the red ball is pushed to the left"


def test_a_trained_adapter_becomes_a_world_model(tmp_path: Path, clip: Tensor) -> None:
    """Assembled with the models it was trained between, an adapter predicts as in the world model it was copied from,
    and its folder says which clips it knows."""
    save_adapter(load_adapter(resolve(TINY, "adapter") / "adapter"), tmp_path / "adapter")
    clips = TrainingClips(8.0, 25, 64, 64, 9, {"ltx": TINY})
    TrainingRecord(str(tmp_path / "adapter"), clips).write(nn.Identity())
    AssembledWorld(str(tmp_path / "world"), str(tmp_path / "adapter"), TINY, TINY, TINY, TINY, None).write(
        nn.Identity()
    )
    assert TrainingClips.read(tmp_path / "world" / "adapter") == clips
    mine, theirs = WorldModel.from_pretrained(tmp_path / "world"), WorldModel.from_pretrained(TINY)
    assert mine.sampling_config == theirs.sampling_config
    videos = [one.predict(clip[:, :9], PUSH, 8, seed=2, steps=2).video for one in (mine, theirs)]
    assert torch.equal(*videos)


def test_what_is_written_is_copied_only_where_it_changes() -> None:
    """In the type that it has, a part is not held twice; in another, its values are rounded and its own ones stay."""
    part = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    part[1].weight = part[0].bias
    same, half = on_cpu(part, torch.float32), on_cpu(part, torch.bfloat16)
    for name, tensor in part.state_dict().items():
        assert same.state_dict()[name].data_ptr() == tensor.data_ptr()
        found = half.state_dict()[name]
        assert found.dtype == (torch.bfloat16 if tensor.is_floating_point() else tensor.dtype)
        assert torch.equal(found, tensor.to(found.dtype)) and tensor.dtype != torch.bfloat16
    assert half[1].weight is half[0].bias  # type: ignore[index]
