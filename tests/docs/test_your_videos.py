"""From a folder of videos to a verified prediction, by the page's commands as they stand, at tiny size."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from foresight.physics import make_clip
from ltx.media import write_lossless

Follow = Callable[[str, Mapping[str, list[str]], Mapping[str, str]], None]
SMALL = ["ltx.clip=[17,64,64]"]
YOUR_VIDEOS = {
    "encode": SMALL,
    "train": [*SMALL, "trainer=smoke", "trainer.max_steps=1", "data.workers=0"],
    "fit-verifier": [*("cases.clips.frames=17", "frames=[8]", "candidates=2", "noise_levels=[0.5]")],
    "predict": ["candidates=2", "horizon=8"],
}


@pytest.mark.filterwarnings("ignore")
def test_your_videos(follow: Follow, tmp_path: Path) -> None:
    """Forty files, divided by file, become a VAE, a world model and a verifier of their own, and a verdict."""
    (tmp_path / "clips").mkdir()
    for seed in range(40):
        made = make_clip(seed)
        write_lossless(tmp_path / "clips" / f"{seed}.mp4", made.video[:, :17], frame_rate=8)
        (tmp_path / "clips" / f"{seed}.txt").write_text(made.instruction)
    follow(
        "your-videos.md",
        YOUR_VIDEOS,
        {"trainer.max_steps=200": "data.batch=2"},
    )
    figures = json.loads((tmp_path / "runs" / "predict-1" / "metrics.json").read_text())
    assert figures["verdict"]["frames"] == 8 and 0 <= figures["verdict"]["probability"] <= 1
