"""Single pictures of every depth and colour model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ltx.media import MediaError, read_picture, read_video, to_pixels
from ltx.media.limits import Limits
from ltx.media.remarks import Remarks
from ltx.media.still import load_still

RAMP = np.linspace(0, 255, 32).round().astype(np.uint8)
GREY = np.tile(RAMP, (32, 1))


def loaded(path: Path) -> np.ndarray:
    return np.asarray(load_still(path, Limits(), Remarks()))


def saved(folder: Path, image: Image.Image, name: str = "a.png") -> Path:
    image.save(folder / name)
    return folder / name


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (Image.fromarray(GREY), "a.png"),
        (Image.fromarray(GREY).convert("P"), "a.png"),
        (Image.fromarray(GREY).convert("RGB"), "a.png"),
        (Image.fromarray(GREY).convert("CMYK"), "a.tif"),
        (Image.fromarray(GREY.astype(np.uint16) * 257), "a.png"),
        (Image.fromarray(GREY.astype(np.uint16) * 257), "a.tif"),
        (Image.fromarray(GREY.astype(np.float32) / 255), "a.tif"),
        (Image.fromarray(np.dstack([GREY, np.full_like(GREY, 255)]), "LA"), "a.png"),
    ],
)
def test_every_depth_gives_the_same_grey(tmp_path: Path, image: Image.Image, name: str) -> None:
    """8 and 16 bits, floats in [0, 1], palette, CMYK, grey with and without opacity: scaled, never clipped."""
    found = loaded(saved(tmp_path, image, name))
    assert found.shape == (32, 32, 3) and found.dtype == np.uint8
    assert np.array_equal(found, np.dstack([GREY] * 3))


def test_black_and_white_are_the_ends(tmp_path: Path) -> None:
    """One bit."""
    found = loaded(saved(tmp_path, Image.fromarray(GREY > 99)))
    assert set(found.flatten().tolist()) == {0, 255}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (GREY.astype(np.float32), r"floats in \[0, 1\], got 0 to 255"),
        (GREY.astype(np.float32) / 255 - 0.5, r"got -0\.5 to 0\.5"),
        (np.where(GREY > 9, np.nan, 0).astype(np.float32), "floats in"),
        (GREY.astype(np.int32) * 1000, "8 or 16 bits"),
    ],
)
def test_values_without_a_known_range_are_refused(tmp_path: Path, values: np.ndarray, said: str) -> None:
    """Floats beyond [0, 1], numbers that are none, and 32-bit integers."""
    with pytest.raises(MediaError, match=said):
        loaded(saved(tmp_path, Image.fromarray(values), "a.tif"))


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    """By its opacity, half of it half; in a palette too."""
    image = Image.new("RGBA", (32, 32), (200, 0, 0, 255))
    image.paste((200, 0, 0, 128), (8, 0, 16, 32))
    image.paste((200, 0, 0, 0), (16, 0, 32, 32))
    found = loaded(saved(tmp_path, image))
    assert found[5, [2, 10, 20]].tolist() == [[200, 0, 0], [227, 127, 127], [255, 255, 255]]
    palette = Image.new("P", (32, 32))
    palette.putpalette([200, 0, 0, 0, 200, 0])
    palette.paste(1, (16, 0, 32, 32))
    palette.save(tmp_path / "p.png", transparency=1)
    assert loaded(tmp_path / "p.png")[5, [2, 20]].tolist() == [[200, 0, 0], [255, 255, 255]]


def test_cameras_orientation_is_heard(tmp_path: Path) -> None:
    """All eight of EXIF."""
    upright = Image.fromarray(np.arange(32 * 16, dtype=np.uint16).reshape(32, 16).astype(np.uint8))
    tags = Image.Exif()
    tags[0x0112] = 6
    upright.save(tmp_path / "a.png", exif=tags)
    assert np.array_equal(loaded(tmp_path / "a.png")[..., 0], np.rot90(np.asarray(upright), -1))


@pytest.mark.parametrize("name", ["a.tif", "a.webp", "a.png"])
def test_several_pictures_in_a_file_are_refused(tmp_path: Path, name: str) -> None:
    """None is dropped without a word."""
    pages = [Image.new("RGB", (32, 32), (level, 0, 0)) for level in (0, 99, 200)]
    pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    with pytest.raises(MediaError, match="one picture per file, got 3"):
        loaded(tmp_path / name)


def test_pictures_of_two_sizes_are_refused(tmp_path: Path) -> None:
    """With the name of the one that differs."""
    for number, size in ((1, (32, 32)), (2, (32, 32)), (3, (48, 32))):
        Image.new("RGB", size).save(tmp_path / f"{number}.png")
    with pytest.raises(MediaError, match=r"48×32 in 3\.png"):
        read_video(tmp_path)


def test_a_picture_is_covered_and_cropped(tmp_path: Path) -> None:
    """`read_picture` gives the middle."""
    image = Image.new("RGB", (96, 32), (255, 0, 0))
    image.paste((0, 255, 0), (32, 0, 64, 32))
    found = to_pixels(read_picture(saved(tmp_path, image), size=(32, 32))[:, None])[0]
    assert (found == found.new_tensor([0, 255, 0])).all()


def test_what_is_lost_of_sixteen_bits_is_said(tmp_path: Path) -> None:
    """Depth in millimetres would else be black without a word."""
    remarks = Remarks()
    load_still(saved(tmp_path, Image.fromarray(np.full((32, 32), 900, np.uint16))), Limits(), remarks)
    assert any("16 bits" in remark and "upper 8" in remark for remark in remarks)


def test_a_damaged_picture_is_called_a_picture(tmp_path: Path) -> None:
    """What to do about it is not what is done about a video."""
    path = saved(tmp_path, Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)))
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(MediaError, match=r"expected a picture that decodes.*PNG"):
        loaded(path)
