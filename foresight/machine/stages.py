"""How much memory each command of the way from one's own models to a prediction takes on a machine without a GPU.

Networks that are read stay in their memory-mapped files in the type that they are stored in; their pages count as
memory of the process, though the system takes them back when it is short. One large network is read at a time where
that is possible, so a stage is as large as its largest network and what is computed with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from foresight.machine.training import Footprint, held

PROGRAM = 500_000_000
"""Bytes of Python with its packages, measured as the peak of commands on tiny models."""


@dataclass(frozen=True)
class Stage:
    """A command and what it takes.

    Args:
        command: its name.
        memory: bytes of the process at most, pages of mapped files among them.
        holds: what of the models it has in memory.
    """

    command: str
    memory: int
    holds: str


def stages(found: Footprint, *, batch: int, recompute: bool, text: bool) -> list[Stage]:
    """What encoding, training and predicting take.

    Args:
        found: sizes of the models, and activations of a clip in training.
        batch: clips per step.
        recompute: whether blocks are run again in the backward pass.
        text: whether predictions need the text encoder, which an adapter's tokens may replace.
    """
    held_by = {name: held(getattr(found, name)) for name in ("vlm", "vae", "text_encoder", "transformer")}
    world = ["vlm", "vae", "transformer", *(["text_encoder"] if text else [])]
    made = ["text_encoder", "transformer", "vae"]
    return [
        Stage("encode", PROGRAM + found.encoding(), "one network after the other"),
        Stage("train", PROGRAM + found.training(batch, recompute=recompute), "the transformer and the adapter"),
        Stage("predict", PROGRAM + sum(map(held_by.__getitem__, world)), ", ".join(world)),
        Stage("generate", PROGRAM + sum(map(held_by.__getitem__, made)), ", ".join(made)),
    ]
