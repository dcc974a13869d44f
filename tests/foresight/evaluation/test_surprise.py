"""The surprise card: counting of pairs by hand."""

from __future__ import annotations

import numpy as np

from foresight.evaluation.surprise import SurpriseCard, pairs_won


def test_pairs_by_hand() -> None:
    """Larger is won, equal is half, smaller is lost, and no pair is none."""
    won = pairs_won(np.array([1.0, 1.0, 1.0, 1.0]), {"gone": np.array([2.0, 1.0, 0.5, np.nan])})
    assert won["gone"][:3].tolist() == [1.0, 0.5, 0.0] and np.isnan(won["gone"][3])


def test_a_card_by_hand() -> None:
    """Five of six pairs are won; a quarter of the ordinary and a third of the impossible stretches raise an alarm."""
    impossible = {"gone": np.array([2.0, 3.0, np.nan, 2.0]), "jump": np.array([0.5, 2.0, 5.0, np.nan])}
    card = SurpriseCard(
        possible=np.ones(4),
        impossible=impossible,
        possible_motion=np.ones(4),
        impossible_motion={"gone": np.full(4, 0.5), "jump": np.full(4, 0.5)},
        quiet=np.array([0.0, 1.0, 2.0, 4.0]),
        alarmed=impossible,
        threshold=2.5,
        coverage=0.75,
    )
    figures = card.figures()
    assert figures["pairs in which the impossible surprises more"].value == 5 / 6
    assert figures["pairs, jump"].value == 2 / 3 and figures["pairs, jump"].clips == 3
    assert figures["pairs by amount of motion alone"].value == 0
    assert figures["ordinary stretches taken for events (at most 25%)"].value == 0.25
    assert figures["impossible stretches taken for events"].value == 2 / 6
    assert figures["events found, gone"].value == 1 / 3
