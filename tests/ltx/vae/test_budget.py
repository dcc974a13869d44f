"""The plans within a budget by hand: which come in which order, and what each counts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from ltx.shapes import LatentShape
from ltx.vae import budget as module
from ltx.vae.budget import _plans, _tiled, fitting, plan_decoding
from ltx.vae.config import BlockSpec, VAEConfig
from ltx.vae.memory import decoding_peak
from ltx.vae.temporal import AtOnce, Streamed
from ltx.vae.tiling import Tiling

# Compresses as the releases do, 8 times in time and 32 in space.
CONFIG = VAEConfig((BlockSpec("compress_all"),) * 3, (BlockSpec("compress_all"),) * 3, 4, 4, 4)


def peak(tile: LatentShape, frames: int | None) -> int:
    """Ten for each streamed frame, or one for each token."""
    return tile.tokens if frames is None else 10 * frames


def test_plans_come_in_order_of_their_work() -> None:
    """Of 5×6×9 latents with a reach of 3: at once, in pieces of 2 and 1, three exact tilings, five faded ones."""
    plans = list(_plans(LatentShape(5, 6, 9), peak, 100, 3))
    assert [(plan.temporal, plan.peak) for plan in plans[:3]] == [
        (AtOnce(), 270),
        (Streamed(2), 120),
        (Streamed(1), 110),
    ]
    assert [plan.tiling for plan in plans[:3]] == [Tiling(9, 0)] * 3
    assert [plan.tiling for plan in plans[3:6]] == [Tiling(3, 3), Tiling(2, 3), Tiling(1, 3)]
    assert [plan.tiling for plan in plans[6:]] == [Tiling(size, 0, 2) for size in (6, 5, 4, 3, 2)]
    assert [plan.exact for plan in plans] == [True] * 6 + [False] * 5


@pytest.mark.parametrize(
    ("tiling", "own"),
    [
        # The largest tile is 6×9 of 6×9.
        (Tiling(3, 3), 100),
        # 6×8, and strips of 2 along 9 columns and 6 rows: 78 of 54.
        (Tiling(6, 0, 2), 145),
        # 4×4, and strips of 2 along 9 columns and 4 rows: 42 of 54.
        (Tiling(2, 0, 2), 78),
    ],
)
def test_a_tile_counts_its_own_result_and_the_strips(tiling: Tiling, own: int) -> None:
    """Beside the whole result of 100 and the peak of 10, rounded up."""
    plan = _tiled(tiling, LatentShape(5, 6, 9), peak, 100, exact=True)
    assert (plan.temporal, plan.peak) == (Streamed(1), 100 + own + 10)


@pytest.mark.parametrize(("streamed", "at_once", "cheaper"), [(6, 7, Streamed(1)), (7, 7, AtOnce()), (8, 7, AtOnce())])
def test_a_tile_is_streamed_only_where_that_saves(streamed: int, at_once: int, cheaper: AtOnce | Streamed) -> None:
    """A stream takes more steps, so it must be worth it."""
    plan = _tiled(Tiling(6, 0), LatentShape(1, 6, 6), lambda _, frames: streamed if frames else at_once, 36, exact=True)
    assert (plan.temporal, plan.peak) == (cheaper, 36 + 36 + min(streamed, at_once))


def test_a_budget_that_just_suffices_is_enough() -> None:
    """At once needs its peak, a stream its own with the result beside it; a byte less and the next plan is taken."""
    shape, sizes = LatentShape(4, 1, 2), {"batch": 2, "itemsize": 4}
    result = 3 * 25 * 32 * 64 * 8  # 25 frames of 32×64 pixels in three colours, twice, in 4 bytes
    plans = []
    for frames in (None, 1):
        plans.append(decoding_peak(CONFIG, shape, **sizes, frames=frames) + (0 if frames is None else result))
    assert plans == sorted(plans, reverse=True)
    for need, temporal in zip(plans, (AtOnce(), Streamed(1)), strict=True):
        plan = plan_decoding(CONFIG, shape, **sizes, budget=need)
        assert (plan.temporal, plan.peak, plan.exact) == (temporal, need, True)
    with pytest.raises(ValueError, match=f"at least {plans[-1]} bytes to decode latents of 4×1×2, got 1;"):
        plan_decoding(CONFIG, shape, **sizes, budget=1)


def test_copies_of_the_latents_live_beside_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Un-normalised and noised: of 16 values in 4 bytes they take 128 off the budget."""
    asked: list[int] = []

    def refuse(*_: object, budget: int, **__: object) -> None:
        asked.append(budget)
        raise ValueError

    monkeypatch.setattr(module, "plan_decoding", refuse)
    monkeypatch.setattr(module, "decoding_peak", lambda *_, **__: 1000)
    vae = SimpleNamespace(config=CONFIG)
    with pytest.raises(ValueError):
        fitting(vae, torch.zeros(2, 4, 2, 1, 1), 1000)  # type: ignore[arg-type]
    assert asked == [1000 - 128]
