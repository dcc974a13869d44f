"""What a correcting prediction needs, and which attempt is shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from foresight.cli.looped import Correction, run_loop, shown_attempt
from foresight.errors import UserError
from foresight.loop import Budget
from foresight.world.sampling import Sampling

FINE: dict[str, Any] = {
    "verifier": SimpleNamespace(fitted_on=SimpleNamespace(candidates=4)),
    "clip": SimpleNamespace(observed=torch.zeros(3, 8, 2, 2)),
    "candidates": 4,
    "observe": 1,
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verifier": None}, "got no verifier"),
        ({"clip": SimpleNamespace(observed=None)}, "got a file that ends with the context"),
        ({"candidates": 3}, "expected candidates=4, as the verifier was fitted on, got 3"),
        ({"observe": 0}, "observe= at least 1 frame, got 0"),
    ],
)
def test_what_a_correction_needs(change: dict[str, Any], said: str) -> None:
    """A verifier, something to verify on, and the number of candidates that it was fitted on."""
    asked = {**FINE, **change}
    policy: Any = object()
    correction = Correction(policy, Budget(1), None, (), asked["observe"])
    model: Any = None
    with pytest.raises(UserError, match=said):
        run_loop(model, asked["verifier"], asked["clip"], "", Sampling(asked["candidates"]), correction)


def test_the_most_probable_attempt_is_shown_where_none_was_taken() -> None:
    """An attempt without a verdict is less probable than any with one; what was taken is shown whatever it is."""
    unjudged, low, high = (
        SimpleNamespace(verdict=None if value is None else SimpleNamespace(confidence=value))
        for value in (None, 0.3, 0.7)
    )
    trace: Any = SimpleNamespace(attempts=(unjudged, low, high), accepted=None)
    assert shown_attempt(trace) is high
    trace.accepted = low
    assert shown_attempt(trace) is low
    trace.attempts = ()
    with pytest.raises(UserError, match="makes an attempt"):
        shown_attempt(trace)
