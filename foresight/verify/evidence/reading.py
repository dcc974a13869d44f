"""Readings of videos by the VLM: hidden states, whether an instruction was carried out, and descriptions."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Protocol, runtime_checkable

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.vlm.yes_no import JudgesAnswers, past, truth_question, yes_odds
from foresight.world.world_model import WorldModel

Videos = Float[Tensor, "batch rgb=3 frame height width"]


@runtime_checkable
class Reads(JudgesAnswers, Protocol):
    """A vision-language model that can be asked; `foresight.QwenEncoder` is one."""

    def describe(self, seen: Any) -> list[str]:
        """A description of each clip."""


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
    """Log-odds of yes to the question whether it is true that the instruction was carried out.

    Raises:
        UserError: if the world model has no VLM that can be asked.
    """
    vlm = _asked(model, "action_read")
    questions = [truth_question(past(sentence)) for sentence in instructions]
    return yes_odds(vlm, videos, questions, frame_rate=model.sampling_config.frame_rate).to(model.device)


@torch.no_grad()
def described_alike(model: WorldModel, one: Videos, other: Videos) -> Float[Tensor, " batch"]:
    """Share of words, in order, that two videos' descriptions have in common: 1 for the same description.

    The end of each video is described: as many frames as the model is given of a context.

    Raises:
        UserError: if the world model has no VLM that can be asked.
    """
    vlm, frames = _asked(model, "state_read"), model.sampling_config.context_frames
    both = torch.cat([one[:, :, -frames:], other[:, :, -frames:]])
    words = [text.split() for text in vlm.describe(vlm.see(both, frame_rate=model.sampling_config.frame_rate))]
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
