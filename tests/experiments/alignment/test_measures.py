"""Measures of alignment on states whose answer is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from experiments.alignment.measures import (
    CKA,
    COMING,
    DIMENSION,
    HERE,
    RECALL,
    SEEN,
    SOON,
    mean_place_errors,
    measure,
    position_errors,
    staying_errors,
)
from experiments.alignment.states import States

PLACES = torch.randn(2, 3, generator=torch.Generator().manual_seed(9))


def states(seed: int, clips: int) -> States:
    """Latents are a turned copy of "same" about a mean of each place; "other" knows nothing."""
    generator = torch.Generator().manual_seed(seed)
    same = torch.randn(clips, 2, 3, generator=generator)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(5)))[0]
    here = torch.full((clips, 4, 2), torch.nan)
    here[:, 0] = same[:, 0, :2] * 5 + 30
    here[::2, 1] = 20.0
    other = torch.randn(clips, 2, 3, generator=generator)
    return States(
        cells={"same": same + 4, "other": other},
        pictures={"same": same.flatten(1), "other": other.flatten(1)},
        seen=2 * same @ turn + PLACES,
        coming=torch.randn(clips, 2, 3, generator=generator),
        here=here,
        soon=here + torch.tensor([3.0, 4.0]),
    )


def of(name: str) -> dict[str, float]:
    found = measure(name, states(0, 80), states(1, 60), batch=15, neighbours=5)
    return {key: estimate.value for key, estimate in found.items()}


def test_a_turned_copy_aligns_in_every_way() -> None:
    """R², CKA and recall are 1, positions are read exactly, and what is to come, which is noise, is not."""
    found = of("same")
    assert found[SEEN] == pytest.approx(1, abs=1e-3) and found[CKA] == pytest.approx(1, abs=1e-2)
    assert found[RECALL] == pytest.approx(1, abs=0.05) and found[COMING] < 0.05
    assert found[HERE] < 0.1 and found[SOON] < 0.1
    assert found[DIMENSION] == pytest.approx(3, rel=0.3)


def test_what_knows_nothing_aligns_in_no_way() -> None:
    """R² and CKA are about 0, recall is chance."""
    found = of("other")
    assert found[SEEN] < 0.05 and abs(found[CKA]) < 0.1 and found[RECALL] < 0.1


def test_positions_without_a_model() -> None:
    """By hand, with a colour that is missing from a clip: it does not count there."""
    nothing = torch.full((1, 4, 2), torch.nan)
    train, test = nothing.repeat(2, 1, 1), nothing.clone()
    train[:, 0], train[0, 1] = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([5.0, 5.0])
    test[0, 0] = torch.tensor([4.0, 4.0])
    assert mean_place_errors(train, test).tolist() == [5.0]
    assert staying_errors(test, test + torch.tensor([3.0, 4.0])).tolist() == [5.0]


def test_each_colour_has_its_probe() -> None:
    """A clip's error is the mean over its bodies alone."""

    def see(clips: Tensor) -> Tensor:
        here = torch.full((len(clips), 4, 2), torch.nan)
        here[:, 0], here[:, 1] = clips, -clips
        return here

    clips = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    told = see(clips)
    told[:, 2:] = 1.0
    asked = see(clips[:5])
    asked[:, 1] += torch.tensor([0.0, 6.0])
    assert position_errors(clips, clips[:5], told, asked) == pytest.approx([3.0] * 5, abs=1e-2)
