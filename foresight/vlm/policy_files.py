"""The frame policy as transformers' own processor files, read and written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers.utils.hub import cached_file

from foresight.vlm.preprocess import FramePolicy, Patching

IMAGE_FILE = "preprocessor_config.json"
VIDEO_FILE = "video_preprocessor_config.json"
PROCESSOR_FILE = "processor_config.json"

RELEASED = FramePolicy(
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


def read_policy(where: str) -> FramePolicy:
    """The policy of a model folder or hub id; what its files leave out is as in `RELEASED`.

    As in transformers, video settings are looked for in the processor's file, then in the video file, then in the
    image file.
    """
    processor = _read(where, PROCESSOR_FILE)
    image = processor.get("image_processor") or _read(where, IMAGE_FILE)
    video = processor.get("video_processor") or _read(where, VIDEO_FILE) or image
    policy = replace(
        RELEASED,
        image_pixels=_pixels(image, RELEASED.image_pixels),
        video_pixels=_pixels(video, RELEASED.video_pixels),
        frames_per_second=float(video.get("fps") or RELEASED.frames_per_second),
        min_frames=int(video.get("min_frames") or RELEASED.min_frames),
        max_frames=int(video.get("max_frames") or RELEASED.max_frames),
    )
    if video.get("cap_pixels_per_frame") is False:
        policy = replace(policy, video_tokens=None)
    elif video.get("max_video_tokens"):
        policy = replace(policy, video_tokens=int(video["max_video_tokens"]))
    if "image_mean" in video and "image_std" in video:
        policy = replace(policy, mean=tuple(video["image_mean"]), std=tuple(video["image_std"]))
    return policy


def write_policy(policy: FramePolicy, patching: Patching, folder: Path) -> None:
    """Write the image and video files that transformers' processors and `read_policy` read."""
    shared = {
        "patch_size": patching.patch,
        "merge_size": patching.merge,
        "temporal_patch_size": patching.temporal,
        "image_mean": list(policy.mean),
        "image_std": list(policy.std),
    }
    image = {"image_processor_type": "Qwen2VLImageProcessor", "size": _size(policy.image_pixels), **shared}
    video = {
        "video_processor_type": "Qwen2VLVideoProcessor",
        "size": _size(policy.video_pixels),
        "fps": policy.frames_per_second,
        "min_frames": policy.min_frames,
        "max_frames": policy.max_frames,
        "cap_pixels_per_frame": policy.video_tokens is not None,
        **({} if policy.video_tokens is None else {"max_video_tokens": policy.video_tokens}),
        **shared,
    }
    for name, values in ((IMAGE_FILE, image), (VIDEO_FILE, video)):
        (folder / name).write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")


def _read(where: str, name: str) -> dict[str, Any]:
    path = cached_file(where, name, _raise_exceptions_for_missing_entries=False)
    return {} if path is None else json.loads(Path(path).read_text())


def _size(pixels: tuple[int, int]) -> dict[str, int]:
    return {"shortest_edge": pixels[0], "longest_edge": pixels[1]}


def _pixels(values: dict[str, Any], default: tuple[int, int]) -> tuple[int, int]:
    """Areas are called edges in current files, min_pixels and max_pixels in released ones."""
    size = values.get("size") or {}
    low = values.get("min_pixels") or size.get("shortest_edge") or default[0]
    high = values.get("max_pixels") or size.get("longest_edge") or default[1]
    return int(low), int(high)
