"""What the VLM reads from videos: hidden states, whether an instruction was carried out, and descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Protocol, runtime_checkable

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.world.world_model import WorldModel

YES, NO = "yes", "no"
Videos = Float[Tensor, "batch rgb=3 frame height width"]


@runtime_checkable
class Reads(Protocol):
    """A vision-language model that can be asked; `foresight.QwenEncoder` is one."""

    def see(self, frames: Videos, *, frame_rate: float) -> Any:
        """Run the vision tower once."""

    def judge(self, seen: Any, questions: list[str], answers: list[str]) -> Float[Tensor, "batch answer"]:
        """Log-probability of each answer."""

    def describe(self, seen: Any) -> list[str]:
        """What each clip shows, in words."""


def vision_states(model: WorldModel, videos: Videos, instructions: Sequence[str]) -> Float[Tensor, "batch token dim"]:
    """States of the vision tokens, last layer, read under the instructions.

    Raises:
        UserError: if the world model has no VLM.
    """
    features = model.features(videos, list(instructions))
    if features is None:
        raise _no_vlm("semantic")
    last = features.tokens[:, -1]
    return rearrange(last[features.vision], "(b n) d -> b n d", b=len(videos))


@torch.no_grad()
def action_odds(model: WorldModel, videos: Videos, instructions: Sequence[str]) -> Float[Tensor, " batch"]:
    """Log-odds of yes against no to "Is it true that …?", the instruction told as past.

    Raises:
        UserError: if the world model has no VLM that can be asked.
    """
    vlm = _asked(model, "action_read")
    questions = [f"Is it true that {sentence.replace(' is ', ' was ', 1)}?" for sentence in instructions]
    said = vlm.judge(vlm.see(videos, frame_rate=model.plan.frame_rate), questions, [YES, NO])
    return (said[:, 0] - said[:, 1]).to(model.device)


@torch.no_grad()
def described_alike(model: WorldModel, one: Videos, other: Videos) -> Float[Tensor, " batch"]:
    """Share of words, in order, that two videos' descriptions have in common: 1 for the same description.

    The end of each video is described: as many frames as the model is given of a context.

    Raises:
        UserError: if the world model has no VLM that can be asked.
    """
    vlm, frames = _asked(model, "state_read"), model.plan.context_frames
    both = torch.cat([one[:, :, -frames:], other[:, :, -frames:]])
    words = [text.split() for text in vlm.describe(vlm.see(both, frame_rate=model.plan.frame_rate))]
    pairs = zip(words[: len(one)], words[len(one) :], strict=True)
    ratios = [SequenceMatcher(None, a, b, autojunk=False).ratio() for a, b in pairs]
    return torch.tensor(ratios, device=model.device)


def _asked(model: WorldModel, signal: str) -> Reads:
    if not isinstance(model.vlm, Reads):
        raise _no_vlm(signal)
    return model.vlm


def _no_vlm(signal: str) -> UserError:
    return UserError(
        expected="a world model with a VLM for signals that compare meaning",
        got="one without",
        remedy=f"leave out the signal `{signal}`",
    )
