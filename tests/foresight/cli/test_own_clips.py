"""One's own clips on the command line: what is said of them before anything slow begins, and a verifier of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from foresight.cli import console
from foresight.cli.console import progress_bar
from foresight.cli.main import main
from foresight.data.reconstruction import FOLDER, SAMPLE, measured, sampled
from foresight.data.videos import VideoClips
from foresight.verify import Verifier
from foresight.world.domain import drawn_by
from ltx.media import read_video, write_lossless
from ltx.vae import VideoVAE


def stripes(number: int, frames: int = 33, size: int = 64, rate: float = 8.0) -> torch.Tensor:
    """Black stripes that drift over white: nothing that the embedded model has seen."""
    column, frame = torch.arange(size * 3 // 2), torch.arange(frames)
    phase = (column[None] + number * 7 + (frame[:, None] / rate * 16).round()) % 16
    return (1 - 2.0 * (phase < 5))[None, :, None, :].expand(3, -1, size, -1).contiguous()


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of eight files and no words, in a place of its own."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "clips"
    folder.mkdir()
    for number in range(8):
        write_lossless(folder / f"{number}.mp4", stripes(number, rate=16.0), frame_rate=16.0)
    write_lossless(folder / "brief.mp4", stripes(0, frames=8), frame_rate=16.0)
    return folder


ENCODE = ["encode", "data=video_latents", "paths.videos=clips", "ltx.clip=[9,64,64]", "clips.every=0.5s"]
PLACES = ["paths.cache=cache"]


def test_encode_says_what_becomes_of_the_videos_and_how_they_are_drawn(
    videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a row is cached: division, clips and too short files, cropping, rates, and the reconstruction of a sample
    with the remedy where it is bad. Encoded again, the figure is read, not measured."""
    assert main([*ENCODE, *PLACES]) == 0
    said = capsys.readouterr().out
    lines = " ".join(said.split())
    assert "train: 6 of 9 files for train" in lines and "validation: 1 of 9 files for validation" in lines
    assert "clips by windows of 1 s every 0.5 s" in lines and "lose 33 % of the picture" in lines
    assert "resampled to 8 frames a second" in lines and "from 16" in lines
    assert lines.index("reconstruction through the VAE") < lines.index("rows of latents")
    assert "experiment=finetune/vae" in lines and "below 16, nothing is judged" in lines

    source = VideoClips(folder=videos, split="train", frames=9, frame_rate=8.0, size=(64, 64), every="0.5s")
    vae = VideoVAE.from_pretrained("foresight-tiny", dtype=torch.float32)
    found = measured((video, drawn_by(vae, video)) for video in sampled(source))
    assert f"{found.psnr:.1f} dB ({min(SAMPLE, len(source))} clips, the worst {found.worst:.1f})" in lines
    kept = next((videos.parent / "cache" / FOLDER).glob("*.json"))
    kept.write_text(json.dumps({"psnr": 12.3, "worst": 1.2, "clips": 3}))
    assert main([*ENCODE, *PLACES]) == 0
    assert "12.3 dB (3 clips, the worst 1.2)" in " ".join(capsys.readouterr().out.split())


def test_the_figure_is_that_of_all_clips_and_of_the_worst() -> None:
    """Errors of 0.01 and 0.03 on [0, 1] squared: 10 log10 of their mean, and of the larger."""
    zeros = torch.zeros(1, 3, 9, 4, 4)
    found = measured([(zeros, zeros + 0.2), (zeros, zeros + 0.6)])
    assert (round(found.psnr, 2), round(found.worst, 2), found.clips) == (13.01, 10.46, 2) and found.poor
    assert "below 16, nothing is judged: do this" in found.sentence("do this")
    near = measured([(zeros, zeros + 0.2)])
    assert "below 22, predictions come with a warning" in near.sentence("do this")
    good = measured([(zeros, zeros + 0.02)])
    assert not good.poor and "do this" not in good.sentence("do this")


