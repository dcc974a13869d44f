"""Accuracy of a model's answers about held-out simulated clips: by kind of question, places in pixels."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch

from foresight.physics import PhysicsConfig
from foresight.vlm import speech
from foresight.vlm.curriculum.episode import Episode
from foresight.vlm.curriculum.qa import (
    Turn,
    ask_count,
    ask_heading,
    ask_judgement,
    ask_presence,
    ask_pushed,
    ask_where,
    describe_scene,
    tell_future,
)
from foresight.vlm.encoder import QwenEncoder
from foresight.vlm.prompts import Prompt

PLACE = re.compile(r"\((\d\d),(\d\d)\)")


@dataclass(frozen=True)
class Score:
    """Right answers out of some, and how far off their places are.

    Args:
        asked: number of answers.
        right: how many have all words right (places set aside).
        pixels: distance of each place from the true one, over answers with the right number of places.
    """

    asked: int
    right: int
    pixels: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / self.asked

    @property
    def distance(self) -> float:
        """Mean distance in pixels; NaN where no place was said."""
        return float(np.mean(self.pixels)) if self.pixels else float("nan")


@torch.no_grad()
def evaluate_vlm(
    encoder: QwenEncoder, *, physics: PhysicsConfig, first_seed: int, clips: int, batch: int = 64, longest: int = 128
) -> dict[str, Score]:
    """Ask every kind of question about every clip and grade the greedy answers.

    Args:
        encoder: the model.
        physics: the distribution of clips.
        first_seed: seed of the first clip; take a held-out split.
        clips: number of clips.
        batch: clips at once.
        longest: tokens after which an answer is cut.
    """
    answers: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for start in range(0, clips, batch):
        seeds = range(first_seed + start, first_seed + min(start + batch, clips))
        episodes = [Episode.from_seed(seed, physics) for seed in seeds]
        for frames, whole in ((physics.context_frames, False), (physics.frames, True)):
            video = torch.stack([episode.draw(range(frames)) for episode in episodes]).transpose(1, 2)
            seen = encoder.see(video.float() / 127.5 - 1.0, frame_rate=physics.frame_rate)
            asked = [
                _whole_questions(e, s) if whole else _context_questions(e, s)
                for e, s in zip(episodes, seeds, strict=True)
            ]
            for turns in zip(*asked, strict=True):
                prompts = [
                    Prompt(turn.question, "" if whole else e.instruction)
                    for turn, e in zip(turns, episodes, strict=True)
                ]
                said = speech.answer(encoder.model, encoder.tokenizer, seen, prompts, longest=longest)
                answers[turns[0].kind] += zip((turn.answer for turn in turns), said, strict=True)
    return {kind: score(pairs, size=physics.size) for kind, pairs in answers.items()}


def score(pairs: list[tuple[str, str]], *, size: int) -> Score:
    """Score (true, said) answers: words must be equal, places are measured."""
    right = 0
    pixels: list[float] = []
    for true, said in pairs:
        words_equal = PLACE.sub("()", true) == PLACE.sub("()", said)
        right += words_equal
        here, there = (np.array(PLACE.findall(text), float).reshape(-1, 2) for text in (true, said))
        if len(here) == len(there):
            pixels += list(np.hypot(*((here - there) * size / 100).T))
    return Score(len(pairs), right, tuple(float(p) for p in pixels))


def _context_questions(episode: Episode, seed: int) -> list[Turn]:
    rng = np.random.default_rng([seed, 3])
    body = int(rng.integers(len(episode.bodies)))
    return [
        tell_future(episode),
        describe_scene(episode),
        ask_where(episode, body),
        ask_heading(episode, body),
        ask_pushed(episode, past=False),
        ask_presence(episode, rng),
        ask_count(episode),
    ]


def _whole_questions(episode: Episode, seed: int) -> list[Turn]:
    rng = np.random.default_rng([seed, 4])
    return [ask_pushed(episode, past=True), ask_judgement(episode, rng)]
