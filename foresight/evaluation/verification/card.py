"""The verification card: how well verdicts tell outcomes that follow from context and instruction from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.benchmarks import FIGURE, VALUE, Measured, figure_rows
from foresight.evaluation.gates import Gate, at_least, at_most, surely_above, weakest, within
from foresight.evaluation.verification.candidate_selection import GAIN, candidates_before, selection, shown_after
from foresight.evaluation.verification.control_baselines import control_baselines, control_signals
from foresight.evaluation.verification.scored_examples import ScoredExamples
from foresight.evaluation.verification.strata import auroc_by_kind, auroc_inside, strata
from foresight.evaluation.verification.values import example_values
from foresight.metrics.statistics import Estimate
from foresight.progress import Progress, silent
from foresight.results.values import ClipValues
from foresight.verify.calibration import reliability
from foresight.verify.cases import Cases, OutcomeBatch
from foresight.verify.classifier import CalibratedClassifier
from foresight.verify.examples import Examples, Measurements, Samples, collect
from foresight.verify.signals import SIGNALS
from foresight.verify.verifier import Verifier
from foresight.world.prediction import Prediction
from foresight.world.world_model import WorldModel

COVERAGES = (0.8, 0.9, 0.95)
DECIDED = (0.25, 0.5, 0.75, 1.0)
ALONE = (
    *("flow_instruction", "flow_loss", "latent_spread", "energy", "rank"),
    *("pixel_ratio", "pixel", "latent", "disagreement", "motion_amount"),
)
"""Signals that a benchmark reports alone, for comparison, unless its configuration says which."""


@dataclass(frozen=True)
class VerificationCard:
    """Verdicts on held-out clips with true and counterfactual futures, and on the model's own candidates.

    Args:
        examples: measured signals, those of the control baselines included.
        samples: measured candidates.
        traits: of each clip of `samples`, by name; see `OutcomeBatch`.
        verifier: whose scores they are.
    """

    examples: Examples
    samples: Samples
    traits: Mapping[str, Float[Tensor, " clip"]]
    verifier: Verifier

    @cached_property
    def logits(self) -> dict[int, Float[Tensor, " example"]]:
        """The verifier's log-odds after each number of observed frames."""
        return self._logits_of(self.verifier.fitted.outcome)

    @cached_property
    def correct_logits(self) -> dict[int, Float[Tensor, " example"]]:
        """That the prediction comes true, after each number of observed frames; none for a verifier fitted without."""
        return self._logits_of(self.verifier.fitted.prediction_correct)

    def _logits_of(self, heads: Mapping[int, CalibratedClassifier]) -> dict[int, Float[Tensor, " example"]]:
        return {
            frames: head.logits({name: self.examples.values[frames][name] for name in head.names})
            for frames, head in heads.items()
        }

    @cached_property
    def scored(self) -> ScoredExamples:
        """All outcomes, seen as far as the verifier can."""
        return ScoredExamples(self.logits[self.verifier.frames], self.examples.right, self.examples.owner)

    @cached_property
    def control_baselines(self) -> dict[str, ScoredExamples]:
        """The same outcomes scored by control baselines."""
        return control_baselines(self.scored, self.examples.values[self.verifier.frames], self.verifier.signals)

    @cached_property
    def inside_strata(self) -> dict[str, Estimate]:
        """AUROC inside strata of the traits."""
        return auroc_inside(strata(self.scored, self.samples.clips, self.traits))

    @cached_property
    def own_predictions(self) -> dict[str, ScoredExamples]:
        """The model's shown predictions, after some frames and before any; only where both labels occur."""
        found = {
            f"after {frames} frames": shown_after(logits, self.examples)
            for frames, logits in (self.correct_logits or self.logits).items()
        }
        unseen = self.unseen_candidates
        if unseen is not None:
            found["before any frame"] = unseen
        return {name: one for name, one in found.items() if one.both}

    @property
    def unseen_candidates(self) -> ScoredExamples | None:
        """Every candidate before anything was observed; None for a verifier that cannot rank."""
        logits = self._prior
        return None if logits is None else candidates_before(logits, self.samples)

    @property
    def _prior(self) -> Float[Tensor, "clip candidate"] | None:
        head = self.verifier.fitted.prior
        if head is None:
            return None
        values = {name: self.samples.values[name].flatten() for name in head.names}
        return head.logits(values).view(self.samples.position_error.shape)

    def figures(self) -> dict[str, Estimate]:
        """All figures, by name."""
        figures = self.scored.calibration() | auroc_by_kind(self.scored, self.examples)
        figures |= {f"AUROC of {name}": one.auroc for name, one in self.control_baselines.items()}
        figures |= {f"lead over {name}": self.scored.lead(one) for name, one in self.control_baselines.items()}
        figures |= self._alone() | self.inside_strata | self._coverage()
        for share in DECIDED:
            figures[f"accuracy at {share:.0%} coverage"] = self.scored.accuracy_at(share)
        for frames, logits in self.logits.items():
            if frames != self.verifier.frames:
                part = self.scored.with_score(logits).calibration()
                figures |= {f"after {frames} frames: {name}": value for name, value in part.items()}
        for frames, logits in self.correct_logits.items():
            every = ScoredExamples(logits, self.examples.prediction_correct, self.examples.owner)
            if every.both:
                said = every.calibration()
                figures |= {f"hit or miss, any outcome, after {frames} frames: {name}": said[name] for name in said}
        for name, one in self.own_predictions.items():
            figures |= {f"own predictions {name}: {figure}": value for figure, value in one.calibration().items()}
        prior = self._prior
        return figures if prior is None else figures | selection(prior, self.samples)

    def gates(self, aim: float = 0.95) -> list[Gate]:
        """Gates of a verifier; `aim` is the AUROC on counterfactual outcomes."""
        scored = self.scored
        name, lowest = weakest(self.inside_strata)
        nearest, lead = weakest({name: scored.lead(one) for name, one in self.control_baselines.items()})
        gates = [
            at_least("AUROC on counterfactual outcomes", scored.auroc, aim),
            surely_above(f"AUROC inside every stratum (weakest: {name.removeprefix('AUROC, ')})", lowest, 0.65),
            surely_above(f"lead over every control baseline (nearest: {nearest})", lead, 0),
            at_most("expected calibration error", scored.calibration()["expected calibration error"], 0.05),
            at_least("accuracy at 50% coverage", scored.accuracy_at(0.5), 0.9),
        ]
        for share in COVERAGES:
            gates.append(within(f"right outcomes kept at {share:.0%}", self._kept(share), share, 0.02))
        after = f"after {self.verifier.frames} frames"
        if after in self.own_predictions:
            gates.append(at_least("AUROC on the model's own predictions", self.own_predictions[after].auroc, 0.8))
        prior = self._prior
        if prior is not None:
            gain = selection(prior, self.samples)[GAIN]
            gates.append(surely_above("gain of the most plausible candidate over the average (px)", gain, 0))
        return gates

    def values(self) -> tuple[ClipValues, ...]:
        """Log-odds of every outcome, by the verifier and by control baselines."""
        scores = {f"verifier after {frames} frames": logits for frames, logits in self.logits.items()}
        scores |= {f"hit or miss after {frames} frames": logits for frames, logits in self.correct_logits.items()}
        scores |= {name: one.score for name, one in self.control_baselines.items()}
        return example_values(self.examples, scores)

    def tables(self) -> dict[str, list[dict[str, str]]]:
        """Figures and the reliability curve, for people."""
        rows = figure_rows(self.figures())
        absent = {name: one.absent() for name, one in SIGNALS.items()}
        rows += [
            {FIGURE: f"AUROC of {name.replace('_', ' ')} alone", VALUE: f"absent: {why}"}
            for name, why in absent.items()
            if why is not None
        ]
        curve = reliability(torch.sigmoid(self.scored.score), self.scored.right)
        bins = [
            {"probability": f"{one.probability:.2f}", "right": f"{one.right:.2f}", "examples": str(one.examples)}
            for one in curve
        ]
        return {"figures": rows, "reliability": bins}

    def _alone(self) -> dict[str, Estimate]:
        """Each signal alone, turned so that more means right: distances and agreements alike."""
        found = {}
        for name, values in self.examples.values[self.verifier.frames].items():
            if name in SIGNALS:
                one = self.scored.with_score(values)
                up = one.auroc
                turned = up if up.value >= 0.5 else self.scored.with_score(-values).auroc
                found[f"AUROC of {name.replace('_', ' ')} alone"] = turned
        return found

    def _kept(self, coverage: float, right: bool = True) -> Estimate:
        above, below = self.verifier.fitted.outcome[self.verifier.frames].thresholds(coverage)
        return self.scored.kept(above if right else below, right)

    def _coverage(self) -> dict[str, Estimate]:
        found = {}
        for aim in COVERAGES:
            found[f"right outcomes kept (aim {aim:.0%})"] = self._kept(aim)
            found[f"wrong outcomes kept out (aim {aim:.0%})"] = self._kept(aim, right=False)
        return found


