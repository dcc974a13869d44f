"""The verifier: a calibrated probability and a decision with a stated coverage, for as much as has been observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.verify.classifier import CalibratedClassifier
from foresight.verify.evidence.builder import EvidenceBuilder, check_batched
from foresight.verify.evidence.need import Need
from foresight.verify.fitted_on import FittedOn
from foresight.verify.plausibility import plausibility
from foresight.verify.signals import signal
from foresight.verify.storage import FittedVerifier, read_verifier
from foresight.verify.verdict import Verdict
from foresight.world.fingerprint import model_fingerprint
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel


@dataclass(frozen=True)
class Verifier:
    """Verdicts on predictions, from all, part or nothing of the observed future.

    Args:
        fitted: its classifiers, and what they hold for.
    """

    fitted: FittedVerifier

    @property
    def fitted_on(self) -> FittedOn:
        """Model, data and evidence that it holds for."""
        return self.fitted.fitted_on

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals, in order."""
        return self.fitted.signals

    @property
    def plausibilities(self) -> tuple[str, ...]:
        """Names of the figures that it ranks candidates by; none if it was fitted without."""
        return self.fitted.plausibilities

    @property
    def frames(self) -> int:
        """The most observed frames that it was fitted for."""
        return max(self.fitted.outcome)

    @property
    def least_frames(self) -> int:
        """The fewest observed frames that it was fitted for."""
        return min(self.fitted.outcome)

    @property
    def needs(self) -> frozenset[Need]:
        """Evidence that its signals need."""
        return frozenset().union(*(signal(name).needs for name in self.signals))

    def at(self, coverage: float) -> Verifier:
        """The same verifier deciding at another coverage in (0, 1)."""
        self._outcome(self.frames).thresholds(coverage)
        return Verifier(replace(self.fitted, coverage=coverage))

    def verify(
        self,
        model: WorldModel,
        predictions: Sequence[Prediction],
        observed: Float[Tensor, "batch rgb=3 frame height width"],
    ) -> list[Verdict]:
        """Verdicts on predictions from the observed future, or from as much of it as has arrived.

        Used are the most frames that were observed and predicted, and that the verifier was fitted for.

        Raises:
            ValueError: if the verifier was fitted for another model or number of candidates.
            UserError: if what was observed is too short or does not fit the predictions.
        """
        self.check(model, predictions)
        check_batched(observed)
        frames = self.reach(min(observed.shape[2], predictions[0].video.shape[2]))
        builder = EvidenceBuilder(model, predictions, self.needs, self.fitted_on.evidence)
        evidence = builder.evidence(observed[:, :, :frames])
        return self.judge({name: signal(name)(evidence).cpu() for name in self.signals}, frames)

    def reach(self, available: int) -> int:
        """Number of the available frames that are used.

        Raises:
            UserError: if there are fewer than it was fitted for at least.
        """
        fitting = [frames for frames in self.fitted.outcome if frames <= available]
        if not fitting:
            raise UserError(
                expected=f"at least {self.least_frames} frames both predicted and observed",
                got=str(available),
                remedy="wait for more frames, or predict further",
            )
        return max(fitting)

    def judge(self, values: Mapping[str, Float[Tensor, " batch"]], frames: int | None = None) -> list[Verdict]:
        """Verdicts from measured signals.

        Args:
            values: by name.
            frames: over how many observed frames they were measured; None is the most it was fitted for.

        Raises:
            ValueError: if a signal is missing or was not fitted, or the number of frames was not.
        """
        frames = self.frames if frames is None else frames
        logits = self.logits(values, frames)
        probabilities = torch.sigmoid(logits)
        correct: list[float | None] = [None] * len(logits)
        if self.fitted.prediction_correct:
            correct = torch.sigmoid(self.fitted.prediction_correct[frames].logits(values)).tolist()
        return [
            Verdict(
                probability=float(probabilities[row]),
                decision=self._outcome(frames).decide(float(logits[row]), self.fitted.coverage),
                signals={name: float(values[name][row]) for name in self.signals},
                frames=frames,
                prediction_correct=correct[row],
            )
            for row in range(len(logits))
        ]

    def logits(
        self, values: Mapping[str, Float[Tensor, " batch"]], frames: int | None = None
    ) -> Float[Tensor, " batch"]:
        """Calibrated log-odds that the outcome follows from context and instruction; see `judge`.

        Raises:
            ValueError: if a signal or the number of frames was not fitted, or a signal is missing or not finite.
        """
        return self._outcome(self.frames if frames is None else frames).logits(values)

    def contributions(self, verdict: Verdict) -> dict[str, float]:
        """Contribution of each signal to a verdict's log-odds, above 0 where it raised them."""
        return self._outcome(verdict.frames).contributions(verdict.signals)

    def rank(self, model: WorldModel, prediction: Prediction) -> Float[Tensor, " candidate"]:
        """Calibrated probability of each candidate that it comes true, without any observation.

        Raises:
            ValueError: if the verifier was fitted for another model.
            UserError: if there are fewer than three candidates, as each is seen among others, or it was fitted without
                plausibilities.
        """
        return self.rank_batch(model, [prediction])[0]

    def rank_batch(self, model: WorldModel, predictions: Sequence[Prediction]) -> Float[Tensor, "batch candidate"]:
        """`rank` for predictions of one size and number of candidates."""
        return torch.sigmoid(self._prior_logits(model, predictions)[1])

    def verify_unseen(self, model: WorldModel, prediction: Prediction) -> list[Verdict]:
        """A verdict on each candidate without any observation: that it comes true, by its plausibilities.

        Raises:
            ValueError: as `rank`.
            UserError: as `rank`.
        """
        figures, logits = self._prior_logits(model, [prediction])
        classifier, probabilities = self._outcome(0), torch.sigmoid(logits[0]).tolist()
        return [
            Verdict(
                probability=probability,
                decision=classifier.decide(float(logits[0, row]), self.fitted.coverage),
                signals={name: float(value[0, row]) for name, value in figures.items()},
                prediction_correct=probability,
            )
            for row, probability in enumerate(probabilities)
        ]

    foresee = verify_unseen
    """The name that earlier versions document."""

    def _prior_logits(
        self, model: WorldModel, predictions: Sequence[Prediction]
    ) -> tuple[dict[str, Float[Tensor, "batch candidate"]], Float[Tensor, "batch candidate"]]:
        """Plausibilities by name, and the log-odds of each candidate."""
        self.check_model(model)
        if len(predictions[0]) < 3:
            raise UserError(
                expected="at least 3 candidates to rank them among each other",
                got=str(len(predictions[0])),
                remedy="predict with more candidates",
            )
        if self.fitted.prior is None:
            raise UserError(
                expected="a verifier that was fitted with plausibilities, to rank what was not observed",
                got="one that was fitted without",
                remedy="fit one with `foresight fit-verifier`",
            )
        chosen = [plausibility(name) for name in self.plausibilities]
        needs: frozenset[Need] = frozenset().union(*(one.needs for one in chosen))
        prior = EvidenceBuilder(model, predictions, needs, self.fitted_on.evidence).prior()
        figures = {one.name: one(prior) for one in chosen}
        shape = next(iter(figures.values())).shape
        logits = self.fitted.prior.logits({name: value.flatten() for name, value in figures.items()})
        return figures, logits.view(shape)

    def check(self, model: WorldModel, predictions: Sequence[Prediction]) -> None:
        """Refuse another model or number of candidates than it was fitted for.

        Raises:
            ValueError: naming what differs.
        """
        self.check_model(model)
        counts = sorted({len(prediction) for prediction in predictions})
        if counts != [self.fitted_on.candidates]:
            raise ValueError(
                f"expected predictions of {self.fitted_on.candidates} candidates, as the verifier was fitted on, "
                f"got {counts}"
            )

    def check_model(self, model: WorldModel) -> None:
        """Refuse another world model than it was fitted for.

        Raises:
            ValueError: with the fingerprints of both.
        """
        found = model_fingerprint(model)
        if found != self.fitted_on.model:
            raise ValueError(
                f"expected the world model {self.fitted_on.model[:12]} that this verifier was fitted for, "
                f"got {found[:12]}; fit one with `foresight fit-verifier`"
            )

    def _outcome(self, frames: int) -> CalibratedClassifier:
        """The classifier after a number of observed frames; after none, that of candidates."""
        fitted = self.fitted
        if frames == 0 and fitted.prior is not None:
            return fitted.prior
        if frames not in fitted.outcome:
            raise ValueError(f"expected {' or '.join(map(str, sorted(fitted.outcome)))} observed frames, got {frames}")
        return fitted.outcome[frames]

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `verifier.json` and `verifier.safetensors` into a folder."""
        self.fitted.save_pretrained(folder)

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Verifier:
        """Read a verifier from its folder, from the folder of a world model, or by the model's name.

        Raises:
            UserError: if there is none, or it is damaged.
        """
        return cls(read_verifier(where))
