"""Figures of reconstructions, and the picture of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.tiny.vae_quality import EVERY, LARGER, measure, sheet, wide
from foresight.physics import PhysicsConfig, SimulatedSplit


def test_reconstructions_by_hand() -> None:
    """An exact one but for a step of .1 is 26.02 dB away, as sharp, with all bodies; an empty one misses them all."""
    clips = list(SimulatedSplit(PhysicsConfig(), "validation", 2))
    shifted = measure(clips, [clip.tensor + 0.1 for clip in clips])
    assert shifted["dB"].value == pytest.approx(20 + 20 * np.log10(2), abs=1e-3)
    assert shifted["sharpness"].value == pytest.approx(1.0)
    assert shifted["missed"].value == 0 and shifted["position error (px)"].value < 1
    blank = measure(clips, [torch.zeros_like(clip.tensor) for clip in clips])
    assert blank["sharpness"].value == 0 and blank["missed"].value == 1


def test_noisy_cameras_say_nothing_of_sharpness() -> None:
    """Of clips of the wide world, those with a noisy camera are left out of that figure alone."""
    clips = list(SimulatedSplit(wide(), "validation", 12))
    still = [clip for clip in clips if clip.scene.look.noise == 0]
    assert 0 < len(still) < len(clips)
    found = measure(clips, [clip.tensor + 0.1 for clip in clips])
    assert found["sharpness"].clips == len(still) and found["missed"].clips == len(clips)


def test_picture_shows_clips_above_reconstructions(tmp_path: Path) -> None:
    """Three frames of each clip, then three of what was drawn, a column for each clip."""
    clips = list(SimulatedSplit(PhysicsConfig(), "validation", 2))
    sheet(clips, [-torch.ones_like(clip.tensor) for clip in clips], tmp_path / "sheet.png")
    picture = np.asarray(Image.open(tmp_path / "sheet.png"))
    size = 64 * LARGER
    assert picture.shape == (6 * size, 2 * size, 3)
    assert (picture[3 * size :] == 0).all()
    last = ((clips[1].tensor[:, ::EVERY][:, -1] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(picture[2 * size : 3 * size : LARGER, size::LARGER], last)
