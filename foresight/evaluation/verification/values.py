"""Per-example values of a verification card, from which its curves can be drawn and runs compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from foresight.results.values import ClipValues, clip_values
from foresight.verify.examples import Examples

LOG_ODDS, OFF = "log-odds", "position error (px)"
SHOWN = "prediction shown"


def example_values(examples: Examples, scores: Mapping[str, Float[Tensor, " example"]]) -> tuple[ClipValues, ...]:
    """Scores of every example, by kind of its outcome: the metric is "log-odds, true" or "log-odds, teleport".

    Args:
        examples: measured.
        scores: by name of what scored them, the higher the more probably right.
    """
    kinds = list(dict.fromkeys(examples.kinds))
    found = []
    for kind in kinds:
        rows = [row for row, one in enumerate(examples.kinds) if one == kind]
        names = _names([examples.clips[row] for row in rows])
        label = kind.replace("_", " ")
        for method, score in scores.items():
            found.append(clip_values(names, method, f"{LOG_ODDS}, {label}", score.cpu().numpy()[rows]))
        off = examples.position_error.cpu().numpy()[rows]
        found.append(clip_values(names, SHOWN, f"{OFF}, {label}", np.where(np.isfinite(off), off, np.nan)))
    return tuple(found)


def _names(clips: Sequence[int]) -> list[str]:
    """A name for each example of one kind: those of a clip's second prediction say so."""
    seen: Counter[int] = Counter()
    names = []
    for clip in clips:
        seen[clip] += 1
        names.append(f"clip {clip}" + (f", prediction {seen[clip]}" if seen[clip] > 1 else ""))
    return names
