"""Evidence for a batch of predictions against any number of outcomes; what outcomes share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import replace

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.metrics.baselines import copy_last_frame
from foresight.verify.evidence.flow import CONDITIONAL, UNCONDITIONAL, FlowProbe
from foresight.verify.evidence.need import FLOWS, Need, checked_needs
from foresight.verify.evidence.reading import action_odds, described_alike, vision_states
from foresight.verify.evidence.records import Evidence, EvidenceConfig, FlowLosses, PriorEvidence
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel
from ltx.shapes import TIME
from ltx.values import as_pixels

Latents = Float[Tensor, "batch channel latent_frame row column"]
Videos = Float[Tensor, "batch rgb=3 frame height width"]


class EvidenceBuilder:
    """Builder of the evidence of predictions of one size and number of candidates, against any outcome.

    Args:
        model: the model that predicted.
        predictions: one per clip.
        needs: values of `Need`, which the measurements name.
        how: instructions and noise levels of the flow losses.

    Raises:
        UserError: if the predictions are shorter than one latent frame.
        ValueError: if a need is unknown.
    """

    @torch.no_grad()
    def __init__(
        self, model: WorldModel, predictions: Sequence[Prediction], needs: Collection[str], how: EvidenceConfig
    ) -> None:
        self.model, self.needs, self.how = model, checked_needs(needs), how
        self.instructions = [prediction.instruction for prediction in predictions]
        frames = predictions[0].video.shape[2] // TIME * TIME
        if frames < TIME:
            raise _too_few(f"predictions {tuple(predictions[0].video.shape)}")
        self.context = torch.stack([prediction.context for prediction in predictions])
        self.predicted = torch.stack([prediction.video[:, :, :frames] for prediction in predictions])
        self.latents = torch.stack([prediction.latents[:, :, : frames // TIME] for prediction in predictions])
        self._medoids = [prediction.medoid for prediction in predictions]
        self._known = torch.stack([prediction.context_latents for prediction in predictions])
        self._copy = self.encode(copy_last_frame(self.context, frames))
        self._probe = FlowProbe(model, self._known, self.context, self.instructions, how)
        self._shared: dict[Hashable, Tensor] = {}

    @property
    def frames(self) -> int:
        """Predicted frames, rounded down to a multiple of 8."""
        return self.predicted.shape[3]

    @torch.no_grad()
    def encode(self, observed: Videos) -> Latents:
        """Latents of the observed future behind the context; the encoder is causal: the first are of a shorter clip.

        Raises:
            UserError: if it is shorter than one latent frame, or of another size than the predictions.
            ValueError: if its values are not finite or not in [−1, 1].
        """
        check_batched(observed)
        frames = min(observed.shape[2], self.frames) // TIME * TIME
        if frames < TIME or len(observed) != len(self.context) or observed.shape[3:] != self.context.shape[3:]:
            raise _too_few(f"observed {tuple(observed.shape)} for contexts {tuple(self.context.shape)}")
        seen = as_pixels(observed, "the observed frames")[:, :, :frames].to(self.context)
        return self.model.encode(torch.cat([self.context, seen], dim=2))[:, :, self._known.shape[2] :]

    @torch.no_grad()
    def evidence(self, observed: Videos, latents: Latents | None = None) -> Evidence:
        """Evidence against the observed future, as far as whole latent frames of it and of the prediction go.

        Args:
            observed: in [−1, 1].
            latents: its latents, if known: `encode` of it, or the first of `encode` of more.

        Raises:
            UserError: as `encode`.
        """
        latents = self.encode(observed) if latents is None else latents
        count = latents.shape[2]
        frames = count * TIME
        evidence = Evidence(
            context=self.context,
            predicted=self.predicted[:, :, :, :frames],
            predicted_latents=self.latents[:, :, :, :count],
            observed=observed[:, :, :frames].to(self.context),
            observed_latents=latents,
            copy_latents=self._copy[:, :, :count],
        )
        if self.needs & FLOWS:
            evidence = replace(evidence, flow=self._flow(evidence))
        if Need.STATES in self.needs:
            states = vision_states(self.model, self._whole(evidence.observed), self.instructions)
            predicted = self._once((Need.STATES, count), lambda: self._predicted_states(frames))
            evidence = replace(evidence, observed_states=states, predicted_states=predicted)
        if Need.ACTION in self.needs:
            odds = action_odds(self.model, self._whole(evidence.observed), self.instructions)
            evidence = replace(evidence, action_odds=odds)
        if Need.DESCRIPTION in self.needs:
            rows = torch.arange(len(self.context))
            shown = evidence.predicted[rows, torch.tensor(self._medoids)]
            alike = described_alike(self.model, self._whole(shown), self._whole(evidence.observed))
            evidence = replace(evidence, described_alike=alike)
        return evidence

    @torch.no_grad()
    def prior(self) -> PriorEvidence:
        """Evidence of the candidates before anything has been observed."""
        conditional = unconditional = None
        if Need.PRIOR_FLOW in self.needs:
            levels = self.how.prior_sigmas
            conditional = self._probe.losses(self.latents, CONDITIONAL, levels)
            unconditional = self._probe.losses(self.latents, UNCONDITIONAL, levels)
        return PriorEvidence(
            context=self.context,
            predicted=self.predicted,
            predicted_latents=self.latents,
            copy_latents=self._copy,
            conditional=conditional,
            unconditional=unconditional,
        )

    def _flow(self, evidence: Evidence) -> FlowLosses:
        def losses(future: Latents, condition: str | int) -> Float[Tensor, "batch sigma"]:
            return self._probe.losses(future[:, None], condition, self.how.sigmas)[:, 0]

        seen, count = evidence.observed_latents, evidence.observed_latents.shape[2]
        others, unconditional, candidates = None, None, None
        if Need.FLOW_OTHERS in self.needs:
            others = torch.stack([losses(seen, number) for number in range(self.how.count)], dim=1)
        if Need.FLOW_UNCONDITIONAL in self.needs:
            unconditional = losses(seen, UNCONDITIONAL)
        if Need.FLOW_CANDIDATES in self.needs:
            candidates = self._once(
                (Need.FLOW_CANDIDATES, count),
                lambda: self._probe.losses(evidence.predicted_latents, CONDITIONAL, self.how.sigmas),
            )
        return FlowLosses(
            observed=losses(seen, CONDITIONAL),
            copy_last_frame=self._once((Need.FLOW, count), lambda: losses(evidence.copy_latents, CONDITIONAL)),
            others=others,
            unconditional=unconditional,
            candidates=candidates,
        )

    def _predicted_states(self, frames: int) -> Float[Tensor, "batch candidate token dim"]:
        candidates = self.predicted.shape[1]
        context = self.context.repeat_interleave(candidates, 0)
        flat = rearrange(self.predicted[:, :, :, :frames], "b c d f h w -> (b c) d f h w")
        repeated = [sentence for sentence in self.instructions for _ in range(candidates)]
        states = vision_states(self.model, torch.cat([context, flat], dim=2), repeated)
        return rearrange(states, "(b c) n d -> b c n d", c=candidates)

    def _whole(self, future: Videos) -> Videos:
        return torch.cat([self.context, future], dim=2)

    def _once(self, key: Hashable, compute: Callable[[], Tensor]) -> Tensor:
        """A value that does not depend on the outcome, computed for the first one only."""
        if key not in self._shared:
            self._shared[key] = compute()
        return self._shared[key]


def check_batched(observed: Videos) -> None:
    """Refuse a single clip where one for each prediction is wanted.

    Raises:
        UserError: with its shape.
    """
    if observed.ndim != 5:
        raise UserError(
            expected="what happened after each context, (batch, 3, frames, height, width)",
            got=str(tuple(observed.shape)),
            remedy="of a single clip give observed[None]",
        )


def _too_few(got: str) -> UserError:
    return UserError(
        expected=f"at least {TIME} observed and predicted frames of one size for each prediction",
        got=got,
        remedy="wait for more frames, or predict further",
    )
