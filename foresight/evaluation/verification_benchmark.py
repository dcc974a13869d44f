"""The verification card of a verifier, as a benchmark that a configuration names."""

from __future__ import annotations

from collections.abc import Sequence

from foresight.evaluation.benchmarks import Measured, Progress
from foresight.evaluation.verification import evaluate_verification
from foresight.physics import PhysicsConfig
from foresight.verify import Verifier
from foresight.world_model import WorldModel


class VerificationBenchmark:
    """The verification card on the simulated world.

    Args:
        verifier: fitted for the model, on another split.
        clips: number of held-out clips.
        physics: the world.
        split: which seeds.
        kinds: of counterfactual futures.
        negatives: how many of them per clip, in turn.
        also: signals measured beside the verifier's own, to be reported alone.
        seeds: of the first candidate, in turn from batch to batch.
        aim: AUROC that is promised on counterfactual outcomes.
        name: of the run's folder and of the marks in a page.
    """

    def __init__(
        self,
        *,
        verifier: Verifier,
        clips: int,
        physics: PhysicsConfig,
        split: str,
        kinds: Sequence[str],
        negatives: int,
        also: Sequence[str],
        seeds: Sequence[int],
        aim: float,
        name: str = "verification",
    ) -> None:
        self.name = name
        self._verifier, self._clips, self._physics, self._split = verifier, clips, physics, split
        self._kinds, self._negatives, self._also = tuple(kinds), negatives, tuple(also)
        self._seeds, self._aim = tuple(seeds), aim

    def __call__(self, model: WorldModel, progress: Progress) -> Measured:
        """Judge every clip with its true and some counterfactual futures."""
        card = evaluate_verification(
            model,
            self._verifier,
            clips=self._clips,
            physics=self._physics,
            split=self._split,
            kinds=self._kinds,
            negatives=self._negatives,
            also=self._also,
            seeds=self._seeds,
            progress=progress,
        )
        return Measured(card.tables(), card.figures(), gates=tuple(card.gates(self._aim)))
