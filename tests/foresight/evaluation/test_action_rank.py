"""The rank of the true action by hand values, and by a model that cannot hear."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from foresight.evaluation.action_rank import ActionBenchmark, ActionCard, options
from foresight.physics import PhysicsConfig, SimulatedSplit
from foresight.world.world_model import WorldModel


def test_ranks_by_hand() -> None:
    """First of 5, second of 5, last of 9."""
    figures = ActionCard(np.array([0.0, 1.0, 8.0]), np.array([5.0, 5.0, 9.0])).figures()
    assert figures["true action first"].value == pytest.approx(1 / 3)
    assert figures["chance of being first"].value == pytest.approx((0.2 + 0.2 + 1 / 9) / 3)
    assert figures["share of other actions ranked below the true one"].value == pytest.approx((1 + 0.75 + 0) / 3)


def test_always_first_holds_and_guessing_fails() -> None:
    """Forty clips of five options each: always right, and right as often as chance."""
    five = np.full(40, 5.0)
    assert ActionCard(np.zeros(40), five).gates()[0].holds
    assert not ActionCard(np.arange(40.0) % 5, five).gates()[0].holds


def test_options_are_all_that_fit_the_scene() -> None:
    """Four pushes of each body and nothing, the true one first, none twice."""
    for clip in SimulatedSplit(PhysicsConfig(), "test", 6):
        found = options(clip)
        assert found[0] == clip.instruction and len(set(found)) == len(found) == 4 * len(clip.bodies) + 1


def test_a_model_that_cannot_hear_turns_the_gate_red(
    make_world: Callable[..., WorldModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without adapter and with the same text for every instruction, all losses of a clip are equal: no lead on chance.

    Equal losses are no proof: the true action must not win a tie.
    """
    world = make_world(adapter=None)
    text = world.text
    monkeypatch.setattr(world, "text", lambda sentences: text(["nothing is pushed"] * len(sentences)))
    benchmark = ActionBenchmark(clips=4, physics=PhysicsConfig(), split="test", sigmas=(0.5,))
    measured = benchmark(world, lambda done, of: None)
    assert not measured.gates[0].holds
