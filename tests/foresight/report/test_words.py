"""Verdicts in words."""

from __future__ import annotations

import pytest

from foresight.report.prediction import SignalReport, VerdictReport
from foresight.report.words import ABSTAINING, SIGNAL_WORDS, signal_words, verdict_reasons, verdict_sentence
from foresight.verify import PLAUSIBILITIES, SIGNALS

SIGNAL_REPORTS = (
    SignalReport("motion", 0.9, 0.4, ""),
    SignalReport("latent_ratio", 0.1, 1.0, ""),
    SignalReport("continuity", 0.1, -0.2, ""),
    SignalReport("permanence", 0.1, -0.7, ""),
)


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (VerdictReport(16, 0.93, 0.8, "accept"), "What happened is what this instruction leads to (93 % likely)."),
        (
            VerdictReport(16, 0.04, 0.8, "reject"),
            "What happened is not what this instruction leads to (only 4 % likely).",
        ),
        (VerdictReport(0, None, 0.85, "accept"), "This prediction can be relied on (85 % likely)."),
        (VerdictReport(0, None, 0.2, "reject"), "Do not rely on this prediction (20 % likely)."),
        (VerdictReport(0, None, None, "reject"), "Do not rely on this prediction."),
        (VerdictReport(8, 0.5, 0.5, "abstain"), "Undecided: neither yes nor no would be right often enough."),
        (
            VerdictReport(0, None, None, "abstain", (), "not its world"),
            "No verdict: this picture is not of the world that the model knows.",
        ),
    ],
)
def test_a_verdict_is_a_sentence(verdict: VerdictReport, sentence: str) -> None:
    """What happened is judged where it was seen, the prediction where nothing was."""
    assert verdict_sentence(verdict) == sentence


def test_reasons_name_the_strongest_on_each_side() -> None:
    """By the size of its say; where it abstains, what that means."""
    reasons = verdict_reasons(VerdictReport(16, 0.9, 0.9, "accept", SIGNAL_REPORTS))
    assert reasons == [
        "What speaks for it most: nearer to the prediction than a still picture.",
        "What speaks against it most: too little of “nothing appears, vanishes or changes colour”.",
        "Judged on the 16 frames that followed.",
    ]
    assert verdict_reasons(VerdictReport(8, 0.5, 0.5, "abstain", SIGNAL_REPORTS))[-1] == ABSTAINING
    assert verdict_reasons(VerdictReport(0, None, None, "abstain", (), "not its world")) == ["not its world"]


def test_every_signal_has_words_for_users() -> None:
    """Also those added later; a user's own keeps its name."""
    assert SIGNALS.keys() | PLAUSIBILITIES.keys() == SIGNAL_WORDS.keys()
    assert signal_words("my_signal") == "my signal"
