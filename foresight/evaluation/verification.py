"""The verification card: does the verdict tell what follows from context and instruction from what does not?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from foresight.evaluation.statistics import Estimate, bootstrap
from foresight.physics import PhysicsConfig
from foresight.verify.calibration import auroc, expected_calibration_error
from foresight.verify.fitting import KINDS, TRUE, Examples, collect
from foresight.verify.verifier import Verifier
from foresight.world_model import WorldModel


@dataclass(frozen=True)
class VerificationCard:
    """Verdicts on held-out clips with their true and their counterfactual futures."""

    examples: Examples
    probability: Float[Tensor, " example"]
    decisions: tuple[str, ...]
    coverage: float

    def figures(self) -> dict[str, Estimate]:
        """The figures that promises are made of, by name."""
        right = self.examples.right
        figures = {"AUROC": auroc(self.probability, right)}
        for kind in KINDS:
            figures[f"AUROC, {kind.replace('_', ' ')}"] = self._against(self.probability, kind)
        for name, values in self.examples.values.items():
            figures[f"AUROC of {name.replace('_', ' ')} alone"] = self._either_way(values)
        figures["expected calibration error"] = _paired(calibration_error_of, self.probability, right)
        figures["Brier score"] = _paired(lambda p, y: float(((p - y) ** 2).mean()), self.probability, right)
        decided = np.array([decision != "abstain" for decision in self.decisions])
        correct = np.array([(d == "accept") == bool(r) for d, r in zip(self.decisions, right, strict=True)])
        figures["decided"] = bootstrap(lambda column: float(column.mean()), decided)
        figures["right where decided"] = bootstrap(lambda column: float(column.mean()), correct[decided])
        kept = np.array([d != "reject" for d, r in zip(self.decisions, right, strict=True) if r])
        figures[f"true outcomes not rejected (aim {self.coverage:.0%})"] = bootstrap(
            lambda column: float(column.mean()), kept
        )
        return figures

    def table(self) -> list[dict[str, str]]:
        """One row per figure, for people."""
        return [{"figure": name, "value [95 % interval]": f"{value:.3f}"} for name, value in self.figures().items()]

    def _against(self, scores: Float[Tensor, " example"], kind: str) -> Estimate:
        chosen = torch.tensor([name in (TRUE, kind) for name in self.examples.kinds])
        return auroc(scores[chosen], self.examples.right[chosen])

    def _either_way(self, values: Float[Tensor, " example"]) -> Estimate:
        """AUROC of a signal, turned so that more means right: distances and agreements alike."""
        right = self.examples.right
        up = auroc(values, right)
        return up if up.value >= 0.5 else auroc(-values, right)


def evaluate_verification(
    model: WorldModel,
    verifier: Verifier,
    *,
    clips: int,
    physics: PhysicsConfig,
    split: str = "test",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> VerificationCard:
    """Judge held-out clips, each with its true and one counterfactual future.

    Args:
        model: the world model.
        verifier: fitted for it, on another split.
        clips: number of clips, from the first seed of the split on.
        physics: the world.
        split: a key of `foresight.physics.clip.SPLITS`.
        progress: called with (done, total).
    """
    examples = collect(
        model,
        signals=verifier.signals,
        clips=clips,
        split=split,
        physics=physics,
        candidates=verifier.fitted_on.candidates,
        gathering=verifier.fitted_on.gathering,
        progress=progress,
    )
    verdicts = verifier.judge(examples.values)
    return VerificationCard(
        examples=examples,
        probability=torch.tensor([verdict.probability for verdict in verdicts], dtype=torch.float64),
        decisions=tuple(verdict.decision for verdict in verdicts),
        coverage=verifier.coverage,
    )


def calibration_error_of(probability: np.ndarray, right: np.ndarray) -> float:
    """`expected_calibration_error` of arrays."""
    return expected_calibration_error(torch.from_numpy(probability), torch.from_numpy(right > 0.5))


def _paired(
    statistic: Callable[[np.ndarray, np.ndarray], float], probability: Tensor, right: Bool[Tensor, " example"]
) -> Estimate:
    return bootstrap(statistic, probability.numpy(), right.double().numpy())
