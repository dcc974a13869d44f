"""What a vision language model cannot be shown or told is refused before it sees anything."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from foresight.errors import UserError
from foresight.physics import PhysicsConfig
from foresight.vlm.curriculum.conversations import ConversationMix, WorldConversations
from foresight.vlm.encoder import QwenEncoder
from foresight.vlm.messages import message_frames
from foresight.vlm.preprocess import Patching, Preprocessing, quantise, smart_size
from foresight.vlm.prompts import Prompt, batch_prompts, chat_text, token_id
from foresight.vlm.small import SmallQwenConfig
from foresight.vlm.speech import judge
from foresight.vlm.tokenizer import train_tokenizer
from ltx.checkpoint.errors import CheckpointError

PREPROCESSING = Preprocessing(
    frames_per_second=2.0,
    min_frames=4,
    max_frames=8,
    image_pixels=(784, 10**6),
    video_pixels=(784, 10**6),
    video_tokens=None,
    mean=(0.25, 0.5, 0.75),
    std=(0.5, 0.25, 0.5),
)
TELLS = "Tell what happens."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"video_tokens": 0}, "video_tokens above 0, got 0"),
        ({"mean": (0.5, 0.5)}, "mean and std of three channels"),
        ({"std": (1.0, 1.0)}, "mean and std of three channels"),
        ({"mean": (0.5, float("nan"), 0.5)}, "mean and std of three channels"),
        ({"std": (1.0, 0.0, 1.0)}, "std above 0"),
    ],
)
def test_a_policy_that_makes_no_pictures_is_refused(changes: dict[str, Any], message: str) -> None:
    """No token to show, or values to subtract and divide by that are none."""
    with pytest.raises(ValueError, match=message):
        replace(PREPROCESSING, **changes)


def test_what_is_no_video_is_not_shown() -> None:
    """Another shape, no pixel, and a side more than 200 times the other; 200 times is allowed."""
    for shape in ((3, 1, 8, 8), (1, 1, 1, 8, 8)):
        with pytest.raises(ValueError, match=r"a video \(batch, 3, frames, height, width\)"):
            quantise(torch.zeros(shape))
    with pytest.raises(ValueError, match="at least one frame"):
        quantise(torch.zeros(1, 3, 0, 8, 8))
    assert smart_size(28, 5600, factor=28, low=784, high=10**6)
    with pytest.raises(ValueError, match="aspect ratio of at most 200, got 28×5601"):
        smart_size(28, 5601, factor=28, low=784, high=10**6)


def test_prompts_that_the_chat_cannot_hold_are_refused(qwen: Callable[..., QwenEncoder]) -> None:
    """An empty question, a special token among the words, and another number of prompts than of clips."""
    with pytest.raises(ValueError, match="question in words, got an empty one"):
        Prompt(" ")
    encoder = qwen()
    for prompt in (Prompt(TELLS, "push <|im_end|>"), Prompt("<|im_end|>")):
        with pytest.raises(ValueError, match=r"special token <.im_end.>: remove it"):
            chat_text(encoder.tokenizer, prompt, medium="video")
    seen = encoder.see(torch.zeros(2, 3, 4, 56, 56), frame_rate=2.0)
    with pytest.raises(ValueError, match=r"one prompt per clip \(2\), got 1"):
        batch_prompts(encoder.tokenizer, [Prompt(TELLS)], seen, side="right")
    for answers in ([], ["yes", " "]):
        with pytest.raises(ValueError, match="at least one answer, each in words"):
            judge(encoder.model, encoder.tokenizer, seen, [Prompt(TELLS)] * 2, answers)


def test_tokenizers_of_other_models_are_refused() -> None:
    """One without a chat format, one without Qwen's tokens, and a vocabulary too small for bytes."""
    other: Any = SimpleNamespace(
        all_special_tokens=[],
        chat_template=None,
        convert_tokens_to_ids=lambda token: 0,
        convert_ids_to_tokens=lambda number: "<unk>",
    )
    with pytest.raises(ValueError, match="a tokenizer with a chat template"):
        chat_text(other, Prompt(TELLS), medium="video")
    with pytest.raises(ValueError, match=r"Qwen2\.5-VL with the token <.video_pad.>"):
        token_id(other, "<|video_pad|>")
    with pytest.raises(ValueError, match=r"a vocabulary of at least .* got 256"):
        train_tokenizer(["a"], vocabulary=256)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "tset"}, "a split out of .*'tset'"),
        ({"telling_share": 0.6, "whole_share": 0.6}, "add up to at most 1"),
        ({"telling_share": -0.1}, "add up to at most 1"),
    ],
)
def test_conversations_without_a_split_or_a_share_are_refused(changes: dict[str, Any], message: str) -> None:
    """Shares are of all batches, and splits have names."""
    given: dict[str, Any] = {"split": "train", "turns": 1, "telling_share": 0.5, "whole_share": 0.5, **changes}
    parts: dict[str, Any] = {"tokenizer": None, "preprocessing": PREPROCESSING, "patching": Patching(14, 2, 2)}
    with pytest.raises(ValueError, match=message):
        split = given.pop("split")
        WorldConversations(
            **parts, physics=PhysicsConfig(), split=split, first=0, count=2, mix=ConversationMix(**given)
        )


def test_a_small_model_has_pairs_to_turn() -> None:
    """Rotary positions turn pairs of channels in each head."""
    sizes = dict.fromkeys(SmallQwenConfig.__dataclass_fields__, 16)
    for hidden in (18, 12):
        with pytest.raises(ValueError, match=f"rotary pairs.*got {hidden} / 4"):
            SmallQwenConfig(**{**sizes, "hidden_size": hidden, "heads": 4})


def test_messages_hold_one_picture_or_video(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of none and of two it is not clear what is asked about; without torchvision it is said what to install."""
    reader: Any = SimpleNamespace(process_vision_info=lambda *_, **__: (None, None, {}))
    monkeypatch.setitem(sys.modules, "qwen_vl_utils", reader)
    with pytest.raises(UserError, match=r"one image or video in the messages\W+got 0"):
        message_frames([], patch=14)
    reader.process_vision_info = lambda *_, **__: ([1], [2], {})
    with pytest.raises(UserError, match=r"one image or video in the messages\W+got 2"):
        message_frames([], patch=14)
    monkeypatch.setitem(sys.modules, "qwen_vl_utils", None)
    with pytest.raises(UserError, match=r"a working torchvision.*foresight-wm\[qwen\]"):
        message_frames([], patch=14)


def test_sizes_that_make_no_model_are_named(folder: Any) -> None:
    """Whatever transformers says to them, the files to mend are told."""
    folder.json("generation_config.json", max_new_tokens=-1, do_sample="maybe")
    folder.json("config.json", text_config={"hidden_size": "wide"})
    with pytest.raises(CheckpointError, match=r"config\.json"):
        QwenEncoder.from_pretrained(folder.path, layers=[1])
