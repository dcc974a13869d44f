"""Questions about the simulated world with true answers made from a clip's states.

Places are percent of the picture's width and height, `(x,y)` with two digits each, so that they hold at any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor
from transformers import Qwen2Tokenizer

from foresight.physics import COLOURS, DIRECTIONS, Body
from foresight.physics.language import all_instructions, push_sentence
from foresight.vlm.curriculum.episode import Episode
from foresight.vlm.prompts import DESCRIBE, NEXT
from foresight.vlm.tokenizer import train_tokenizer
from foresight.vlm.yes_no import past, truth_question

SHAPES = ("ball", "box")
REST = 2.0
"""Below this speed, in pixels per second, an object is said to be at rest."""


@dataclass(frozen=True)
class Turn:
    """One question about a video and its true answer."""

    kind: str
    question: str
    answer: str


def place(position: Float[Tensor, "xy=2"], size: int) -> str:
    """`(x,y)` in whole percent of the picture, 00 to 99."""
    x, y = (min(99, max(0, int(100 * float(value) / size))) for value in position)
    return f"({x:02d},{y:02d})"


def heading(velocity: Float[Tensor, "xy=2"]) -> str:
    """One of eight directions in words, or `at rest`; the y axis points down."""
    x, y = (float(value) for value in velocity)
    speed = float(np.hypot(x, y))
    if speed < REST:
        return "at rest"
    # An axis is named when the direction lies within 67.5° of it: eight equal sectors.
    named = float(np.sin(np.pi / 8)) * speed
    words = [("left", x < -named), ("right", x > named), ("up", y < -named), ("down", y > named)]
    return " and ".join(word for word, holds in words if holds)


def _order(clip: Episode, frame: int) -> list[int]:
    """Bodies from left to right: an order that can be seen."""
    return sorted(range(len(clip.bodies)), key=lambda body: float(clip.positions[frame, body, 0]))


def describe_scene(clip: Episode) -> Turn:
    """Every object with its place and direction at the last context frame."""
    now, size = clip.config.context_frames - 1, clip.config.size
    parts = [
        f"{clip.bodies[b].name} at {place(clip.positions[now, b], size)} {heading(clip.velocities[now, b])}"
        for b in _order(clip, now)
    ]
    return Turn("describe", DESCRIBE, "; ".join(parts))


def tell_future(clip: Episode) -> Turn:
    """Ask for every object's place now, half-way through the future and at its end; the pushed one first."""
    now, size = clip.config.context_frames - 1, clip.config.size
    last = clip.config.frames - 1
    order = _order(clip, now)
    pushed = None if clip.action is None else clip.action.body
    order.sort(key=lambda body: body != pushed)
    parts = []
    for b in order:
        at, by, to = (place(clip.positions[frame, b], size) for frame in (now, (now + last) // 2, last))
        parts.append(f"{clip.bodies[b].name} at {at} goes by {by} to {to}")
    return Turn("next", NEXT, "; ".join(parts))


def ask_where(clip: Episode, body: int) -> Turn:
    """Ask for an object's place at the last context frame."""
    now = clip.config.context_frames - 1
    return Turn(
        "where", f"Where is the {clip.bodies[body].name}?", f"at {place(clip.positions[now, body], clip.config.size)}"
    )


def ask_heading(clip: Episode, body: int) -> Turn:
    """Ask for an object's direction at the last context frame."""
    now = clip.config.context_frames - 1
    return Turn("heading", f"Which way does the {clip.bodies[body].name} move?", heading(clip.velocities[now, body]))


def ask_pushed(clip: Episode, *, past: bool) -> Turn:
    """Ask which object is pushed, and where to; with a place while the push is still to come."""
    if clip.action is None:
        answer = "none"
    else:
        answer = push_sentence(clip.bodies[clip.action.body].name, clip.action.direction).replace(" is pushed", "")
        if not past:
            now = clip.config.context_frames - 1
            answer += f" from {place(clip.positions[now, clip.action.body], clip.config.size)}"
    return Turn("pushed" if past else "push", f"Which object {'was' if past else 'is'} pushed?", answer)


def ask_count(clip: Episode) -> Turn:
    """Ask for the number of objects."""
    return Turn("count", "How many objects are there?", str(len(clip.bodies)))


def ask_presence(clip: Episode, rng: np.random.Generator) -> Turn:
    """Ask if an object is there: as often yes as no."""
    present = {body.name for body in clip.bodies}
    absent = [f"{c} {s}" for c in COLOURS for s in SHAPES if f"{c} {s}" not in present]
    yes = bool(rng.integers(2))
    name = str(rng.choice(sorted(present) if yes else absent))
    return Turn("presence", f"Is there a {name}?", "yes" if yes else "no")


def ask_judgement(clip: Episode, rng: np.random.Generator) -> Turn:
    """Ask if a push happened in a clip seen to its end: as often yes as no."""
    true = None if clip.action is None else (clip.action.body, clip.action.direction)
    yes = true is not None and bool(rng.integers(2))
    if true is not None and yes:
        body, direction = true
    else:
        wrong = [(b, d) for b in range(len(clip.bodies)) for d in DIRECTIONS if (b, d) != true]
        body, direction = wrong[int(rng.integers(len(wrong)))]
    return Turn("judge", judgement(clip.bodies[body], direction), "yes" if yes else "no")


def judgement(body: Body, direction: str) -> str:
    """The yes-or-no question whether a body was pushed in a direction."""
    return truth_question(past(push_sentence(body.name, direction)))


def telling_turns(clip: Episode, rng: np.random.Generator) -> list[Turn]:
    """One long answer, about the future or the present, and one short, in random order."""
    long = tell_future(clip) if rng.random() < 0.6 else describe_scene(clip)
    turns = [long, _short(clip, rng)]
    return [turns[int(index)] for index in rng.permutation(2)]


def asking_turns(clip: Episode, rng: np.random.Generator, count: int) -> list[Turn]:
    """Short questions that context and instruction answer; the same one may come again about another object."""
    return [_short(clip, rng) for _ in range(count)]


def _short(clip: Episode, rng: np.random.Generator) -> Turn:
    body = int(rng.integers(len(clip.bodies)))
    kind = rng.choice(5, p=[0.35, 0.25, 0.15, 0.2, 0.05])
    if kind == 0:
        return ask_where(clip, body)
    if kind == 1:
        return ask_heading(clip, body)
    if kind == 2:
        return ask_pushed(clip, past=False)
    return ask_presence(clip, rng) if kind == 3 else ask_count(clip)


def whole_clip_turns(clip: Episode, rng: np.random.Generator, count: int) -> list[Turn]:
    """Questions about a clip seen to its end, without an instruction: what a verifier asks."""
    turns = [ask_pushed(clip, past=True)] + [ask_judgement(clip, rng) for _ in range(count)]
    return [turns[int(index)] for index in rng.permutation(len(turns))[:count]]


def vocabulary_sentences() -> Iterator[str]:
    """Text that holds every word of the questions, answers and instructions, for the tokenizer."""
    names = [f"{colour} {shape}" for colour in COLOURS for shape in SHAPES]
    headings = ["left", "right", "up", "down", "left and up", "right and down", "at rest"]
    yield from all_instructions()
    for name in names:
        for to in headings:
            yield f"{NEXT} {DESCRIBE} {name} at (12,34) {to}; {name} at (56,78) goes by (90,12) to (34,56); {name} {to}"
            yield f"Where is the {name}?\nWhich way does the {name} move?\nIs there a {name}?"
            yield "How many objects are there?"
            yield f"Which object is pushed? the {name} to the {to} from (12,34)\nWhich object was pushed? none\nyes\nno"
            yield f"Is it true that the {name} was pushed to the {to}? nothing is pushed\nuser\nassistant\nsystem\n"


def world_tokenizer(*, vocabulary: int) -> Qwen2Tokenizer:
    """The tokenizer of the world's sentences: always the same for a vocabulary size."""
    return train_tokenizer(vocabulary_sentences(), vocabulary=vocabulary)
