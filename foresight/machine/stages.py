"""Memory of each command from one's own models to a prediction, on a machine without a GPU.

Networks that are read stay in their memory-mapped files in the type that they are stored in; the pages that are in use
count as memory of the process. One large network is at work at a time, so a stage is as large as its largest network
with the copies that it is cast to on a processor without units for its type.
"""

from __future__ import annotations

from dataclasses import dataclass

from foresight.machine.training import Footprint

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
    """Memory of encoding, training and predicting.

    Args:
        found: sizes of the models, and activations of a clip in training.
        batch: clips per step.
        recompute: whether blocks are run again in the backward pass.
        text: whether predictions need the text encoder, which an adapter's tokens may replace.
    """
    world = ["vlm", "vae", "transformer", *(["text_encoder"] if text else [])]
    made = ["text_encoder", "transformer", "vae"]
    one = "one network after the other"
    return [
        Stage("encode", PROGRAM + found.encoding(), one),
        Stage("train", PROGRAM + found.training(batch, recompute=recompute), "the transformer and the adapter"),
        Stage("predict", PROGRAM + max(map(found.working, world)), one),
        Stage("generate", PROGRAM + max(map(found.working, made)), one),
    ]
