"""The additive model: standings and contributions by hand values, and what a weighted sum cannot tell."""

from __future__ import annotations

import math

import pytest
import torch

from foresight.verify.additive import Additive, fit_additive, standing


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


KNOTS = torch.arange(11.0, dtype=torch.float64)[:, None]
END = math.sqrt(2) * float(torch.erfinv(torch.tensor(10 / 11, dtype=torch.float64)))


def test_standings_are_normal_scores() -> None:
    """The middle of eleven knots is at 0, the ends at the quantile of 1/22 and 21/22, and order is kept between."""
    found = standing(numbers(0, 2, 5, 8, 10)[:, None], KNOTS)[:, 0]
    assert float(found[2]) == pytest.approx(0, abs=1e-9) and float(found[-1]) == pytest.approx(END)
    assert torch.allclose(found, -found.flip(0)) and bool((found.diff() > 0).all())


def test_between_two_knots_levels_are_a_straight_line() -> None:
    """A quarter of the way from the second of eleven knots to the third is the quantile of 1.75 / 11."""
    found = standing(numbers(1.25, 1, 2)[:, None], KNOTS)[:, 0]
    assert torch.allclose(found, math.sqrt(2) * torch.erfinv(2 * numbers(1.75, 1.5, 2.5) / 11 - 1))


def test_standings_are_scale_free() -> None:
    """Another unit of a figure changes no standing, inside or outside."""
    values = numbers(-30, 1.5, 9, 10.5, 1e6)[:, None]
    assert torch.allclose(standing(values, KNOTS), standing(1e3 * values + 7, 1e3 * KNOTS + 7))


def test_outside_grows_with_the_logarithm() -> None:
    """One unit behind the end is worth log 2; a unit is the width of the knots over that of their standings."""
    unit = 10 / (2 * END)
    found = standing(numbers(10 + unit, -unit, 10 + 99 * unit)[:, None], KNOTS)[:, 0]
    assert torch.allclose(found, numbers(END + math.log(2), -END - math.log(2), END + math.log(100)))


def test_a_figure_that_right_examples_never_change_has_finite_standings() -> None:
    """Anything else stands far out, but not infinitely."""
    found = standing(numbers(-1e6, 3, 1e6)[:, None], torch.full((11, 1), 3.0, dtype=torch.float64))[:, 0]
    assert bool(found.isfinite().all()) and found[0] < -10 and float(found[1]) == pytest.approx(0) and found[2] > 10


def test_shares_are_broken_lines_by_hand() -> None:
    """Slope 1 up to one standing and 3 behind it, and nothing below the middle; less what is usual."""
    unit = 10 / (2 * END)
    model = Additive(KNOTS, numbers(1, 2, 0, 0)[:, None], numbers(0.5), numbers(0.25)[0])
    far = END + math.log(2)
    expected = numbers(-0.5, -0.5, far + 2 * (far - 1) - 0.5)[:, None]
    values = numbers(5, 1, 10 + unit)[:, None]
    assert torch.allclose(model.contributions(values), expected)
    assert torch.allclose(model.logit(values), expected[:, 0] + 0.25)


def test_usual_shares_add_up_to_nothing() -> None:
    """Over the fitting examples, each as often as it counts."""
    generator = torch.Generator().manual_seed(0)
    values, right = torch.randn(60, 3, generator=generator, dtype=torch.float64), torch.arange(60) % 3 > 0
    counts = torch.where(right, 0.75, 1.5).double()
    model = fit_additive(values, right, counts)
    assert torch.allclose(
        (model.contributions(values) * counts[:, None]).sum(dim=0), torch.zeros(3).double(), atol=1e-9
    )


def test_either_side_can_be_wrong() -> None:
    """Right examples lie in the middle, wrong ones on both sides: no weighted sum tells them apart, this does."""
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(400, 1, generator=generator, dtype=torch.float64)
    right = values[:, 0].abs() < 0.7
    logits = fit_additive(values, right, torch.ones(400).double()).logit(values)
    assert float((logits[right][:, None] > logits[~right]).double().mean()) > 0.98


def test_one_damning_figure_is_enough() -> None:
    """What is far outside in one figure is wrong, however right it looks in the other that decides most examples."""
    generator = torch.Generator().manual_seed(2)
    right = torch.arange(600) % 2 == 0
    first = torch.randn(600, generator=generator, dtype=torch.float64) + torch.where(right, 1.5, -1.5)
    second = torch.randn(600, generator=generator, dtype=torch.float64)
    first[1::12] += 3.0
    second[1::12] += 20.0
    model = fit_additive(torch.stack([first, second], dim=1), right, torch.ones(600).double())
    good, damned = model.logit(numbers(2.0, 0.0)[None]), model.logit(numbers(2.0, 40.0)[None])
    assert float(good) > 2 and float(damned) < -1


def test_both_labels_are_needed() -> None:
    """Among right examples alone there is nothing to tell."""
    with pytest.raises(ValueError, match="both labels"):
        fit_additive(torch.randn(8, 1), torch.ones(8, dtype=torch.bool), torch.ones(8))
