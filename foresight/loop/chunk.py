"""One chunk of a future, for moves that sample it in a way of their own."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.world.prediction import Prediction
from foresight.world.rollout import Rollout
from foresight.world.world_model import WorldModel
from ltx.flow.noise import seeded
from ltx.flow.sampler import Denoiser
from ltx.shapes import TIME, LatentShape, from_tokens


class Chunk:
    """All of a prediction but its sampling: what the transformer is given, and what is made of the sampled tokens.

    Args:
        model: the world model.
        context: observed frames; the transformer is given as many of them as in a prediction.
        instruction: what is supposed to be done.
        shape: of the latents to sample.
        candidates: how many rows.
        seed: candidate i takes its noise from seed + i.
        steps: of a full schedule.

    Raises:
        UserError: if the latents reach beyond one chunk: what follows it would have to be drawn anew.
    """

    @torch.no_grad()
    def __init__(
        self,
        model: WorldModel,
        context: Float[Tensor, "rgb=3 context height width"],
        instruction: str,
        shape: LatentShape,
        *,
        candidates: int,
        seed: int,
        steps: int,
    ) -> None:
        if shape.frames * TIME > model.plan.chunk_frames:
            raise UserError(
                expected=f"a prediction of at most {model.plan.chunk_frames} frames, one chunk, to correct",
                got=f"{shape.frames * TIME} frames",
                remedy="choose a shorter horizon, or a policy that neither refines nor conforms",
            )
        self.model, self.instruction, self.shape = model, instruction, shape
        self._candidates, self._seed, self._steps = candidates, seed, steps
        self.rollout = Rollout(
            model,
            chunks=1,
            steps=steps,
            generators=seeded([seed + index for index in range(candidates)]),
            progress=lambda stage, done, of: None,
        )
        whole = context[None].to(model.device, torch.float32)
        self._given = whole[:, :, -model.plan.context_frames :]
        with self.rollout.stage("features"):
            self._features = model.features(whole, [instruction])
        with self.rollout.stage("encoding"):
            self._known = model.encode(self._given)
        with self.rollout.stage("conditioning"):
            conditioning, self._problem = model.given(
                self._known, self._features, model.text([instruction]), shape.frames
            )
        self._conditions = tuple(kind for kind in conditioning.kinds if kind != "forecast")

    @property
    def generators(self) -> list[torch.Generator]:
        """One per candidate."""
        return self.rollout.generators

    @property
    def tokens(self) -> int:
        """Latent tokens of context and chunk."""
        return self._problem.coordinates.shape[2]

    def denoiser(self) -> Denoiser:
        """The velocity of all candidates' tokens, guided as a prediction's is."""
        return self.rollout.denoiser(self._problem.repeat(self._candidates))

    @torch.no_grad()
    def prediction(
        self, tokens: Float[Tensor, "candidate token channel"], *, noise_level: float, passes: int, horizon: int
    ) -> Prediction:
        """Decode sampled tokens.

        Args:
            tokens: clean.
            noise_level: where the flow was entered.
            passes: how often the denoiser was asked.
            horizon: frames of the video to return.
        """
        plan, latents = self.model.plan, from_tokens(tokens, self.shape)
        with self.rollout.stage("decoding"):
            whole = torch.cat([self._known.repeat_interleave(self._candidates, 0), latents], dim=2)
            video = self.model.decode(whole, self.generators)[:, :, self._given.shape[2] :]
        return Prediction(
            video=video[:, :, :horizon],
            latents=latents,
            context=self._given[0],
            context_latents=self._known[0],
            features=self._features,
            instruction=self.instruction,
            frame_rate=plan.frame_rate,
            seed=self._seed,
            noise_level=noise_level,
            steps=self._steps,
            evaluations=passes * (2 if plan.guidance > 1 else 1),
            seconds=self.rollout.seconds,
            conditions=self._conditions,
        )
