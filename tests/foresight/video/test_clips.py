"""The input policy: which frames and which part of each picture a clip holds, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from foresight.errors import UserError
from foresight.video.clips import load_clip
from ltx.media import MediaError, to_float, write_frames, write_lossless


def _greys(frames: int, height: int = 32, width: int = 32) -> Tensor:
    """Frame i is evenly grey with byte value 3i."""
    values = (3 * torch.arange(frames)).to(torch.uint8)
    return to_float(values[:, None, None, None].expand(frames, height, width, 3).contiguous())


def _indices(video: Tensor) -> list[int]:
    """Which frame of `_greys` each frame is."""
    return (((video[0, :, 0, 0] + 1) * 127.5).round() / 3).round().int().tolist()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """80 grey frames at 24 a second."""
    write_lossless(tmp_path / "film.mp4", _greys(80), frame_rate=24)
    return tmp_path / "film.mp4"


def test_24_to_8_takes_every_third_frame(film: Path) -> None:
    """From 24 to 8 frames a second the clip holds frames 0, 3, 6, …; the horizon follows the context at once."""
    clip = load_clip(film, frame_rate=8, size=[32, 32], context=9, horizon=16)
    assert _indices(clip.context) == list(range(0, 27, 3))
    assert clip.observed is not None
    assert _indices(clip.observed) == list(range(27, 75, 3))
    assert clip.frame_rate == 8
    assert any("from 24 to 8 frames a second" in sentence for sentence in clip.policy)


def test_seconds_and_frames_mean_the_same(film: Path) -> None:
    """At 8 a second a context of "1.0s" is 9 frames (both ends count) and a horizon of "2.0s" is 16."""
    seconds = load_clip(film, frame_rate=8, size=[32, 32], context="1.0s", horizon="2.0s")
    frames = load_clip(film, frame_rate=8, size=[32, 32], context=9, horizon=16)
    assert (seconds.lengths.context, seconds.lengths.horizon) == (9, 16)
    assert seconds.lengths == frames.lengths
    assert torch.equal(seconds.context, frames.context)
    assert seconds.observed is not None
    assert frames.observed is not None
    assert torch.equal(seconds.observed, frames.observed)


def test_start_moves_the_clip(film: Path) -> None:
    """A start of half a second begins at frame 12 of 24 a second."""
    clip = load_clip(film, frame_rate=8, size=[32, 32], context=9, horizon=8, start=0.5)
    assert _indices(clip.context) == list(range(12, 39, 3))


def test_observed_ends_with_the_file(film: Path) -> None:
    """Of 27 frames that 80 at 24 a second hold, 9 are context and 18 of 24 observed; with none left it is None."""
    early = load_clip(film, frame_rate=8, size=[32, 32], context=9, horizon=24)
    assert early.observed is not None
    assert early.observed.shape[1] == 18
    assert any("18 of the 24" in sentence for sentence in early.policy)
    whole = load_clip(film, frame_rate=8, size=[32, 32], context=27, horizon=8)
    assert whole.observed is None
    assert _indices(whole.context) == list(range(0, 80, 3))


def test_wide_pictures_are_cropped_to_the_middle(tmp_path: Path) -> None:
    """A 128×64 film at size 64×64 keeps exactly the columns 32 to 95, and half of the picture is said to be lost."""
    video = torch.full((3, 10, 64, 128), -1.0)
    video[..., 32:96] = 1.0
    write_lossless(tmp_path / "wide.mp4", torch.cat([video, -video], dim=1), frame_rate=8)
    clip = load_clip(tmp_path / "wide.mp4", frame_rate=8, size=[64, 64], context=9, horizon=8)
    assert clip.context.shape == (3, 9, 64, 64)
    assert bool((clip.context == 1).all())
    assert any("leaves out 50 %" in sentence for sentence in clip.policy)


def test_large_pictures_are_scaled(tmp_path: Path) -> None:
    """A 64×64 film at size 32×32 is scaled, not cropped: a black left half stays the left half."""
    video = torch.ones(3, 12, 64, 64)
    video[..., :32] = -1.0
    write_lossless(tmp_path / "large.mp4", video, frame_rate=8)
    clip = load_clip(tmp_path / "large.mp4", frame_rate=8, size=[32, 32], context=9, horizon=2)
    assert float(clip.context[..., :12].max()) < -0.9
    assert float(clip.context[..., 20:].min()) > 0.9


def test_pictures_of_a_folder_are_taken_one_per_frame(tmp_path: Path) -> None:
    """A folder has no rate of its own: every picture is one frame of the clip."""
    write_frames(tmp_path / "frames", _greys(12))
    clip = load_clip(tmp_path / "frames", frame_rate=8, size=[32, 32], context=9, horizon=3)
    assert clip.observed is not None
    assert _indices(clip.context) + _indices(clip.observed) == list(range(12))


def test_too_short_for_the_context_is_refused(film: Path) -> None:
    """One frame more than the file has is refused, with the number there is and the context that would do."""
    with pytest.raises(UserError, match=r"got 27 frames .* context=27"):
        load_clip(film, frame_rate=8, size=[32, 32], context=28, horizon=8)


def test_single_picture_is_refused(tmp_path: Path) -> None:
    """One picture shows no motion and is no clip."""
    write_frames(tmp_path / "one", _greys(1))
    with pytest.raises(UserError, match="at least 2 different frames"):
        load_clip(tmp_path / "one", frame_rate=8, size=[32, 32], context=9, horizon=8)


def test_wrong_arguments_are_refused(film: Path, tmp_path: Path) -> None:
    """A length without unit, an empty name, a size that is no multiple of 32 and a missing file are refused."""
    with pytest.raises(UserError, match="context"):
        load_clip(film, frame_rate=8, size=[32, 32], context="9", horizon=8)
    with pytest.raises(UserError, match="empty name"):
        load_clip("", frame_rate=8, size=[32, 32], context=9, horizon=8)
    with pytest.raises(ValueError, match="32"):
        load_clip(film, frame_rate=8, size=[33, 32], context=9, horizon=8)
    with pytest.raises(MediaError):
        load_clip(tmp_path / "nothing.mp4", frame_rate=8, size=[32, 32], context=9, horizon=8)


def test_the_policy_says_numbers_of_frames_and_seconds(film: Path) -> None:
    """Both ends of the context count as frames, not as time; where reading starts, and what cannot be verified."""
    early = load_clip(film, frame_rate=8, size=[32, 32], context=9, horizon=24).policy
    assert "The first 9 frames (1 s from first to last) are the context; 24 frames (3 s) are predicted." in early
    assert "The file ends early: 18 of the 24 predicted frames can be verified." in early
    assert not any("Reading starts" in sentence for sentence in early) and "The size stays at 32×32." in early
    late = load_clip(film, frame_rate=8, size=[32, 32], context=9, horizon=8, start=0.5).policy
    assert "Reading starts 0.5 s into the file." in late and not any("The file ends" in said for said in late)
    whole = load_clip(film, frame_rate=24, size=[32, 32], context=80, horizon=8).policy
    assert "The rate stays at 24 frames a second." in whole
    assert any("The file ends with the context" in sentence for sentence in whole)


def test_the_policy_counts_repeated_frames(tmp_path: Path) -> None:
    """At twice the rate of the file every frame is shown twice: of 17 frames 8 repeat the one before."""
    write_lossless(tmp_path / "slow.mp4", _greys(12), frame_rate=4)
    policy = load_clip(tmp_path / "slow.mp4", frame_rate=8, size=[32, 32], context=9, horizon=8).policy
    assert any("from 4 to 8 frames a second" in said and "8 of the 17 frames repeat" in said for said in policy)


def test_the_policy_says_how_pictures_are_scaled(tmp_path: Path) -> None:
    """Width before height; what is cropped away is a share of the scaled picture."""
    write_lossless(tmp_path / "wide.mp4", torch.zeros(3, 12, 64, 160), frame_rate=8)
    (scaled,) = [
        said
        for said in load_clip(tmp_path / "wide.mp4", frame_rate=8, size=[32, 64], context=9, horizon=2).policy
        if "scaled" in said
    ]
    assert scaled == (
        "Frames of 160×64 are scaled to 80×32 and cropped to the middle 64×32, which leaves out 20 % of the picture."
    )


def test_seconds_of_what_is_too_short_are_said(film: Path, tmp_path: Path) -> None:
    """27 frames at 8 a second are 3.38 s; one picture in an eighth of a second is no clip; a size has two sides."""
    with pytest.raises(UserError, match=r"28 frames at 8 per second, got 27 frames \(3\.38 s\)"):
        load_clip(film, frame_rate=8, size=[32, 32], context=28, horizon=8)
    write_frames(tmp_path / "one", _greys(1))
    with pytest.raises(UserError, match=r"got 1 in the 0\.125 s read"):
        load_clip(tmp_path / "one", frame_rate=8, size=[32, 32], context=9, horizon=8)
    with pytest.raises(UserError, match="a size of height and width"):
        load_clip(film, frame_rate=8, size=[32, 32, 32], context=9, horizon=8)
    write_frames(tmp_path / "two", _greys(2))
    assert load_clip(tmp_path / "two", frame_rate=8, size=[32, 32], context=2, horizon=8).observed is None
