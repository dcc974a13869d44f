"""The verification card of a verifier, as a benchmark that a configuration names."""

from __future__ import annotations

from collections.abc import Sequence

from foresight.evaluation.benchmarks import Measured, Progress
from foresight.evaluation.verification.card import evaluate_verification
from foresight.verify import Cases, Verifier
from foresight.world.world_model import WorldModel


class VerificationBenchmark:
    """The verification card.

    Args:
        verifier: fitted for the model, on other cases.
        cases: held-out clips with true and wrong futures.
        also: signals measured beside the verifier's own, to be reported alone.
        seeds: of the first candidate, in turn from batch to batch.
        aim: AUROC that is promised on wrong outcomes.
        name: of the run's folder and of the marks in a page.
    """

    def __init__(
        self,
        *,
        verifier: Verifier,
        cases: Cases,
        also: Sequence[str],
        seeds: Sequence[int],
        aim: float,
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
        return Measured(card.tables(), card.figures(), gates=tuple(card.gates(self._aim)))
