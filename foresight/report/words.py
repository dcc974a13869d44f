"""A verdict in words that need no glossary: one sentence, why, and what abstaining means."""

from __future__ import annotations

from foresight.report.page import percent
from foresight.report.prediction import SignalReport, VerdictReport

ABSTAINING = (
    "Abstaining is an answer: cases that look like this one have come out right and wrong alike, or were never seen, "
    "so neither can be promised. Take the prediction as unchecked, show it more of what happens, or let the loop try "
    "again."
)

SIGNAL_WORDS = {
    "action_read": "what is seen looks like the instruction",
    "agreement": "the imagined futures agree with each other",
    "continuity": "the picture goes on without a jump",
    "disagreement": "the imagined futures disagree",
    "eccentricity": "it lies among the other imagined futures",
    "energy": "what happened lies among the imagined futures",
    "flow_frozen": "movement explains it better than standing still",
    "flow_instruction": "this instruction explains it better than others",
    "flow_loss": "the model finds it easy to explain",
    "flow_told": "knowing the instruction helps to explain it",
    "flow_typicality": "it is as easy to explain as the model's own futures",
    "latent": "nearness to the prediction, as the model sees it",
    "latent_ratio": "nearer to the prediction than a still picture",
    "latent_spread": "inside the range of the imagined futures",
    "lpips": "looks like the prediction",
    "motion": "things move as predicted",
    "motion_amount": "as much movement as predicted",
    "permanence": "nothing appears, vanishes or changes colour",
    "pixel": "pixels are near the prediction",
    "pixel_ratio": "nearer to the prediction than a still picture, by pixels",
    "rank": "place among the imagined futures",
    "semantic": "shows the same things as the prediction",
    "smoothness": "movement without jerks",
    "spread": "how wide the imagined futures differ",
    "state_read": "described in the same words as the prediction",
    "structure": "shapes are near the prediction",
    "structure_ratio": "shapes nearer to the prediction than a still picture",
    "told": "knowing the instruction changes what is imagined",
    "unsurprising": "as likely as the other imagined futures",
}
"""What each signal asks, for people who use the verdict."""


def signal_words(name: str) -> str:
    """A signal in words for users; one that has none by its name."""
    return SIGNAL_WORDS.get(name, name.replace("_", " "))


def verdict_sentence(verdict: VerdictReport) -> str:
    """The verdict in one sentence."""
    if verdict.reason:
        return "No verdict: this picture is not of the world that the model knows."
    if verdict.decision == "abstain":
        return "Undecided: neither yes nor no would be right often enough."
    yes = verdict.decision == "accept"
    if verdict.frames and verdict.probability is not None:
        found = percent(verdict.probability)
        return (
            f"What happened is what this instruction leads to ({found} likely)."
            if yes
            else f"What happened is not what this instruction leads to (only {found} likely)."
        )
    chance = "" if verdict.prediction_correct is None else f" ({percent(verdict.prediction_correct)} likely)"
    return f"This prediction can be relied on{chance}." if yes else f"Do not rely on this prediction{chance}."


def verdict_reasons(verdict: VerdictReport) -> list[str]:
    """Why, the weightiest reasons first, and what abstaining means where it abstains."""
    if verdict.reason:
        return [verdict.reason]
    reasons = []
    favourable, adverse = _strongest(verdict, 1), _strongest(verdict, -1)
    if favourable is not None:
        reasons.append(f"What speaks for it most: {signal_words(favourable.name)}.")
    if adverse is not None:
        reasons.append(f"What speaks against it most: too little of “{signal_words(adverse.name)}”.")
    if verdict.frames:
        reasons.append(f"Judged on the {verdict.frames} frames that followed.")
    return [*reasons, ABSTAINING] if verdict.decision == "abstain" else reasons


def _strongest(verdict: VerdictReport, side: int) -> SignalReport | None:
    return max(
        (signal for signal in verdict.signals if signal.support * side > 0),
        key=lambda signal: abs(signal.support),
        default=None,
    )