def evaluate_verification(
    model: WorldModel,
    verifier: Verifier,
    cases: Cases,
    *,
    also: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    progress: Progress = silent,
) -> VerificationCard:
    """Judge held-out clips with their true and some wrong futures.

    Args:
        model: the world model.
        verifier: fitted for it, on other cases.
        cases: held out.
        also: signals measured beside the verifier's own, to be reported alone.
        seeds: of the first candidate, in turn from batch to batch.
        progress: called with (done, total).

    Raises:
        ValueError: if the verifier was fitted for another model.
    """
    names = tuple(dict.fromkeys((*verifier.signals, *also)))
    measurements = Measurements(
        signals=names,
        plausibilities=verifier.plausibilities,
        frames=tuple(sorted(verifier.fitted.outcome)),
        candidates=verifier.fitted_on.candidates,
        evidence=verifier.fitted_on.evidence,
        extra=control_signals(),
    )
    measured: dict[str, list[Tensor]] = {}

    def remember(model: WorldModel, batch: OutcomeBatch, predictions: Sequence[Prediction]) -> None:
        verifier.check(model, predictions)
        for name, values in batch.traits.items():
            measured.setdefault(name, []).append(values)

    examples, samples = collect(model, measurements, cases, seeds=seeds, progress=progress, on_batch=remember)
    return VerificationCard(examples, samples, {name: torch.cat(parts) for name, parts in measured.items()}, verifier)


class VerificationBenchmark:
    """The verification card.

    Args:
        verifier: fitted for the model, on other cases.
        cases: held-out clips with true and wrong futures.
        seeds: of the first candidate, in turn from batch to batch.
        aim: AUROC that is promised on wrong outcomes.
        also: signals measured beside the verifier's own, to be reported alone.
        name: of the run's folder and of the marks in a page.
    """

    def __init__(
        self,
        *,
        verifier: Verifier,
        cases: Cases,
        seeds: Sequence[int],
        aim: float,
        also: Sequence[str] = ALONE,
        name: str = "verification",
    ) -> None:
        self.name = name
        self._verifier, self._cases, self._also = verifier, cases, tuple(also)
        self._seeds, self._aim = tuple(seeds), aim

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Judge every clip with its true and some wrong futures."""
        card = evaluate_verification(
            model, self._verifier, self._cases, also=self._also, seeds=self._seeds, progress=progress
        )
        return Measured(card.tables(), card.figures(), gates=tuple(card.gates(self._aim)), values=card.values())
