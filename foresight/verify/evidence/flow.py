"""Velocity errors of a world model on given futures, of which flow signals are made."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from adapters import VLMFeatures
from foresight.verify.evidence.records import EvidenceConfig
from foresight.world.denoiser import ConditionedSequence, FutureDenoiser
from foresight.world.flow_error import flow_error
from foresight.world.world_model import WorldModel
from ltx.flow.noise import draw_noise, seeded
from ltx.shapes import to_tokens
from ltx.text import TextConditioning

CONDITIONAL, UNCONDITIONAL = "conditional", "unconditional"
Condition = str | int
"""`CONDITIONAL` on the clip's instruction, `UNCONDITIONAL` without instruction and adapter, as the negative branch of
guidance is, or the number of another instruction."""


class FlowProbe:
    """Velocity errors of futures of a batch of clips under several conditions, with one noise per clip.

    What futures share (the VLM's reading, text, the adapter's output, what the transformer makes of them) is computed
    once per condition.

    Args:
        model: the world model.
        known: latents of the contexts.
        context: the contexts.
        instructions: of the clips.
        how: the other instructions and the seed of the noise.
    """

    def __init__(
        self,
        model: WorldModel,
        known: Float[Tensor, "batch channel latent_context row column"],
        context: Float[Tensor, "batch rgb=3 context height width"],
        instructions: Sequence[str],
        how: EvidenceConfig,
    ) -> None:
        self._model, self._known, self._context, self._how = model, known, context, how
        self._own = list(instructions)
        tried = [alternatives(sentence, how.instructions, how.count) for sentence in instructions]
        self._others = [list(sentences) for sentences in zip(*tried, strict=True)]
        self._conditions: dict[Condition, tuple[VLMFeatures | None, TextConditioning]] = {}
        self._problems: dict[tuple[Condition, int], ConditionedSequence] = {}
        self._denoisers: dict[tuple[Condition, int, int], FutureDenoiser] = {}

    @torch.no_grad()
    def losses(
        self,
        futures: Float[Tensor, "batch many channel latent_frame row column"],
        condition: Condition,
        sigmas: Sequence[float],
    ) -> Float[Tensor, "batch many sigma"]:
        """Mean squared error of the velocity at each noise level, for several futures of each clip."""
        batch, many = futures.shape[:2]
        tokens = to_tokens(futures.flatten(0, 1))
        noise = draw_noise(to_tokens(futures[:, 0]), seeded([self._how.seed] * batch)).repeat_interleave(many, 0)
        denoise = self._denoiser(condition, futures.shape[3], many)
        errors = flow_error(denoise, tokens, noise, sigmas)
        return rearrange(errors, "(batch many) sigma -> batch many sigma", batch=batch)

    def _denoiser(self, condition: Condition, frames: int, many: int) -> FutureDenoiser:
        key = (condition, frames, many)
        if key not in self._denoisers:
            problem = self._problem(condition, frames).repeat(many)
            self._denoisers[key] = FutureDenoiser(self._model.transformer, problem)
        return self._denoisers[key]

    def _problem(self, condition: Condition, frames: int) -> ConditionedSequence:
        key = (condition, frames)
        if key not in self._problems:
            features, text = self._condition(condition)
            self._problems[key] = self._model.condition(self._known, features, text, frames)[1]
        return self._problems[key]

    def _condition(self, condition: Condition) -> tuple[VLMFeatures | None, TextConditioning]:
        if condition not in self._conditions:
            if condition == UNCONDITIONAL:
                self._conditions[condition] = None, self._model.text([""] * len(self._own))
            else:
                words = self._own if isinstance(condition, str) else self._others[condition]
                self._conditions[condition] = self._model.features(self._context, words), self._model.text(words)
        return self._conditions[condition]


def alternatives(instruction: str, known: Sequence[str], count: int) -> list[str]:
    """The `count` known instructions most like this one, without itself: those that share most words, in known order.

    "the red ball is pushed up" is contrasted with pushes of the red ball to other sides before anything else.

    Raises:
        ValueError: if fewer are known.
    """
    others = [sentence for sentence in known if sentence != instruction]
    if len(others) < count:
        raise ValueError(f"expected at least {count} other instructions than {instruction!r}, got {len(others)}")
    words = set(instruction.split())

    def likeness(sentence: str) -> float:
        other = set(sentence.split())
        return len(words & other) / len(words | other)

    return sorted(others, key=likeness, reverse=True)[:count]
