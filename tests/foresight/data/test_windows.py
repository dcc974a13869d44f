"""Several clips of one file, and files divided between training, validation and calibration."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from foresight.data import windows
from foresight.data.split import SPLITS
from foresight.data.videos import VideoClips
from foresight.data.windows import scenes
from foresight.errors import UserError
from ltx.media import probe, write_lossless

RATE, FRAMES = 8.0, 9


def level(number: int) -> float:
    return (number % 25) * 10 / 127.5 - 1


def write(folder: Path, name: str, levels: list[float]) -> None:
    video = torch.tensor(levels)[None, :, None, None].expand(3, -1, 32, 32)
    write_lossless(folder / name, video, frame_rate=RATE)


def table(folder: Path, *names: str, **more: object) -> None:
    rows = [{"file_name": name, "instruction": "go", **more} for name in names]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


def clips(folder: Path, **more: object) -> VideoClips:
    return VideoClips(folder=folder, frames=FRAMES, frame_rate=RATE, size=(32, 32), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("every", ["0.5s", 4])
def test_windows_begin_at_every_stride_and_end_within_the_file(tmp_path: Path, every: str | int) -> None:
    """A file of 25 frames gives the clips from frames 0, 4, 8, 12 and 16 on, of 9 frames each; one of 8 frames none,
    and that is said with the count."""
    write(tmp_path, "long.mp4", [level(number) for number in range(25)])
    write(tmp_path, "brief.mp4", [level(number) for number in range(8)])
    table(tmp_path, "long.mp4", "brief.mp4")
    found = clips(tmp_path, every=every)
    assert [clip.start for clip in found.clips] == [0, 0.5, 1, 1.5, 2]
    pictures = found.__getitems__([1, 4]).video.mean(dim=(1, 3, 4))
    expected = torch.tensor([[level(first + at) for at in range(FRAMES)] for first in (4, 16)])
    torch.testing.assert_close(pictures, expected, atol=0.01, rtol=0)
    said = found.account()[0]
    assert said == "2 files, 5 clips by windows of 1 s every 0.5 s; 1 file too short (brief.mp4)"


def test_a_header_that_promises_too_much_gives_no_clip_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last windows are read: where a file's sound, say, goes on after its pictures, none reaches beyond these."""
    write(tmp_path, "long.mp4", [level(number) for number in range(25)])
    table(tmp_path, "long.mp4")
    longer = replace(probe(tmp_path / "long.mp4"), duration=4.2)
    monkeypatch.setattr(windows, "probe", lambda *told, **more: longer)
    assert [clip.start for clip in clips(tmp_path, every="1s").clips] == [0, 1, 2]


def test_windows_begin_where_the_row_begins(tmp_path: Path) -> None:
    """A row's start is the start of its first window."""
    write(tmp_path, "long.mp4", [level(number) for number in range(25)])
    table(tmp_path, "long.mp4", start=1.25)
    assert [clip.start for clip in clips(tmp_path, every="0.25s").clips] == [1.25, 1.5, 1.75, 2.0]


def test_no_clip_crosses_a_cut(tmp_path: Path) -> None:
    """Scenes of 20, 10 and 5 frames hold two clips, one and none; their frames are all of one scene."""
    write(tmp_path, "cuts.mp4", [-0.5] * 20 + [0.5] * 10 + [0.0] * 5)
    table(tmp_path, "cuts.mp4")
    found = clips(tmp_path, every="scenes")
    assert [clip.start for clip in found.clips] == [0, 9 / RATE, 20 / RATE]
    video = found.__getitems__(range(3)).video
    assert float((video.amax(dim=2) - video.amin(dim=2)).max()) < 0.02
    assert found.account()[0] == "1 file, 3 clips by windows of 1 s side by side in each scene"


def test_fast_motion_and_fades_are_no_cuts() -> None:
    """A picture that changes as much in every frame, or a little more each time, is one scene."""
    flicker = torch.tensor([0.3 * (number % 2) for number in range(20)]).view(1, -1, 1, 1).expand(3, -1, 4, 4)
    fade = torch.linspace(-1, 1, 20).view(1, -1, 1, 1).expand(3, -1, 4, 4)
    assert list(scenes(flicker)) == [(0, 20)] and list(scenes(fade)) == [(0, 20)]


