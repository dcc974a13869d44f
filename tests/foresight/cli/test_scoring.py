"""Scores of a prediction and of what needs no model, by hand."""

from __future__ import annotations

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from foresight.cli import scoring
from foresight.video.lengths import LengthPolicy


def test_a_row_by_hand() -> None:
    """Errors of 0.1 and 0.001 are 0.0505 on average, 12.97 dB; similarities of ½ and 1 are ¾."""
    found = scoring.Score("a", (0.1, 0.001), (0.5, 1.0))
    assert found.row() == {"": "a", "PSNR (dB)": "12.97", "SSIM": "0.7500", "MSE": "0.05050"}
    assert asdict(found.report()) == {
        "psnr": pytest.approx(12.967, abs=1e-3),
        "ssim": 0.75,
        "mse": pytest.approx(0.0505),
        "mse_per_frame": [0.1, 0.001],
    }


@pytest.mark.parametrize("given", [1, 2])
def test_one_frame_is_not_extrapolated(monkeypatch: pytest.MonkeyPatch, given: int) -> None:
    """A context of one frame has no motion; everything else is scored on as many frames as were observed."""
    observed = torch.zeros(3, 2, 8, 8)
    monkeypatch.setattr(scoring, "reconstructed", lambda model, clip, happened: happened)
    model: Any = None
    clip: Any = SimpleNamespace(context=torch.ones(3, given, 8, 8))
    rows = scoring.score_all(model, clip, torch.zeros(3, 8, 8, 8), observed)
    linear = [scoring.LINEAR] if given > 1 else []
    assert [row.name for row in rows] == [scoring.PREDICTION, scoring.COPY, *linear, scoring.CEILING]
    assert rows[0].mse == (0.0, 0.0) and rows[1].mse == (0.25, 0.25)


@pytest.mark.parametrize("frames", [5, 8, 16])
def test_what_happened_is_filled_up_for_the_vae(monkeypatch: pytest.MonkeyPatch, frames: int) -> None:
    """Behind nine given frames, to a multiple of eight, by its last frame; the filling is cut off again."""
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(scoring, "reconstruct", lambda model, whole: seen.append(whole) or whole)
    observed = torch.arange(float(frames)).view(1, -1, 1, 1).expand(3, -1, 2, 2)
    clip: Any = SimpleNamespace(context=torch.full((3, 9, 2, 2), -1.0), lengths=LengthPolicy(9, frames))
    model: Any = None
    assert torch.equal(scoring.reconstructed(model, clip, observed), observed)
    assert seen[0].shape[2] == 9 + (16 if frames == 16 else 8) and float(seen[0][0, 0, -1, 0, 0]) == frames - 1
