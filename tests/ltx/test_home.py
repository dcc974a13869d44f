"""`~` at the beginning of a path is the user's home, also where the shell left it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

import ltx
from ltx.home import at_home, with_home
from ltx.media.limits import MediaError
from ltx.media.picture import read_picture
from ltx.media.reader import last_picture, probe, read_video, sample_video


def test_only_the_beginning_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `~` further on, and that of a user who is not known, stay."""
    monkeypatch.setenv("HOME", "/home/someone")
    found = [at_home(path) for path in ("~/a", "~", "a/~", "~nobody-of-this-name/a", Path("~/b"))]
    named = ["/home/someone/a", "/home/someone", "a/~", "~nobody-of-this-name/a", "/home/someone/b"]
    assert found == [Path(name) for name in named]


def test_there_is_one_place_that_knows_homes() -> None:
    """No other module fills `~` in, so that all do it alike."""
    root = Path(ltx.__file__).parents[1]
    modules = [path for folder in ("ltx", "adapters", "foresight") for path in (root / folder).rglob("*.py")]
    assert [path.name for path in modules if "expanduser" in path.read_text(encoding="utf-8")] == ["home.py"]


def test_an_address_keeps_its_text() -> None:
    """Where a path and an address are both taken, two slashes stay two."""
    assert with_home("rtsp://camera//stream") == "rtsp://camera//stream"


def test_pictures_and_videos_are_found_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reader takes `~`; an unknown user is a file that is not there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "clip").mkdir()
    for index in range(2):
        Image.new("RGB", (64, 32), (255, 0, 0)).save(tmp_path / "clip" / f"{index}.png")
    assert probe("~/clip").width == 64
    assert read_video("~/clip").video.shape == (3, 2, 32, 64)
    assert sample_video("~/clip", frame_rate=8, frames=2, size=(32, 64)).video.shape == (3, 2, 32, 64)
    red = torch.tensor([1.0, -1.0, -1.0])[:, None, None].expand(3, 32, 64)
    torch.testing.assert_close(last_picture("~/clip", size=(32, 64)), red)
    torch.testing.assert_close(read_picture("~/clip/0.png"), red)
    with pytest.raises(MediaError, match="nobody"):
        probe("~nobody-of-this-name/clip.mp4")
