"""The verdict on one prediction: probabilities, a decision, and the figures that they are based on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from foresight.verify.classifier import Decision


@dataclass(frozen=True)
class Verdict:
    """A verifier's verdict on one prediction.

    Args:
        probability: calibrated probability that the observed future follows from context and instruction.
        decision: "accept" where only such outcomes, "reject" where only others look like this at the stated coverage,
            "abstain" where both or neither do.
        signals: the figures that it is based on, by name.
        frames: number of observed frames that it is based on; 0 is none, and the signals are plausibilities.
        prediction_correct: calibrated probability that the prediction comes true: that every body is drawn where it
            goes, the mean over all its frames, observed or not, within `foresight.verify.correctness.TOLERANCE`. The
            observed future can follow from the instruction and the prediction miss it all the same. None if the
            verifier was fitted without.
    """

    probability: float
    decision: Decision
    signals: Mapping[str, float]
    frames: int = 0
    prediction_correct: float | None = None

    @property
    def confidence(self) -> float:
        """Probability that the prediction comes true, or where that is not known, that of the outcome."""
        return self.probability if self.prediction_correct is None else self.prediction_correct
