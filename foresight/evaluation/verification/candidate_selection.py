"""Scores of the model's own predictions: which came true, and selection of candidates with nothing observed."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from foresight.evaluation.verification.scored_examples import ScoredExamples
from foresight.metrics.statistics import Estimate, difference_of_means, mean
from foresight.verify.examples import Examples, Samples

GAIN = "gain of the most plausible candidate over the average (px)"


def shown_after(logits: Float[Tensor, " example"], examples: Examples) -> ScoredExamples:
    """Shown predictions with the verifier's scores after the true outcome; right are those that came true."""
    true = examples.right
    return ScoredExamples(logits[true], examples.prediction_correct[true], examples.owner[true])


def candidates_before(logits: Float[Tensor, "clip candidate"], samples: Samples) -> ScoredExamples:
    """All candidates with the verifier's scores before anything was observed."""
    clips = torch.tensor(samples.clips).repeat_interleave(logits.shape[1])
    return ScoredExamples(logits.flatten().double(), samples.right.flatten(), clips)


def selection(logits: Float[Tensor, "clip candidate"], samples: Samples) -> dict[str, Estimate]:
    """Gain of choosing the most plausible candidate, in pixels of position error, nothing observed.

    "Average candidate" is random selection; the best that could be chosen is the upper bound.
    """
    rows = torch.arange(len(samples.clips))
    error = samples.position_error.double()
    chosen, average = error[rows, logits.argmax(dim=1)].numpy(), error.mean(dim=1).numpy()
    middle, best = error[rows, samples.medoid].numpy(), error.amin(dim=1).numpy()
    count = error.shape[1]

    return {
        f"best of {count}: error of the average candidate (px)": mean(average),
        f"best of {count}: error of the chosen candidate (px)": mean(chosen),
        f"best of {count}: error of the candidate in the middle (px)": mean(middle),
        f"best of {count}: error of the best candidate (px)": mean(best),
        GAIN: difference_of_means(average, chosen),
        "gain of the most plausible candidate over the one in the middle (px)": difference_of_means(middle, chosen),
    }
