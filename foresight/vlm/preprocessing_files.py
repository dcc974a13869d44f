"""The preprocessing as transformers' own processor files, read and written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from foresight.errors import UserError
from foresight.vlm.preprocess import Patching, Preprocessing
from ltx.checkpoint.read import read_object

IMAGE_FILE = "preprocessor_config.json"
VIDEO_FILE = "video_preprocessor_config.json"
PROCESSOR_FILE = "processor_config.json"

RELEASED = Preprocessing(
    frames_per_second=2.0,
    min_frames=4,
    max_frames=768,
    image_pixels=(56 * 56, 28 * 28 * 1280),
    video_pixels=(128 * 28 * 28, 768 * 28 * 28),
    video_tokens=128_000,
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
)
"""What Qwen2.5-VL and transformers do where a model's files are silent: qwen-vl-utils' sampling, CLIP's colours."""


FIXED: dict[str, Any] = {
    "do_resize": True,
    "do_rescale": True,
    "do_normalize": True,
    "do_convert_rgb": True,
    "resample": 3,
    "rescale_factor": 1 / 255,
}
"""What every Qwen2.5-VL does to its pictures, and `Preprocessing` too: a file may say it, but nothing else."""


def read_preprocessing(folder: Path, patching: Patching) -> Preprocessing:
    """The preprocessing of a model's folder; what its files leave out is as in `RELEASED`.

    As in transformers, video settings are looked for in the processor's file, then in the video file, then in the
    image file.

    Raises:
        UserError: if a setting is impossible, one that cannot be followed, or not the model's.
        CheckpointError: if a file is damaged.
    """
    processor = _read(folder, PROCESSOR_FILE)
    image = processor.get("image_processor") or _read(folder, IMAGE_FILE)
    video = processor.get("video_processor") or _read(folder, VIDEO_FILE) or image
    try:
        for values in (image, video):
            _check(values, patching)
        return _preprocessing(image, video)
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(
            expected=f"settings of a Qwen2.5-VL in the processor's files of {folder}",
            got=str(error),
            remedy="copy preprocessor_config.json from the model's release",
        ) from error


def _check(values: dict[str, Any], patching: Patching) -> None:
    """Refuse settings that say something else than the model and `Preprocessing` do."""
    sizes = {
        "patch_size": patching.patch,
        "merge_size": patching.merge,
        "temporal_patch_size": patching.temporal,
    }
    for name, value in {**FIXED, **sizes}.items():
        given = values.get(name)
        if given is not None and (isinstance(given, str) or abs(given - value) > 1e-6):
            raise ValueError(f"{name} {given}, where the model has {value:.6g}")
    size = values.get("size")
    if size is not None and not {"shortest_edge", "longest_edge"} & set(size) and not values.get("max_pixels"):
        raise ValueError(f"a size of {size}, where it has shortest_edge and longest_edge")


def _preprocessing(image: dict[str, Any], video: dict[str, Any]) -> Preprocessing:
    preprocessing = replace(
        RELEASED,
        image_pixels=_pixels(image, RELEASED.image_pixels),
        video_pixels=_pixels(video, RELEASED.video_pixels),
        frames_per_second=float(video.get("fps") or RELEASED.frames_per_second),
        min_frames=int(video.get("min_frames") or RELEASED.min_frames),
        max_frames=int(video.get("max_frames") or RELEASED.max_frames),
    )
    if video.get("cap_pixels_per_frame") is False:
        preprocessing = replace(preprocessing, video_tokens=None)
    elif video.get("max_video_tokens"):
        preprocessing = replace(preprocessing, video_tokens=int(video["max_video_tokens"]))
    return replace(
        preprocessing,
        mean=_channels("image_mean", image, video, RELEASED.mean),
        std=_channels("image_std", image, video, RELEASED.std),
    )


def _channels(
    name: str, image: dict[str, Any], video: dict[str, Any], default: tuple[float, float, float]
) -> tuple[float, float, float]:
    """One value per colour, which images and videos share."""
    given = [values[name] for values in (video, image) if values.get(name)] or [default]
    if given[0] != given[-1]:
        raise ValueError(f"{name} {given[-1]} for images and {given[0]} for videos, which are normalised alike here")
    red, green, blue = map(float, given[0])
    return red, green, blue


def write_preprocessing(preprocessing: Preprocessing, patching: Patching, folder: Path) -> None:
    """Write the image and video files that transformers' processors and `read_preprocessing` read."""
    shared = {
        "patch_size": patching.patch,
        "merge_size": patching.merge,
        "temporal_patch_size": patching.temporal,
        "image_mean": list(preprocessing.mean),
        "image_std": list(preprocessing.std),
    }
    image = {"image_processor_type": "Qwen2VLImageProcessor", "size": _size(preprocessing.image_pixels), **shared}
    video = {
        "video_processor_type": "Qwen2VLVideoProcessor",
        "size": _size(preprocessing.video_pixels),
        "fps": preprocessing.frames_per_second,
        "min_frames": preprocessing.min_frames,
        "max_frames": preprocessing.max_frames,
        "cap_pixels_per_frame": preprocessing.video_tokens is not None,
        **({} if preprocessing.video_tokens is None else {"max_video_tokens": preprocessing.video_tokens}),
        **shared,
    }
    for name, values in ((IMAGE_FILE, image), (VIDEO_FILE, video)):
        (folder / name).write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")


def _read(folder: Path, name: str) -> dict[str, Any]:
    return read_object(folder / name) if (folder / name).is_file() else {}


def _size(pixels: tuple[int, int]) -> dict[str, int]:
    return {"shortest_edge": pixels[0], "longest_edge": pixels[1]}


def _pixels(values: dict[str, Any], default: tuple[int, int]) -> tuple[int, int]:
    """Areas are called edges in current files, min_pixels and max_pixels in released ones."""
    size = values.get("size") or {}
    low = values.get("min_pixels") or size.get("shortest_edge") or default[0]
    high = values.get("max_pixels") or size.get("longest_edge") or default[1]
    return int(low), int(high)
