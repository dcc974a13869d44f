"""The report of a prediction, as metrics.json holds it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from foresight.report.prediction import (
    AttemptReport,
    CandidateReport,
    LoopReport,
    PredictionReport,
    ScoreReport,
    SignalReport,
    VerdictReport,
)

SIGNAL = SignalReport("latent_distance", 0.5, -1.0, "How far.")
ATTEMPT: dict[str, Any] = {
    "move": {"kind": "draw", "seed": 3},
    "instruction": "push",
    "seed": 3,
    "noise_level": 1.0,
    "tokens_refined": None,
    "verdict": {"frames": 8, "probability": 0.5, "hit": 0.25, "decision": "reject"},
    "cost": {"seconds": 1.5, "evaluations": 10, "decodes": 2},
}
LOOP = LoopReport({"attempts": [ATTEMPT], "outcome": {"kind": "take", "attempt": 0}}, "attempt 1 of 1 taken", [])


def report(**changes: Any) -> PredictionReport:
    values: dict[str, Any] = {
        "instruction": "push",
        "frame_rate": 8.0,
        "scores": {"prediction": ScoreReport(20.0, 0.5, 0.01, [0.01, 0.01])},
        "verdict": VerdictReport(8, 0.5, 0.25, "accept", (SIGNAL,)),
        "notes": ("The size stays.",),
        "reconstruction_psnr": 30.0,
        "noise_level": 1.0,
        "seconds": {"reading": 0.5},
        "facts": {"video": "a.mp4"},
        "candidates": (CandidateReport(0, None, True),),
    }
    return PredictionReport(**{**values, **changes})


@pytest.mark.parametrize(
    "changes",
    [{}, {"verdict": None}, {"loop": LOOP}, {"verdict": VerdictReport(0, None, None, "abstain", (), "not its world")}],
)
def test_a_report_is_read_as_it_was_written(changes: dict[str, Any]) -> None:
    """Through JSON and back, every value is the same."""
    written = json.loads(json.dumps(report(**changes).to_dict()))
    assert PredictionReport.from_dict(written).to_dict() == written


def test_the_keys_on_disk_are_those_of_before() -> None:
    """What earlier versions wrote and scripts of users read: the names and their order; new ones come last."""
    written = report(loop=LOOP).to_dict()
    assert list(written) == [
        "instruction",
        "frame_rate",
        "scores",
        "verdict",
        "policy",
        "reconstruction_psnr",
        "candidates",
        "noise_level",
        "seconds",
        "facts",
        "loop",
        "given",
        "imagined",
    ]
    assert list(written["verdict"]) == ["frames", "probability", "hit", "decision", "signals"]
    assert list(written["candidates"][0]) == ["seed", "plausibility", "chosen"]
    assert list(written["scores"]["prediction"]) == ["psnr", "ssim", "mse", "mse_per_frame"]
    assert list(written["loop"]) == ["attempts", "outcome", "decision", "unseen"]


def test_runs_of_earlier_versions_are_read() -> None:
    """Without a probability of being correct, a reconstruction or a loop, nothing is said of them."""
    written = report().to_dict()
    del written["verdict"]["hit"], written["reconstruction_psnr"]
    found = PredictionReport.from_dict(written)
    assert found.verdict is not None and found.verdict.prediction_correct is None
    assert found.reconstruction_psnr is None and found.loop is None


def test_an_attempt_is_read_from_its_record() -> None:
    """With and without a verdict."""
    assert LOOP.attempts == [AttemptReport("draw", "push", 3, 1.0, None, 8, 0.5, 0.25, "reject", 1.5, 10, 2)]
    assert LOOP.taken == 0
    unjudged = AttemptReport.from_dict({**ATTEMPT, "verdict": None})
    assert (unjudged.frames, unjudged.decision) == (None, None)
