"""Folders of pictures: their order, gaps, and what lies beside the frames."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ltx.media import MediaError, read_video, to_pixels
from ltx.media.folder import Names, numbered
from ltx.media.remarks import Remarks


def folder(root: Path, *names: str) -> Path:
    """Empty files, or folders where a name ends with a stroke."""
    for name in names:
        if name.endswith("/"):
            (root / name).mkdir()
        else:
            (root / name).touch()
    return root


def ordered(root: Path, *names: str) -> list[str]:
    return [file.name for file in numbered(folder(root, *names), Remarks())]


@pytest.mark.parametrize(
    "names",
    [
        ["frame2.png", "frame10.png", "frame100.png"],
        ["frame_001.png", "frame_2.png", "frame_010.png"],
        ["frame-1.png", "frame-2.png", "frame-10.png"],
        ["frame_-10.png", "frame_-2.png", "frame_0.png", "frame_3.png"],
        ["-2.png", "-1.png", "0.png", "1.png"],
        ["t_0.25.png", "t_0.5.png", "t_0.75.png", "t_1.0.png"],
        ["t_-0.5.png", "t_0.0.png", "t_0.25.png"],
        ["1.8.png", "1.9.png", "1.10.png", "1.11.png", "2.1.png"],
        ["1403636579.763555584.png", "1403636579.813555456.png", "1403636580.013555456.png"],
        ["2024-01-31 10.59.59.png", "2024-02-01 09.00.00.png"],
        ["Frame9.PNG", "frame10.png", "FRAME11.Png"],
        ["shot1_9.jpg", "shot1_10.jpg", "shot2_1.jpg"],
        ["a.png", "b.png", "c.png"],
        ["99999999999999999998.png", "99999999999999999999.png", "100000000000000000000.png"],
    ],
)
def test_names_are_ordered_by_their_numbers(tmp_path: Path, names: list[str]) -> None:
    """Paddings mixed or not, signs, decimals, counters behind a point, dates, letters of either case."""
    assert ordered(tmp_path, *reversed(names)) == names


@pytest.mark.parametrize(
    ("names", "missing", "after"),
    [
        (["f_1.png", "f_2.png", "f_3.png", "f_10.png", "f_11.png", "f_20.png"], 14, "f_3.png"),
        (["f_0000.png", "f_0005.png", "f_0010.png", "f_0020.png"], 1, "f_0010.png"),
        (["t_0.0.png", "t_0.1.png", "t_0.2.png", "t_0.4.png"], 1, "t_0.2.png"),
        (["s1_1.png", "s1_2.png", "s1_4.png", "s2_1.png", "s2_2.png"], 1, "s1_2.png"),
    ],
)
def test_gaps_are_said(tmp_path: Path, names: list[str], missing: int, after: str) -> None:
    """How many numbers are missing, measured by the usual step, and where first."""
    remarks = Remarks()
    numbered(folder(tmp_path, *names), remarks)
    assert [one for one in remarks if f"gaps ({missing} missing, the first after {after})" in one]


@pytest.mark.parametrize(
    "names",
    [
        ["f_0.png", "f_5.png", "f_10.png"],
        ["f_3.png", "f_4.png"],
        ["1000.033.png", "1000.067.png", "1000.100.png", "1000.134.png"],
        ["s1_1.png", "s1_2.png", "s2_1.png", "s2_2.png"],
        ["only.png"],
    ],
)
def test_even_steps_say_nothing(tmp_path: Path, names: list[str]) -> None:
    """Every fifth frame, a late beginning, rounded times, several shots, one picture."""
    remarks = Remarks()
    numbered(folder(tmp_path, *names, ".hidden.png", "Thumbs.db"), remarks)
    assert not list(remarks)


@pytest.mark.parametrize(
    "beside",
    [
        ["f_1_mask.png", "f_2_mask.png", "f_3_mask.png"],
        ["mask_1.png", "mask_2.png", "mask_3.png"],
        ["f_1 (1).png"],
        ["cover.png"],
    ],
)
def test_pictures_of_several_kinds_are_refused(tmp_path: Path, beside: list[str]) -> None:
    """Masks, copies and covers are no frames, and are not taken for them."""
    with pytest.raises(MediaError, match=r"names of 2 kinds.*3 like .*into a folder of its own"):
        numbered(folder(tmp_path, "f_1.png", "f_2.png", "f_3.png", *beside), Remarks())


@pytest.mark.parametrize("twice", ["1.jpg", "01.png", "1.PNG"])
def test_the_same_number_twice_is_refused(tmp_path: Path, twice: str) -> None:
    """Nobody can say which is the frame."""
    with pytest.raises(MediaError, match="the same number"):
        numbered(folder(tmp_path, "1.png", "2.png", twice), Remarks())


def test_what_else_lies_there_is_said(tmp_path: Path) -> None:
    """Counted by ending; pictures that cannot be read among them."""
    remarks = Remarks()
    numbered(folder(tmp_path, "1.png", "2.png", "3.exr", "4.exr", "notes.txt", "depth/"), remarks)
    assert [one for one in remarks if "left out: 2 .exr, 1 .txt, 1 folders" in one]
    for picture in tmp_path.glob("*.png"):
        picture.unlink()
    with pytest.raises(MediaError, match=r"got 2 \.exr, 1 \.txt, 1 folders"):
        numbered(tmp_path, Remarks())


def test_a_link_to_nothing_is_no_gap(tmp_path: Path) -> None:
    """A picture that was left behind is missed, and not passed over."""
    folder(tmp_path, "1.png", "3.png")
    (tmp_path / "2.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(MediaError, match=r"1 links to nothing, the first 2\.png"):
        numbered(tmp_path, Remarks())


def test_a_home_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells do; calls from Python have none."""
    Image.new("RGB", (32, 32)).save(tmp_path / "1.png")
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    assert read_video(f"~/{tmp_path.name}").video.shape[1] == 1


def test_names_without_numbers_are_said(tmp_path: Path) -> None:
    """The order of names is then all there is."""
    remarks = Remarks()
    numbered(folder(tmp_path, "zebra.png", "apple.png", "melon.png"), remarks)
    assert [one for one in remarks if "no numbered series: taken in their order, apple.png to zebra.png" in one]


def test_a_start_leaves_pictures_out(tmp_path: Path) -> None:
    """Frames come in order, the first ones unread where reading begins later."""
    from ltx.media import sample_video

    for level in range(12):
        Image.new("RGB", (32, 32), (10 * level, 0, 0)).save(tmp_path / f"{level}.png")
    assert to_pixels(read_video(tmp_path).video)[:, 0, 0, 0].tolist() == list(range(0, 120, 10))
    (tmp_path / "0.png").write_bytes(b"damaged")
    late = sample_video(tmp_path, frame_rate=4, frames=3, size=(32, 32), start=1.5)
    assert to_pixels(late.video)[:, 0, 0, 0].tolist() == [60, 70, 80]


def test_keys_can_be_compared_between_any_names() -> None:
    """Numbers go before words."""
    files = [Path(name) for name in ("1.png", "a1.png", "1a.png", "a.png", "-.png")]
    names = Names(files)
    assert [file.name for file in sorted(files, key=names.key)][:2] == ["1.png", "1a.png"]
