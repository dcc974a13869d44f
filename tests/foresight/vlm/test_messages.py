"""Chat messages with images or videos, with a stand-in for the reader that needs torchvision."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from foresight.errors import UserError
from foresight.vlm.encoder import QwenEncoder
from foresight.vlm.messages import message_frames

PICTURE = Image.new("L", (2, 3), 255)
VIDEO = torch.tensor([0.0, 127.5, 255.0]).view(3, 1, 1, 1).expand(3, 3, 2, 4)


def read(monkeypatch: pytest.MonkeyPatch, images: Any, videos: Any, **options: Any) -> tuple[torch.Tensor, float]:
    """The frames of a conversation in which these are found."""
    reader = SimpleNamespace(process_vision_info=lambda messages, **asked: (images, videos, options))
    monkeypatch.setitem(sys.modules, "qwen_vl_utils", reader)
    return message_frames([], patch=14)


def test_an_image_is_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """White is 1 and black −1, in three colours, at one frame a second."""
    PICTURE.putpixel((1, 0), 0)
    frames, rate = read(monkeypatch, [PICTURE], None)
    assert frames.shape == (1, 3, 1, 3, 2) and rate == 1.0
    assert frames[0, :, 0, 0].tolist() == [[1.0, -1.0]] * 3 and bool((frames[0, :, 0, 1:] == 1).all())


def test_a_video_has_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Black, middle grey and white frames are −1, 0 and 1."""
    frames, rate = read(monkeypatch, None, [VIDEO], fps=[4])
    assert frames.shape == (1, 3, 3, 2, 4) and rate == 4.0
    assert frames[0, 0, :, 0, 0].tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("images", "videos", "count"), [(None, None, 0), ([PICTURE], [VIDEO], 2), ([PICTURE, PICTURE], [VIDEO], 3)]
)
def test_another_number_of_media_is_refused(
    monkeypatch: pytest.MonkeyPatch, images: Any, videos: Any, count: int
) -> None:
    """Images and videos are counted together, and the count is said."""
    with pytest.raises(UserError, match=f"one image or video in the messages.*got {count}"):
        read(monkeypatch, images, videos, fps=[4])


def test_without_torchvision_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that cannot be imported is one clear error."""
    monkeypatch.setitem(sys.modules, "qwen_vl_utils", None)
    with pytest.raises(UserError, match=r"torchvision.*foresight-wm\[qwen\]"):
        message_frames([], patch=14)


def test_messages_are_seen_as_their_frames_are(
    monkeypatch: pytest.MonkeyPatch, qwen: Callable[..., QwenEncoder], clip: torch.Tensor
) -> None:
    """A conversation about a clip gives the vision tokens of the clip, read with the model's own patches."""
    asked: dict[str, Any] = {}

    def read_media(messages: Any, **options: Any) -> tuple[None, list[torch.Tensor], dict[str, list[float]]]:
        asked.update(options, messages=messages)
        return None, [((clip[:, :9] + 1) * 127.5).round().transpose(0, 1)], {"fps": [8.0]}

    monkeypatch.setitem(sys.modules, "qwen_vl_utils", SimpleNamespace(process_vision_info=read_media))
    encoder, messages = qwen(), [{"role": "user", "content": [{"type": "video", "video": "clip.mp4"}]}]
    seen, expected = encoder.see_messages(messages), encoder.see(clip[None, :, :9], frame_rate=8.0)
    assert torch.equal(seen.tokens, expected.tokens) and torch.equal(seen.coordinates, expected.coordinates)
    assert asked["messages"] == messages and asked["image_patch_size"] == encoder.patching.patch
