"""Video files: what is written is read back, and whatever cannot be read is refused in one way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from ltx.media import (
    MediaError,
    probe,
    read_video,
    sample_video,
    to_float,
    write_frames,
    write_gif,
    write_lossless,
    write_mp4,
)


def _noise(frames: int = 5, height: int = 32, width: int = 48) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return to_float(torch.randint(0, 256, (frames, height, width, 3), generator=generator, dtype=torch.uint8))


def _greys(frames: int, height: int = 32, width: int = 48) -> torch.Tensor:
    """Frame i is evenly grey with byte value 20 + 8i."""
    bytes_ = (20 + 8 * torch.arange(frames)).to(torch.uint8)
    return to_float(bytes_[:, None, None, None].expand(frames, height, width, 3).contiguous())


def _encode(path: Path, video: torch.Tensor, codec: str, rate: int) -> None:
    pixels = ((video.permute(1, 2, 3, 0) + 1) * 127.5).round().to(torch.uint8).numpy()
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width, stream.pix_fmt = *pixels.shape[1:3], "yuv420p"
        for image in pixels:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode())


def test_lossless_gives_the_same_values_back(tmp_path: Path) -> None:
    """`write_lossless` loses nothing: even noise is read back exactly, at the rate it was written."""
    video = _noise()
    write_lossless(tmp_path / "clip.mp4", video, frame_rate=8)
    footage = read_video(tmp_path / "clip.mp4")
    assert torch.equal(footage.video, video)
    assert footage.info.frame_rate == pytest.approx(8)
    assert footage.times.tolist() == pytest.approx([i / 8 for i in range(5)], abs=1e-3)


def test_folder_of_pictures_gives_the_same_values_back(tmp_path: Path) -> None:
    """PNG frames are read back exactly and in order, also beyond ten."""
    video = _noise(frames=12)
    paths = write_frames(tmp_path / "frames", video)
    assert len(paths) == 12
    assert torch.equal(read_video(tmp_path / "frames").video, video)


def test_mp4_keeps_every_frame_and_its_grey(tmp_path: Path) -> None:
    """A viewing MP4 keeps number, size and, within 4 of 255 steps, the grey of each frame."""
    video = _greys(9)
    write_mp4(tmp_path / "clip.mp4", video, frame_rate=24)
    read = read_video(tmp_path / "clip.mp4")
    assert read.video.shape == video.shape
    assert float((read.video - video).abs().max()) <= 4 / 127.5


def test_gif_keeps_even_greys_exactly(tmp_path: Path) -> None:
    """A GIF of few colours is read back exactly, frame by frame."""
    video = _greys(6)
    write_gif(tmp_path / "clip.gif", video, frame_rate=10)
    read = read_video(tmp_path / "clip.gif")
    assert torch.equal(read.video, video)
    assert read.times.tolist() == pytest.approx([i / 10 for i in range(6)], abs=0.011)


@pytest.mark.parametrize(("name", "codec"), [("clip.webm", "libvpx-vp9"), ("clip.mov", "libx264")])
def test_other_containers_are_read(tmp_path: Path, name: str, codec: str) -> None:
    """WebM and MOV files keep number, size, rate and, within 6 of 255 steps, the grey of each frame."""
    video = _greys(8, 64, 96)
    _encode(tmp_path / name, video, codec, 10)
    read = read_video(tmp_path / name)
    assert read.video.shape == video.shape
    assert read.info.frame_rate == pytest.approx(10, rel=0.01)
    assert float((read.video - video).abs().max()) <= 6 / 127.5


def _text(folder: Path) -> Path:
    (folder / "text.mp4").write_text("this is no video\n" * 50)
    return folder / "text.mp4"


def _truncated(folder: Path) -> Path:
    write_lossless(folder / "whole.mp4", _noise(), frame_rate=8)
    whole = (folder / "whole.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[:100])
    return folder / "cut.mp4"


def _missing(folder: Path) -> Path:
    return folder / "nothing.mp4"


def _empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


@pytest.mark.parametrize("make", [_text, _truncated, _missing, _empty_folder])
def test_unreadable_raises_only_media_error(tmp_path: Path, make: Any) -> None:
    """Text named .mp4, the head of a file, no file and an empty folder raise `MediaError` that names the path."""
    path = make(tmp_path)
    with pytest.raises(MediaError, match=path.name):
        read_video(path)
    with pytest.raises(MediaError):
        probe(path)
    with pytest.raises(MediaError):
        sample_video(path, frame_rate=8, frames=2, size=(32, 32))


def test_sample_video_takes_frames_by_time(tmp_path: Path) -> None:
    """Frame i is the one shown at start + i / rate: of 24 a second, 8 a second takes every third, 48 each twice."""
    video = _greys(24)
    write_lossless(tmp_path / "clip.mp4", video, frame_rate=24)
    third = sample_video(tmp_path / "clip.mp4", frame_rate=8, frames=5, size=(32, 48))
    assert torch.equal(third.video, video[:, 0:15:3])
    later = sample_video(tmp_path / "clip.mp4", frame_rate=8, frames=100, size=(32, 48), start=0.5)
    assert torch.equal(later.video, video[:, 12::3])
    twice = sample_video(tmp_path / "clip.mp4", frame_rate=48, frames=6, size=(32, 48))
    assert torch.equal(twice.video, video[:, [0, 0, 1, 1, 2, 2]])
    assert twice.source_frames == 3
    with pytest.raises(MediaError):
        sample_video(tmp_path / "clip.mp4", frame_rate=8, frames=2, size=(32, 48), start=5.0)