def test_training_says_it_too_and_goes_on(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The VAE's own training prints the figure it starts from; it is the remedy."""
    words = ["train", "experiment=finetune/vae", "trainer=smoke", "paths.videos=clips", "ltx.clip=[9,64,64]"]
    words += ["callbacks.films.clips=1"]
    assert main([*words, "data.workers=0", "data.batch=2", "objective.lengths=[9]", "clips.skip=[short]"]) == 0
    lines = " ".join(capsys.readouterr().out.split())
    film = read_video("runs/finetune/vae/films/step-000000002-0.mp4").video
    assert film.shape == (3, 9, 64, 128)
    held_out = VideoClips(folder=videos, split="validation", frames=9, frame_rate=8.0, size=(64, 64))
    assert float((film[..., :64] - held_out.__getitems__([0]).video[0]).abs().mean()) < 0.1
    assert "reconstruction through the VAE" in lines and "that is what this training is for" in lines
    assert "wrote runs/finetune/vae/vae" in lines


def test_a_transformer_trains_on_pictures_and_clips_of_several_kinds(
    videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind has its own clips of every file that is long enough for it, another one is a word, and what comes of it
    is a world model; a kind that is none is one line."""
    words = ["train", "experiment=finetune/transformer_mixed", "trainer=smoke", "paths.videos=clips", *PLACES]
    words += ["ltx.clip=[17,64,64]", "clips.skip=[short]", "data.tokens_per_batch=24", "trainer.max_steps=4"]
    assert main([*words, "data.train.kinds.short=[9]"]) == 2
    assert "[frames, height, width]" in capsys.readouterr().err
    assert main([*words, "+data.train.kinds.wide=[9,32,64]", "logger=csv", "trainer.log_every_n_steps=1"]) == 0
    lines = " ".join(capsys.readouterr().out.split())
    for kind in ("usual", "short", "pictures", "wide"):
        assert f"train: {kind}: 6 of 9 files for train" in lines
    assert "wide: cropped to the middle 64×32" in lines
    assert Path("runs/finetune/transformer_mixed/world/model_index.json").is_file()


def test_without_a_terminal_progress_is_a_line_with_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not more than one in half a minute; the time left counts from where the work began."""
    now = iter([100.0, 110.0, 131.0, 132.0, 170.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(now))
    with progress_bar("encoding") as progress:
        for done in (4, 10, 11, 24):
            progress(done, 44)
    assert capsys.readouterr().err.splitlines() == [
        "encoding: 10 of 44 · 0:02:55 left",
        "encoding: 24 of 44 · 0:01:10 left",
    ]


def test_a_verifier_is_fitted_on_a_folder_of_videos(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No words, no states, a world that the model cannot draw: what cannot be known is left out with a word, the
    figure and its remedy are said, and a verifier is written all the same."""
    assert main(["assemble", "ltx=tiny", "to=world"]) == 0
    words = ["fit-verifier", "model=./world", "cases=videos", "paths.videos=clips", "cases.clips.split=null"]
    words += [
        "clips.skip=[short]",
        "cases.clips.frames=17",
        "frames=[8]",
        "candidates=2",
        "noise_levels=[0.5]",
        "to=verifier",
    ]
    assert main(words) == 0
    lines = " ".join(capsys.readouterr().out.split())
    assert "no plausibilities: nobody knows" in lines and "experiment=finetune/vae" in lines
    verifier = Verifier.from_pretrained("verifier")
    assert verifier.plausibilities == ()
    assert "flow_frozen" in verifier.signals and "flow_told" not in verifier.signals
    assert "nothing is ever told in these clips: flow_told left out" in lines
    assert main([*words, "to=other", "cases.clips.frame_rate=16"]) == 2
    assert "cases.clips.frame_rate=8" in capsys.readouterr().err and not Path("other").exists()
