"""Mentions: which tokens name an object after the video, what is true of it, and what their loss makes of that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from foresight.physics import COLOURS, Action, Body, PhysicsConfig, Scene
from foresight.vlm.curriculum.conversations import ConversationMix, WorldConversations
from foresight.vlm.curriculum.episode import Episode
from foresight.vlm.curriculum.mention_targets import MentionFinder, Mentions, body_states
from foresight.vlm.curriculum.objective import naming_loss, pointing_loss
from foresight.vlm.curriculum.qa import world_tokenizer
from foresight.vlm.preprocess import Patching, Preprocessing
from foresight.vlm.prompts import text_ids, token_id


@pytest.fixture(scope="module")
def tokenizer():
    return world_tokenizer(vocabulary=400)


@pytest.fixture(scope="module")
def episode():
    """A red ball that moves by (1, 2) pixels a frame from (10, 20), and a blue box at rest in the middle."""
    config = PhysicsConfig()
    frames = np.arange(config.frames, dtype=np.float32)
    ball = np.stack([10 + frames, 20 + 2 * frames], axis=1)
    states = np.stack([ball, np.full_like(ball, 32)], axis=1)
    velocities = np.stack([np.tile(np.float32([8, 16]), (config.frames, 1)), np.zeros_like(ball)], axis=1)
    scene = Scene(
        bodies=(Body("ball", "red", 7.0), Body("box", "blue", 7.0)),
        positions=states[0],
        velocities=velocities[0],
        gravity=(0.0, 24.0),
        action=Action(0, "left"),
    )
    return Episode(scene, config, torch.from_numpy(states), torch.from_numpy(velocities))


def find(tokenizer, episode, before, after):
    pad = token_id(tokenizer, "<|video_pad|>")
    row = text_ids(tokenizer, before) + [pad] * 3 + text_ids(tokenizer, after)
    return row, MentionFinder(tokenizer, placeholder=pad)([row], [episode])


def test_the_states_of_a_body_are_those_of_its_track(episode: Any) -> None:
    """Frame 8 at (18, 36), frame 16 at (26, 52), frame 24 at (34, 68) of 64 pixels; velocity in units of 20."""
    expected = [18 / 32 - 1, 36 / 32 - 1, 0.4, 0.8, 26 / 32 - 1, 52 / 32 - 1, 34 / 32 - 1, 68 / 32 - 1]
    torch.testing.assert_close(body_states(episode, 0), torch.tensor(expected))


def test_names_after_the_video_are_found_at_their_last_token(tokenizer: Any, episode: Any) -> None:
    """The text up to the marked token ends with the name; names before the video are left out."""
    row, mentions = find(tokenizer, episode, "push the red ball to the left", "Where is the blue box? red ball at rest")
    found = mentions.named[0].nonzero().flatten().tolist()
    ends = [tokenizer.decode(row[: index + 1]) for index in found]
    assert [end[-8:] for end in ends] == ["blue box", "red ball"]
    torch.testing.assert_close(
        mentions.states[0, found], torch.stack([body_states(episode, 1), body_states(episode, 0)])
    )
    assert mentions.present[0, found].tolist() == [1, 1]
    assert [list(COLOURS)[index] for index in mentions.colours[0, found].tolist()] == ["blue", "red"]


def test_what_is_named_but_not_there_is_marked_absent(tokenizer: Any, episode: Any) -> None:
    """A green box is named, is not present, and has no states."""
    _, mentions = find(tokenizer, episode, "", "Is there a green box?")
    assert int(mentions.named.sum()) == 1
    assert float(mentions.present.sum()) == 0 and float(mentions.states.abs().sum()) == 0


def test_the_loss_counts_states_of_present_objects_only() -> None:
    """One present mention off by 2 in x, one absent one: presence at logit 0 costs ln 2, the state 4."""
    named = torch.tensor([[True, True, False]])
    states = torch.zeros(1, 3, 8)
    states[0, 0, 0] = 2.0
    head = nn.Linear(4, 9)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    mentions = Mentions(named, torch.zeros(1, 3, dtype=torch.long), torch.tensor([[1.0, 0.0, 0.0]]), states)
    loss, off = naming_loss(head, torch.randn(1, 3, 4), mentions)
    assert loss.item() == pytest.approx(np.log(2) + 4, abs=1e-5)
    assert off.item() == pytest.approx(2**0.5, abs=1e-5)


def world_chats(tokenizer, first):
    return WorldConversations(
        tokenizer=tokenizer,
        preprocessing=Preprocessing(
            frames_per_second=4.0,
            min_frames=4,
            max_frames=768,
            image_pixels=(12544, 12544),
            video_pixels=(12544, 12544),
            video_tokens=None,
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
        ),
        patching=Patching(patch=14, merge=2, temporal=2),
        physics=PhysicsConfig(),
        split="train",
        first=first,
        count=16,
        mix=ConversationMix(turns=4, telling_share=0.0, whole_share=0.0),
    )


def test_the_first_row_is_where_a_split_is_entered(tokenizer: Any) -> None:
    """Rows 5 and 6 of a split are rows 0 and 1 of the data that begins at its number 5."""
    late, early = (world_chats(tokenizer, first) for first in (5, 0))
    one, same = late.__getitems__([0, 1]), early.__getitems__([5, 6])
    assert torch.equal(one.pixels, same.pixels) and torch.equal(one.labels, same.labels)


def test_pointing_is_the_surprise_at_where_a_name_looks(tokenizer: Any) -> None:
    """Attention of a half on the object's cell at the last time and none elsewhere that counts costs ln 2."""
    chats = world_chats(tokenizer, first=0)
    batch = chats.__getitems__(range(4))
    length = batch.tokens.ids.shape[1]
    weights = torch.zeros(4, length, length)
    for row in range(4):
        last = batch.tokens.vision[row].nonzero().flatten()[-16:]
        for word in batch.mentions.present[row].nonzero().flatten().tolist():
            column, line = ((batch.mentions.states[row, word, :2] + 1) * 2).long().tolist()
            weights[row, word, last[4 * line + column]] = 0.5
    assert pointing_loss(weights, batch).item() == pytest.approx(np.log(2), abs=1e-5)
