"""Single picture files as RGB: every usual depth and colour model by a stated rule, the others refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ltx.media.colours import over_background
from ltx.media.limits import Limits, MediaError, decoding
from ltx.media.remarks import Remarks

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")


def load_still(file: Path, limits: Limits, remarks: Remarks) -> Image.Image:
    """The picture as shown, in RGB of 8 bits: 16 bits keep the upper 8, floats in [0, 1] are scaled.

    Raises:
        MediaError: if it cannot be read, holds several pictures, or its values have no known range.
    """
    with decoding(file, picture=True), Image.open(file, formats=FORMATS) as opened:
        limits.check_size(file, opened.height, opened.width)
        count = getattr(opened, "n_frames", 1)
        if count > 1 and opened.format != "MPO":
            raise MediaError(f"expected one picture per file, got {count} in {file}; split it, or name it as a video")
        if "icc_profile" in opened.info and b"P3" in opened.info["icc_profile"][:600]:
            remarks.add("Its colours are those of Display P3 and are taken as if they were sRGB: they look pale.")
        if opened.mode.startswith("I;16"):
            remarks.add("Of the 16 bits of its pictures the upper 8 are taken: what uses few of them looks dark.")
        return _rgb(ImageOps.exif_transpose(opened), file)


def moving_webp(file: Path, limits: Limits) -> Iterator[tuple[Image.Image, int]]:
    """The pictures of an animated WebP, each with the milliseconds it is on screen."""
    with decoding(file), Image.open(file, formats=("WEBP",)) as opened:
        limits.check_size(file, opened.height, opened.width)
        for index in range(getattr(opened, "n_frames", 1)):
            opened.seek(index)
            opened.load()
            yield _rgb(opened, file), int(opened.info.get("duration", 0))


def resizer(image: Image.Image) -> Callable[[int, int], np.ndarray]:
    """Makes RGB bytes of a given (height, width), bilinear and antialiased."""

    def convert(height: int, width: int) -> np.ndarray:
        resized = image if (width, height) == image.size else image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized)

    return convert


def _rgb(image: Image.Image, file: Path) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        values = np.asarray(image)
        if not (values.min() >= 0 and values.max() <= 1):  # nor NaN
            raise MediaError(
                f"expected floats in [0, 1], got {values.min():g} to {values.max():g} in {file}; "
                "scale them, or write 8 or 16 bits"
            )
        return Image.fromarray((values * 255).round().astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "LAB"):
        raise MediaError(
            f"expected a picture of 8 or 16 bits in RGB, grey or CMYK, got mode {image.mode!r} in {file}; "
            "write it as PNG of 8 or 16 bits"
        )
    if image.has_transparency_data:
        return Image.fromarray(over_background(np.asarray(image.convert("RGBA"))))
    return image.convert("RGB")
