"""The commands that the pages show are run as they stand, at tiny size."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from foresight.physics import make_clip
from ltx.media import read_video, write_lossless

Follow = Callable[[str, Mapping[str, list[str]], Mapping[str, str]], None]
PICTURE = ["height=64", "width=64", "frame_rate=8", "frames=17"]
TRAINING = ["trainer=smoke", "trainer.max_steps=2", "ltx=tiny"]
YOUR_MODELS = {
    "assemble": ["sampling.steps=2"],
    "predict": ["candidates=2"],
    "train": TRAINING[:2],
    "fit-verifier": [
        *("candidates=2", "frames=[8]", "noise_levels=[0.7]", "signals=[flow_told]", "plausibilities=[agreement]"),
        *("cases.negatives=1", "cases.kinds=[reversed]"),
    ],
}
SMALL = {"4": "2", "[512,768]": "[64,64]", "[121,512,768]": "[25,64,64]", "25": "8", "121": "25"}
FEWER = {"121": "17", "120": "16", "96": "8", "20": "2"}


@pytest.mark.filterwarnings("ignore")
def test_generate(follow: Follow, tmp_path: Path) -> None:
    """Every way to make a video writes one of the length and the preset that was asked for."""
    follow("generate.md", {"generate": PICTURE}, FEWER)
    for run in ("generate-1", "from_picture", "key_frames", "forwards", "backwards", "oil", "fine", "ink", "edges"):
        assert read_video(tmp_path / "runs" / run / "video.mp4").video.shape == (3, 17, 64, 64), run
        figures = json.loads((tmp_path / "runs" / run / "metrics.json").read_text())
        assert figures["preset"] == ("distilled" if run == "fine" else "ltxv-2b-0.9.8-distilled")
    assert sorted(path.name for path in (tmp_path / "runs" / "waves").glob("*.mp4")) == [
        "video.mp4",
        "video_1.mp4",
        "video_2.mp4",
        "video_3.mp4",
    ]
    assert json.loads((tmp_path / "runs" / "guided" / "metrics.json").read_text())["preset"] == "plain"


@pytest.mark.filterwarnings("ignore")
def test_your_models(follow: Follow, tmp_path: Path) -> None:
    """Parts on the disk become a folder that predicts and is judged; what the page trains becomes another."""
    calibration = tmp_path / "videos" / "calibration"
    calibration.mkdir()
    for seed in range(8):
        made = make_clip(100 + seed)
        write_lossless(calibration / f"{seed}.mp4", made.video, frame_rate=8)
        (calibration / f"{seed}.txt").write_text(made.instruction)
    follow("your-models.md", YOUR_MODELS, SMALL)
    for run in ("predict-1", "predict-2", "transformer"):
        assert (tmp_path / "runs" / run).is_dir()
    judged = json.loads((tmp_path / "runs" / "judged" / "metrics.json").read_text())
    assert judged["verdict"]["decision"] in ("accept", "reject", "abstain")


@pytest.mark.filterwarnings("ignore")
def test_devices(follow: Follow, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is offloaded the video is the same; each command says in a line what it decided."""
    shorter = {"generate": [*PICTURE, "preset=distilled"], "predict": ["verifier=none", "candidates=1", "horizon=8"]}
    follow("devices.md", shorter)
    videos = [tmp_path / "runs" / run / "video.mp4" for run in ("chosen", "parts", "blocks")]
    chosen, parts, blocks = (path.read_bytes() for path in videos)
    assert chosen == parts != blocks  # float8 is another model
    said = capsys.readouterr().out
    for words in ("offload=none:", "offload=parts:", "offload=blocks, float8:"):
        assert words in said
    assert read_video(videos[2]).video.shape == (3, 17, 64, 64)
