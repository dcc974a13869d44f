"""Control baselines, which score without understanding: a verifier that does not beat all of them has shown nothing.

Random-initialised probes and raw motion reach surprising figures on physics benchmarks, because wrong outcomes often
look different from right ones whatever was predicted.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.verification.scored_examples import ScoredExamples
from foresight.verify.additive import fit_additive
from foresight.verify.classifier import cross_fit
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals import AbstractSignal

MOTION, RANDOM, SHUFFLED = "motion only", "random-initialised scorer", "shuffled labels"
FEATURES = 12
SHUFFLES = 24


class ObservedMotion(AbstractSignal):
    """Log of the squared difference of the outcome to the last context frame; it looks at no prediction."""

    name = "observed_motion"

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """In log of squared pixel units."""
        change = (evidence.observed - evidence.copy_last_frame).square().mean(dim=(1, 2, 3, 4))
        return torch.log(change + 1e-4)


class RandomFeature(AbstractSignal):
    """One output of a network with random weights that sees prediction, outcome and repeated last frame as latents.

    Args:
        number: which output; each has weights of its own.
    """

    def __init__(self, number: int) -> None:
        self.name = f"random_{number}"
        self._number = number

    def __call__(self, evidence: Evidence) -> Float[Tensor, " batch"]:
        """Between −1 and 1."""
        parts = (evidence.predicted_latents.mean(dim=1), evidence.observed_latents, evidence.copy_latents)
        x = torch.cat([part.flatten(1) for part in parts], dim=1).cpu().double()
        generator = torch.Generator().manual_seed(self._number)
        hidden = torch.randn(x.shape[1], 16, generator=generator, dtype=torch.float64) / x.shape[1] ** 0.5
        out = torch.randn(16, generator=generator, dtype=torch.float64) / 4
        return torch.tanh(torch.tanh(x @ hidden) @ out).to(evidence.observed)


def control_signals() -> tuple[AbstractSignal, ...]:
    """Signals to measure for `control_baselines`."""
    return (ObservedMotion(), *(RandomFeature(number) for number in range(FEATURES)))


def control_baselines(
    scored: ScoredExamples, values: Mapping[str, Float[Tensor, " example"]], signals: tuple[str, ...]
) -> dict[str, ScoredExamples]:
    """The examples scored by each control baseline, by name; each is fitted on other clips, as a verifier is.

    Args:
        scored: the examples.
        values: measured signals, those of `control_signals` included.
        signals: names of the verifier's own signals.
    """
    chosen = {MOTION: [ObservedMotion.name], RANDOM: [f"random_{number}" for number in range(FEATURES)]}
    found = {
        name: scored.with_score(cross_fit({key: values[key] for key in names}, scored.right, scored.clips))
        for name, names in chosen.items()
    }
    return found | {
        SHUFFLED: scored.with_score(_shuffled(scored, torch.stack([values[key] for key in signals], dim=1)))
    }


def _shuffled(scored: ScoredExamples, values: Float[Tensor, "example signal"]) -> Float[Tensor, " example"]:
    """Scores by combinations of the signals that were fitted on shuffled labels.

    A single shuffle gives strong signals a random direction, and so an AUROC anywhere. Each group of clips is therefore
    scored by a shuffle of its own, fitted on the other groups.
    """
    values = values.double()
    _, owner = scored.clips.unique(return_inverse=True)
    group, result = owner % SHUFFLES, torch.zeros(len(owner), dtype=torch.float64)
    for number in range(SHUFFLES):
        own, rest = group == number, group != number
        if bool(own.any()):
            order = torch.randperm(len(owner), generator=torch.Generator().manual_seed(number))
            fitted = fit_additive(values[rest], scored.right[order][rest], torch.ones(int(rest.sum())))
            result[own] = fitted.contributions(values[own]).sum(dim=1)
    return result