@pytest.mark.parametrize("every", ["2", "fast", 0, "0s", -4])
def test_a_stride_that_is_none_is_refused_at_once(tmp_path: Path, every: str | int) -> None:
    """It is told what a stride is before any file is read."""
    with pytest.raises(UserError, match=r"clips\.every=2s"):
        clips(tmp_path, every=every)


def test_only_short_files_are_refused(tmp_path: Path) -> None:
    """Nothing to train on is an error, with the remedy."""
    write(tmp_path, "brief.mp4", [level(number) for number in range(8)])
    table(tmp_path, "brief.mp4")
    with pytest.raises(UserError, match="all shorter"):
        clips(tmp_path, every="1s").prepare()


def test_a_folder_is_divided_by_file(tmp_path: Path) -> None:
    """Every file is in one part alone with all of its clips, whatever it is called in the table; one more file of
    twenty moves few of the others; 10 % validate and 20 % calibrate."""
    for number in range(20):
        write(tmp_path, f"{number}.mp4", [level(at) for at in range(17)])
    table(tmp_path, *(f"{number}.mp4" for number in range(20)), *(f"../{tmp_path.name}/{n}.mp4" for n in range(20)))
    parts = {split: clips(tmp_path, split=split, every="0.5s") for split in SPLITS}
    files = {split: {clip.path.resolve() for clip in part.clips} for split, part in parts.items()}
    assert {split: len(found) for split, found in files.items()} == {"train": 14, "validation": 2, "calibration": 4}
    assert len(set.union(*files.values())) == 20
    assert [len(parts[split]) for split in SPLITS] == [14 * 2 * 3, 2 * 2 * 3, 4 * 2 * 3]
    assert parts["validation"].account()[0] == "2 of 20 files for validation"


def test_folders_that_are_divided_stay_as_they_are(tmp_path: Path) -> None:
    """Subfolders train and validation hold what their names say."""
    for name in ("train", "validation"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, f"{name}.mp4", [level(at) for at in range(9)])
        table(tmp_path / name, f"{name}.mp4")
    assert [clip.path.name for clip in clips(tmp_path, split="validation").clips] == ["validation.mp4"]
    with pytest.raises(UserError, match="no such folder"):
        clips(tmp_path, split="calibration").prepare()


def test_too_few_files_cannot_be_divided(tmp_path: Path) -> None:
    """Two files are not enough for three parts, however many clips they hold."""
    for name in ("a.mp4", "b.mp4"):
        write(tmp_path, name, [level(at) for at in range(25)])
    table(tmp_path, "a.mp4", "b.mp4")
    with pytest.raises(UserError, match="at least 3 files"):
        clips(tmp_path, split="train", every=1).prepare()


def test_what_becomes_of_the_pictures_is_counted(tmp_path: Path) -> None:
    """Cropping and other rates are said once for all files, with how many and how much."""
    for name, width, rate in (("a.mp4", 64, 16.0), ("b.mp4", 32, 8.0), ("c.mp4", 48, 4.0)):
        write_lossless(tmp_path / name, torch.zeros(3, 40, 32, width), frame_rate=rate)
    table(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    assert clips(tmp_path).account() == [
        "3 files, 3 clips",
        "cropped to the middle 32×32: 2 of 3 files lose 33 to 50 % of the picture",
        "resampled to 8 frames a second: 2 of 3 files, from 16, 4; 1 of them are slower, so that frames repeat",
    ]


def test_a_folder_of_videos_alone_serves_where_words_are_not_needed(tmp_path: Path) -> None:
    """Without any words every video is a clip in which nothing is told, and that is said; a table of another name is
    not passed over."""
    for name in ("b.mp4", "a.mp4"):
        write(tmp_path, name, [level(at) for at in range(9)])
    with pytest.warns(UserWarning, match="nothing is told in any of the 2"):
        assert [(clip.path.name, clip.instruction) for clip in clips(tmp_path).clips] == [("a.mp4", ""), ("b.mp4", "")]
    (tmp_path / "words.csv").write_text("file_name,instruction\na.mp4,go\n")
    with pytest.raises(UserError, match=r"one table.*words\.csv"):
        clips(tmp_path).prepare()
