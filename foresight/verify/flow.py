"""Velocity errors of a world model on given futures: what flow signals are made of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import reduce
from jaxtyping import Float
from torch import Tensor

from adapters import VLMFeatures
from foresight.verify.alternatives import alternatives
from foresight.verify.evidence import Gathering
from foresight.world.denoiser import ConditionedSequence, FutureDenoiser
from foresight.world.world_model import WorldModel
from ltx.flow.noise import draw_noise, seeded
from ltx.flow.path import interpolate, velocity_between
from ltx.shapes import to_tokens
from ltx.text import TextConditioning

OWN, BARE = "own", "bare"
Condition = str | int
"""`OWN` instruction, `BARE` of instruction and adapter as guidance's negative branch is, or the number of an other
instruction."""


class FlowProbe:
    """Asks the model how well futures of a batch of clips fit; one noise per clip for all that is compared.

    What futures share (the VLM's reading, text, the adapter's output, what the transformer makes of them) is computed
    once per condition.

    Args:
        model: the world model.
        known: latents of the contexts.
        context: the contexts.
        instructions: what is done in each clip.
        how: the other instructions and the seed of the noise.
    """

    def __init__(
        self,
        model: WorldModel,
        known: Float[Tensor, "batch channel latent_context row column"],
        context: Float[Tensor, "batch rgb=3 context height width"],
        instructions: Sequence[str],
        how: Gathering,
    ) -> None:
        self._model, self._known, self._context, self._how = model, known, context, how
        self._own = list(instructions)
        tried = [alternatives(sentence, how.instructions, how.count) for sentence in instructions]
        self._others = [list(sentences) for sentences in zip(*tried, strict=True)]
        self._told: dict[Condition, tuple[VLMFeatures | None, TextConditioning]] = {}
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
        errors = []
        for sigma in sigmas:
            times = tokens.new_full(tokens.shape[:2], sigma)
            velocity = denoise(interpolate(tokens, noise, times), times)
            error = (velocity - velocity_between(tokens, noise)).square()
            errors.append(reduce(error, "(b m) n c -> b m", "mean", b=batch))
        return torch.stack(errors, dim=2)

    def _denoiser(self, condition: Condition, frames: int, many: int) -> FutureDenoiser:
        key = (condition, frames, many)
        if key not in self._denoisers:
            problem = self._problem(condition, frames).repeat(many)
            self._denoisers[key] = FutureDenoiser(self._model.transformer, problem)
        return self._denoisers[key]

    def _problem(self, condition: Condition, frames: int) -> ConditionedSequence:
        key = (condition, frames)
        if key not in self._problems:
            features, text = self._say(condition)
            self._problems[key] = self._model.condition(self._known, features, text, frames)[1]
        return self._problems[key]

    def _say(self, condition: Condition) -> tuple[VLMFeatures | None, TextConditioning]:
        if condition not in self._told:
            if condition == BARE:
                self._told[condition] = None, self._model.text([""] * len(self._own))
            else:
                words = self._own if isinstance(condition, str) else self._others[condition]
                self._told[condition] = self._model.features(self._context, words), self._model.text(words)
        return self._told[condition]
