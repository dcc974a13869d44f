"""Instructions of the simulated world, as people would write them."""

from __future__ import annotations

from collections.abc import Sequence

from foresight.physics.palette import COLOURS
from foresight.physics.scene import DIRECTIONS, Action, Body

NOTHINGS = ("nothing is pushed", "push nothing", "nothing happens", "wait", "leave everything alone")
"""The instruction of a clip without a push, and its paraphrases."""


def instruction(action: Action | None, bodies: Sequence[Body]) -> str:
    """The sentence that tells what is done to the scene: the first of its `paraphrases`."""
    return paraphrases(action, bodies)[0]


def paraphrases(action: Action | None, bodies: Sequence[Body]) -> tuple[str, ...]:
    """Sentences that say the same, as different people would write them."""
    if action is None:
        return NOTHINGS
    return push_sentences(bodies[action.body].name, action.direction)


def push_sentence(name: str, direction: str) -> str:
    """`the red ball is pushed to the left` and its kin."""
    return push_sentences(name, direction)[0]


def push_sentences(name: str, direction: str) -> tuple[str, ...]:
    """Paraphrases of a push; up and down take no article."""
    where = f"to the {direction}" if direction in ("left", "right") else direction
    return (
        f"the {name} is pushed {where}",
        f"push the {name} {where}",
        f"the {name} is pushed {direction}",
        f"push the {name} {direction}",
        f"someone pushes the {name} {where}",
    )


def all_instructions() -> list[str]:
    """Every instruction of the world: the closed set that a text encoder has to tell apart."""
    return [sentences[0] for sentences in all_paraphrases()]


def all_paraphrases() -> list[tuple[str, ...]]:
    """Every instruction with its paraphrases, in the order of `all_instructions`."""
    names = [f"{colour} {shape}" for colour in COLOURS for shape in ("ball", "box")]
    return [NOTHINGS, *(push_sentences(name, direction) for name in names for direction in DIRECTIONS)]
