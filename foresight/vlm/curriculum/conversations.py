"""Batches of conversations about simulated clips, ready for a Qwen2.5-VL to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from foresight.physics import PhysicsConfig
from foresight.physics.split import SimulatedSplit
from foresight.vlm.curriculum.episode import Episode
from foresight.vlm.curriculum.grounding_targets import Places, places
from foresight.vlm.curriculum.mention_targets import MentionFinder, Mentions
from foresight.vlm.curriculum.qa import Turn, asking_turns, telling_turns, whole_clip_turns
from foresight.vlm.preprocess import Patching, Preprocessing, Sampling
from foresight.vlm.prompts import Prompt, TokenBatch, collate, render_chat, text_ids, token_id, tokenize

IGNORED = -100
"""Label of tokens that are not learnt: everything but answers."""


class Kind(Enum):
    """Kind of a batch of conversations: see `WorldConversations`."""

    ASKING = "asking"
    TELLING = "telling"
    WHOLE = "whole"


@dataclass(frozen=True)
class ChatBatch:
    """Conversations about one video each."""

    pixels: Float[Tensor, "cells value"]
    grid: Int[Tensor, "batch axis=3"]
    seconds_per_grid: Float[Tensor, " batch"]
    tokens: TokenBatch
    labels: Int[Tensor, "batch length"]
    places: Places
    """What is where, per vision token."""
    mentions: Mentions
    """Which objects are named, per word token."""

    def __len__(self) -> int:
        return self.grid.shape[0]

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> ChatBatch:
        """The same batch on another device."""
        names = ("pixels", "grid", "seconds_per_grid", "labels", "tokens", "places", "mentions")
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=non_blocking) for name in names})


def chat_rows(
    tokenizer: PreTrainedTokenizerBase, instruction: str, turns: Sequence[Turn], *, vision_tokens: int
) -> tuple[list[int], list[int]]:
    """Token ids of a conversation about one video, and its labels: the answers and the tokens that end them."""
    prompt = Prompt(turns[0].question, instruction)
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt.content("video")}]
    ids: list[int] = []
    labels: list[int] = []
    done = ""
    for index, turn in enumerate(turns):
        if index:
            messages.append({"role": "user", "content": turn.question})
        asked = render_chat(tokenizer, messages)
        answer = turn.answer + "<|im_end|>"
        question = asked[len(done) :]
        new = (
            text_ids(tokenizer, question)
            if index
            else tokenize(tokenizer, question, medium="video", vision_tokens=vision_tokens)
        )
        said = text_ids(tokenizer, answer)
        ids += new + said
        labels += [IGNORED] * len(new) + said
        messages.append({"role": "assistant", "content": turn.answer})
        done = asked + answer
    return ids, labels


@dataclass(frozen=True)
class ConversationMix:
    """Kinds of conversations in a training.

    Args:
        turns: questions in a conversation of short answers.
        telling_share: share of the batches with long answers.
        whole_share: share of the batches that show whole clips.

    Raises:
        ValueError: if the shares are negative, or more than all.
    """

    turns: int
    telling_share: float
    whole_share: float

    def __post_init__(self) -> None:
        if not (self.telling_share >= 0 and self.whole_share >= 0 and self.telling_share + self.whole_share <= 1):
            raise ValueError(
                f"expected shares that add up to at most 1, got {self.telling_share} and {self.whole_share}"
            )


class WorldConversations:
    """A source of conversations about simulated clips: row i is about clip `first` + i of a split.

    Batches are of three kinds. *Asking* and *telling* show the context with the instruction: many short questions about
    what is there, or one long answer about what will come. *Whole* shows the clips to their end without an instruction
    and asks what happened. A batch as a whole is of one kind, drawn from its first row: rows have the same length of
    video, and hardly any padding.

    Args:
        tokenizer: turns chats into tokens.
        preprocessing: which frames are seen, at which size.
        patching: how the model cuts them.
        physics: the distribution of clips.
        split: a name of `foresight.physics.clip.SPLITS`; splits share no clip.
        first: number of row 0 in the split.
        count: number of rows.
        mix: kinds of the conversations.
    """

    def __init__(
        self,
        *,
        tokenizer: PreTrainedTokenizerBase,
        preprocessing: Preprocessing,
        patching: Patching,
        physics: PhysicsConfig,
        split: str,
        first: int,
        count: int,
        mix: ConversationMix,
    ) -> None:
        self.tokenizer, self.preprocessing, self.patching, self.physics = tokenizer, preprocessing, patching, physics
        self.count, self.mix = count, mix
        self._first_seed = SimulatedSplit(physics, split, count, first).seeds.start
        self._mentions = MentionFinder(tokenizer, placeholder=token_id(tokenizer, "<|video_pad|>"))

    def prepare(self) -> None:
        """Nothing: clips are simulated when asked for."""

    def recipe(self) -> dict[str, Any]:
        """Everything the content depends on, but for the tokenizer's own vocabulary, of which the size is given."""
        return {
            "kind": "world chats",
            "vocabulary": len(self.tokenizer),
            "policy": asdict(self.preprocessing),
            "patching": asdict(self.patching),
            "physics": self.physics.recipe(),
            "first_seed": self._first_seed,
            "count": self.count,
            **asdict(self.mix),
        }

    def __len__(self) -> int:
        return self.count

    def __getitems__(self, indices: Sequence[int]) -> ChatBatch:
        """The batch of the given rows."""
        seeds = [self._first_seed + index for index in indices]
        kind = self._kind(seeds[0])
        sampling = self.preprocessing.sample(
            self.physics.frames if kind is Kind.WHOLE else self.physics.context_frames, self.physics.frame_rate
        )
        episodes = [Episode.from_seed(seed, self.physics) for seed in seeds]
        frames = torch.stack([episode.draw(sampling.indices) for episode in episodes])
        pixels, grid = self.preprocessing.patches(frames, self.patching)
        rows = [self._row(episode, seed, kind, grid) for episode, seed in zip(episodes, seeds, strict=True)]
        return self._batch(rows, pixels, grid, sampling, episodes)

    def _kind(self, seed: int) -> Kind:
        drawn = np.random.default_rng([seed, 2]).random()
        if drawn < self.mix.whole_share:
            return Kind.WHOLE
        return Kind.TELLING if drawn < self.mix.whole_share + self.mix.telling_share else Kind.ASKING

    def _row(self, episode: Episode, seed: int, kind: Kind, grid: tuple[int, int, int]) -> tuple[list[int], list[int]]:
        rng = np.random.default_rng([seed, 1])
        vision_tokens = grid[0] * grid[1] * grid[2] // self.patching.merge**2
        if kind is Kind.WHOLE:
            turns = whole_clip_turns(episode, rng, self.mix.turns)
        elif kind is Kind.TELLING:
            turns = telling_turns(episode, rng)
        else:
            turns = asking_turns(episode, rng, self.mix.turns)
        instruction = "" if kind is Kind.WHOLE else episode.instruction
        return chat_rows(self.tokenizer, instruction, turns, vision_tokens=vision_tokens)

    def _batch(
        self,
        rows: Sequence[tuple[list[int], list[int]]],
        pixels: Float[Tensor, "batch cell value"],
        grid: tuple[int, int, int],
        sampling: Sampling,
        episodes: Sequence[Episode],
    ) -> ChatBatch:
        pad = self.tokenizer.pad_token_id
        tokens = collate(
            [ids for ids, _ in rows],
            pad=pad if isinstance(pad, int) else token_id(self.tokenizer, "<|endoftext|>"),
            placeholder=token_id(self.tokenizer, "<|video_pad|>"),
            medium="video",
            side="right",
            device=torch.device("cpu"),
        )
        labels = torch.full_like(tokens.ids, IGNORED)
        for index, (_, row) in enumerate(rows):
            labels[index, : len(row)] = torch.tensor(row)
        merged = (grid[0], grid[1] // self.patching.merge, grid[2] // self.patching.merge)
        return ChatBatch(
            pixels=pixels.flatten(0, 1),
            grid=torch.tensor([grid] * len(rows)),
            seconds_per_grid=torch.full((len(rows),), self.patching.temporal / sampling.rate),
            tokens=tokens,
            labels=labels,
            places=places(episodes, merged, sampling.indices),
            mentions=self._mentions([ids for ids, _ in rows], episodes),
        )
