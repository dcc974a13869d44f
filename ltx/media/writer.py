"""Writing videos: MP4 for viewing, MP4 without loss, GIF, and PNG frames. Files appear whole or not at all."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from ltx.files import replacing
from ltx.media.pixels import to_pixels

# ITU-T H.273: 1 is BT.709 for primaries, transfer and matrix. Written so that no player has to guess.
_BT709 = 1


def write_mp4(
    path: str | Path, video: Float[Tensor, "rgb=3 frame height width"], *, frame_rate: float, crf: int = 18
) -> None:
    """H.264 in yuv420p, which every browser and player shows; the index comes first, so that it streams.

    An odd height or width is made even by repeating the last row or column, which the format requires. Colour is
    stored at half resolution: use `write_lossless` for ground truth.

    Args:
        path: target, replaced in one step.
        video: RGB in [−1, 1].
        frame_rate: frames per second.
        crf: constant rate factor 0 (best) … 51 (smallest).

    Raises:
        ValueError: for a wrong shape, values that are not finite, or a rate or crf out of range.
        OSError: if the folder cannot be written.
    """
    _check(frame_rate, crf)
    pixels = _even(to_pixels(video).numpy())
    options = {"crf": str(crf), "preset": "medium"}
    with replacing(path) as temporary:
        _encode(str(temporary), pixels, frame_rate, "libx264", "yuv420p", options)


def write_lossless(path: str | Path, video: Float[Tensor, "rgb=3 frame height width"], *, frame_rate: float) -> None:
    """H.264 in RGB without loss: reading gives the same bytes back. Not every browser plays it.

    Raises:
        ValueError: for a wrong shape, values that are not finite, or a rate out of range.
        OSError: if the folder cannot be written.
    """
    _check(frame_rate, 0)
    pixels = to_pixels(video).numpy()
    with replacing(path) as temporary:
        _encode(str(temporary), pixels, frame_rate, "libx264rgb", "rgb24", {"crf": "0", "preset": "medium"})


def write_gif(path: str | Path, video: Float[Tensor, "rgb=3 frame height width"], *, frame_rate: float) -> None:
    """An endless GIF with 256 colours per frame; times are multiples of 10 ms, rounded without drift.

    Raises:
        ValueError: for a wrong shape, values that are not finite, or a rate above 50, which viewers do not show.
        OSError: if the folder cannot be written.
    """
    if not 0 < frame_rate <= 50:
        raise ValueError(f"expected 0 < frame_rate ≤ 50 for GIF, got {frame_rate}; write MP4 instead")
    frames = [Image.fromarray(frame).quantize(256, dither=Image.Dither.NONE) for frame in to_pixels(video).numpy()]
    ends = [round(100 * (i + 1) / frame_rate) for i in range(len(frames))]
    durations = [10 * (end - start) for start, end in zip([0, *ends], ends, strict=False)]
    with replacing(path) as temporary:
        frames[0].save(
            temporary, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, disposal=1
        )


def write_frames(folder: str | Path, video: Float[Tensor, "rgb=3 frame height width"]) -> list[Path]:
    """PNG files frame_0000.png, … in a folder, which is made if missing; returns their paths.

    Raises:
        ValueError: for a wrong shape or values that are not finite.
        OSError: if the folder cannot be written.
    """
    folder = Path(folder)
    pixels = to_pixels(video).numpy()
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"frame_{index:04d}.png" for index in range(len(pixels))]
    for path, frame in zip(paths, pixels, strict=True):
        with replacing(path) as temporary:
            Image.fromarray(frame).save(temporary, format="PNG")
    return paths


def _encode(
    target: str,
    pixels: UInt8[np.ndarray, "frame height width rgb=3"],
    frame_rate: float,
    codec: str,
    pixel_format: str,
    options: dict[str, str],
) -> None:
    rate = Fraction(frame_rate).limit_denominator(100_000)
    with av.open(target, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width, stream.pix_fmt = *pixels.shape[1:3], pixel_format
        if pixel_format != "rgb24":
            context = stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = ColorRange.MPEG
        for image in pixels:
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if pixel_format != "rgb24":
                frame = frame.reformat(
                    format=pixel_format, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
                )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _even(pixels: UInt8[np.ndarray, "frame height width rgb=3"]) -> np.ndarray:
    height, width = pixels.shape[1:3]
    return np.pad(pixels, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _check(frame_rate: float, crf: int) -> None:
    if not 0 < frame_rate <= 1000:
        raise ValueError(f"expected 0 < frame_rate ≤ 1000, got {frame_rate}")
    if not 0 <= crf <= 51:
        raise ValueError(f"expected a crf of 0 (best) to 51 (smallest), got {crf}")
