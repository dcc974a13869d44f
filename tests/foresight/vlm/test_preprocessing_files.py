"""The preprocessing as transformers' processor files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from foresight.errors import UserError
from foresight.vlm.preprocess import Patching, Preprocessing
from foresight.vlm.preprocessing_files import (
    IMAGE_FILE,
    PROCESSOR_FILE,
    RELEASED,
    VIDEO_FILE,
    read_preprocessing,
    write_preprocessing,
)

PATCHING = Patching(patch=14, merge=2, temporal=2)


def read(folder: Path, **files: dict[str, Any]) -> Preprocessing:
    """The preprocessing of a folder with these files: `image`, `video`, `processor`."""
    names = {"image": IMAGE_FILE, "video": VIDEO_FILE, "processor": PROCESSOR_FILE}
    for name, values in files.items():
        (folder / names[name]).write_text(json.dumps(values))
    return read_preprocessing(folder, PATCHING)


def test_silent_files_mean_the_release(tmp_path: Path) -> None:
    """Areas of 4 to 1,280 tokens of 28 × 28 pixels for images, of 128 to 768 for the frames of videos."""
    found = read(tmp_path)
    assert found == RELEASED
    assert found.image_pixels == (4 * 784, 1280 * 784) and found.video_pixels == (128 * 784, 768 * 784)


def test_every_setting_is_read(tmp_path: Path) -> None:
    """Areas as edges or as pixels, rates and numbers of frames from the video's file, colours from either."""
    size = {"shortest_edge": 784, "longest_edge": 7840}
    found = read(
        tmp_path,
        image={"size": size, "image_mean": [0.1, 0.2, 0.3], "patch_size": 14, "rescale_factor": 1 / 255},
        video={"min_pixels": 1, "max_pixels": 2, "fps": 3, "min_frames": 5, "max_frames": 6, "max_video_tokens": 7},
    )
    assert found.image_pixels == (784, 7840) and found.video_pixels == (1, 2) and found.mean == (0.1, 0.2, 0.3)
    assert (found.frames_per_second, found.min_frames, found.max_frames, found.video_tokens) == (3.0, 5, 6, 7)
    assert found.std == RELEASED.std


def test_what_stands_first_holds(tmp_path: Path) -> None:
    """A processor's own file over the others; the image's file where there is none for videos."""
    assert read(tmp_path, image={"max_frames": 9, "max_pixels": 200000}).max_frames == 9
    assert read(tmp_path, video={"max_frames": 8}).max_frames == 8
    found = read(tmp_path, processor={"image_processor": {"max_pixels": 400000}, "video_processor": {"max_frames": 7}})
    assert found.max_frames == 7 and found.image_pixels[1] == 400000


def test_no_bound_of_tokens_is_a_setting(tmp_path: Path) -> None:
    """Whatever number stands beside it."""
    assert read(tmp_path, video={"cap_pixels_per_frame": False, "max_video_tokens": 7}).video_tokens is None
    assert read(tmp_path, video={"cap_pixels_per_frame": True}).video_tokens == RELEASED.video_tokens


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"do_resize": False}, "do_resize False, where the model has 1"),
        ({"resample": 2}, "resample 2, where the model has 3"),
        ({"resample": "3"}, "resample 3, where the model has 3"),
        ({"rescale_factor": 0.0039}, "rescale_factor 0.0039, where the model has 0.00392157"),
        ({"patch_size": 16}, "patch_size 16, where the model has 14"),
        ({"merge_size": 1}, "merge_size 1, where the model has 2"),
        ({"temporal_patch_size": 1}, "temporal_patch_size 1"),
        ({"size": {"height": 224}}, "shortest_edge and longest_edge"),
        ({"fps": -1}, "frames_per_second above 0"),
        ({"image_mean": [0.5, 0.5]}, "not enough values"),
    ],
)
def test_settings_of_another_model_are_refused(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    """With what it has instead."""
    with pytest.raises(UserError, match=said):
        read(tmp_path, image=values)


def test_a_size_beside_areas_is_not_looked_at(tmp_path: Path) -> None:
    """Files of older releases have both; one of the two edges is enough as well."""
    assert read(tmp_path, image={"size": {"height": 1}, "max_pixels": 200000}).image_pixels[1] == 200000
    assert read(tmp_path, image={"size": {"longest_edge": 200000}}).image_pixels == (3136, 200000)


def test_images_and_videos_share_their_colours(tmp_path: Path) -> None:
    """The same in both files is fine, another is refused."""
    assert read(tmp_path, image={"image_std": [1, 1, 1]}, video={"image_std": [1, 1, 1]}).std == (1.0, 1.0, 1.0)
    with pytest.raises(UserError, match=r"image_std.*normalised alike"):
        read(tmp_path, image={"image_std": [1, 1, 1]}, video={"image_std": [1, 1, 2]})


@pytest.mark.parametrize("tokens", [None, 9])
def test_a_policy_is_read_as_it_was_written(tmp_path: Path, tokens: int | None) -> None:
    """With and without a bound of tokens."""
    preprocessing = replace(RELEASED, video_tokens=tokens, min_frames=2, max_frames=3, image_pixels=(1, 2))
    write_preprocessing(preprocessing, PATCHING, tmp_path)
    assert read_preprocessing(tmp_path, PATCHING) == preprocessing
