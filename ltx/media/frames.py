"""The pictures of a video file or a folder in the order of showing, each with the time it is on screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import UInt8
from PIL import Image, ImageOps

from ltx.media.container import MediaInfo, header, opened, pixel_aspect
from ltx.media.limits import Budget, Limits, MediaError, decoding

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
# Drawn where a picture is transparent, as FFmpeg does for GIF.
BACKGROUND = (255, 255, 255)


@dataclass(frozen=True)
class Picture:
    """One decoded picture whose colours are converted only when asked for, which is the costly part.

    Args:
        start: seconds after the first picture at which it appears.
        end: when it disappears.
        rounding: seconds by which the container may have rounded these times.
        info: the video it belongs to.
        convert: makes RGB bytes of a given (height, width).
    """

    start: Fraction
    end: Fraction
    rounding: Fraction
    info: MediaInfo
    convert: Callable[[int, int], np.ndarray]

    def pixels(self, height: int, width: int) -> UInt8[np.ndarray, "height width rgb=3"]:
        """RGB of the asked size (bilinear, antialiased; aspect not kept)."""
        with decoding(self.info.path):
            return self.convert(height, width)


def pictures(path: Path, *, folder_rate: Fraction, limits: Limits) -> Generator[Picture]:
    """Decode a video file, or a folder of pictures taken as a video of `folder_rate` pictures a second.

    Raises:
        MediaError: if anything about the input is wrong, at the picture where it is found.
    """
    if path.is_dir():
        return _folder(path, folder_rate, limits)
    return _file(path, limits)


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _file(path: Path, limits: Limits) -> Generator[Picture]:
    with opened(path, limits) as (container, stream):
        yield from decoded_pictures(container.decode(stream), container, stream, path, limits)


def decoded_pictures(
    decoded: Iterable[VideoFrame], container: InputContainer, stream: VideoStream, path: Path, limits: Limits
) -> Generator[Picture]:
    """The decoded frames of an open container as pictures; `path` names it in messages.

    Raises:
        MediaError: at damage, at a limit, or if there is no picture.
    """
    budget = Budget(limits, path)
    kind, rate, frames, duration = header(path, container, stream)
    aspect = pixel_aspect(path, stream)
    tick = stream.time_base or Fraction(1, 1000)
    rounding = min(max(tick / 2, Fraction(1, 2000)), Fraction(1, 200))
    # Where the file gives neither the length of a picture nor a rate, 25 a second is as good as any.
    usual = Fraction(1) / Fraction(rate).limit_denominator(100_000) if rate > 0 else Fraction(1, 25)
    origin: Fraction | None = None
    info: MediaInfo | None = None
    start = end = Fraction(0)
    for frame in decoded:
        budget.decoded()
        if frame.is_corrupt:
            raise MediaError(f"expected whole frames, got damage at {float(start):.2f} s of {path}; copy it again")
        if info is None:
            height, width = _shown(frame.height, frame.width, frame.rotation, aspect)
            limits.check_size(path, height, width)
            info = MediaInfo(path, kind, height, width, rate, frames, duration)
        if frame.pts is not None:
            origin = frame.pts * tick if origin is None else origin
            start = max(start, frame.pts * tick - origin)
        else:
            start = end
        end = start + (frame.duration * tick if frame.duration else usual)
        yield Picture(start, end, rounding, info, _converter(frame))
    if info is None:
        raise MediaError(f"expected at least one frame, got none in {path}; the file is empty or damaged")


def _shown(height: int, width: int, rotation: float, aspect: float) -> tuple[int, int]:
    """Size as shown: pixels made square by changing the width, then turned."""
    width = max(1, round(width * aspect))
    return (width, height) if round(rotation / 90) % 2 else (height, width)


def _converter(frame) -> Callable[[int, int], np.ndarray]:  # type: ignore[no-untyped-def]
    quarters = round(frame.rotation / 90) % 4

    def convert(height: int, width: int) -> np.ndarray:
        stored = (width, height) if quarters % 2 else (height, width)
        pixels = frame.to_ndarray(format="rgb24", height=stored[0], width=stored[1])
        # FFmpeg gives the angle counterclockwise, as numpy turns.
        return np.rot90(pixels, quarters)

    return convert


def _folder(path: Path, rate: Fraction, limits: Limits) -> Generator[Picture]:
    files = sorted((f for f in path.iterdir() if is_picture(f)), key=natural_order)
    if not files:
        raise MediaError(
            f"expected pictures ({', '.join(sorted(PICTURES))}) in the folder, got none in {path}; check the path"
        )
    yield from numbered_pictures(files, rate=rate, count=len(files), path=path, limits=limits)


def numbered_pictures(
    files: Iterable[Path], *, rate: Fraction, count: int, path: Path, limits: Limits
) -> Generator[Picture]:
    """Picture files as a video of `rate` pictures a second; `count` is how many there will be, 0 if nobody knows.

    Raises:
        MediaError: if a file is no picture, has another size than the first, or a limit is reached.
    """
    budget = Budget(limits, path)
    info: MediaInfo | None = None
    for index, file in enumerate(files):
        budget.decoded()
        image = _load(file, limits)
        if info is None:
            seconds = float(count / rate)
            kind = f"folder/{file.suffix.lower()[1:]}"
            info = MediaInfo(path, kind, image.height, image.width, 0.0, count, seconds)
        elif (image.height, image.width) != (info.height, info.width):
            raise MediaError(
                f"expected pictures of one size, got {image.width}×{image.height} in {file.name} after "
                f"{info.width}×{info.height} in {path}; scale them to one size"
            )
        yield Picture(index / rate, (index + 1) / rate, Fraction(0), info, _resizer(image))


def is_picture(file: Path) -> bool:
    """Whether a file's name is that of a picture, and not a hidden one."""
    return file.is_file() and file.suffix.lower() in PICTURES and not file.name.startswith(".")


def _load(file: Path, limits: Limits) -> Image.Image:
    with decoding(file), Image.open(file, formats=("PNG", "JPEG", "WEBP", "BMP", "TIFF")) as opened_image:
        limits.check_size(file, opened_image.height, opened_image.width)
        image: Image.Image = ImageOps.exif_transpose(opened_image)
        if image.mode.startswith("I"):
            # Sixteen bits of grey: Pillow would clip instead of scale.
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, (*BACKGROUND, 255)), image)
        return image.convert("RGB")


def _resizer(image: Image.Image) -> Callable[[int, int], np.ndarray]:
    def convert(height: int, width: int) -> np.ndarray:
        resized = image if (width, height) == image.size else image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized)

    return convert
