"""Surprise: hand-computed energies, and what it does not depend on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from foresight.errors import UserError
from foresight.watch.surprise import _energy, surprise
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel


def test_energy_by_hand() -> None:
    """Candidates 0 and 2 lie 2 apart: an outcome at 1 scores 1 − 1, one at 5 has 4 − 1, over √(4 + floor²)."""
    cloud = torch.tensor([[[0.0], [2.0]], [[0.0], [2.0]]])
    outcome = torch.tensor([[1.0], [5.0]])
    expected = torch.tensor([0.0, 3.0]) / (4 + 1.5**2) ** 0.5
    assert torch.allclose(_energy(cloud, outcome, floor=1.5), expected)


def test_an_outcome_among_scattered_candidates_surprises_less_than_the_same_distance_from_a_tight_cloud() -> None:
    """The same miss counts for less where the candidates disagree."""
    tight = torch.tensor([[[0.0], [0.2]]])
    loose = torch.tensor([[[-1.9], [2.1]]])
    miss = torch.tensor([[2.5]])
    assert _energy(tight, miss, floor=0.1) > 3 * _energy(loose, miss, floor=0.1)


def test_the_order_of_candidates_and_the_rest_of_the_batch_change_nothing(world: WorldModel, clip: Tensor) -> None:
    """A permuted prediction, and one beside another clip, give the same surprise."""
    contexts = torch.stack([clip[:, :9], clip[:, 8:17]])
    futures = torch.stack([clip[:, 9:17], clip[:, 17:25]])
    first, second = world.predict_batch(contexts, ["nothing is pushed"] * 2, 8, Sampling(candidates=3))
    turned = replace(first, video=first.video.flip(0), latents=first.latents.flip(0))
    both = surprise(world, [first, second], futures)
    assert torch.allclose(surprise(world, [turned], futures[:1]), both[:1], atol=1e-4)
    assert torch.allclose(surprise(world, [second], futures[1:]), both[1:], atol=1e-4)


@pytest.mark.parametrize(("frames", "candidates"), [(7, 3), (16, 3), (8, 1)])
def test_what_cannot_be_scored_is_refused(world: WorldModel, clip: Tensor, frames: int, candidates: int) -> None:
    """Not a multiple of 8 frames, more than were predicted, or one candidate: an error in words."""
    prediction = world.predict(clip[:, :9], "nothing is pushed", 8, candidates=candidates)
    with pytest.raises(UserError, match="multiple of 8"):
        surprise(world, [prediction], clip[None, :, 9 : 9 + frames])
