"""Action spaces and sequences: values worked out by hand, and one error for each mistake."""

from __future__ import annotations

import math

import pytest
import torch

from adapters import ActionSequence, ActionSpace
from adapters.actions import joined

SPACE = ActionSpace(("x", "gripper"), (-1.0, None), (1.0, None), (0.5, 10.0), (0.25, 2.0))


def test_normalisation_by_hand() -> None:
    """(value − mean) / deviation, number by number."""
    found = SPACE.normalised(torch.tensor([[1.0, 14.0], [0.0, 10.0]]))
    assert torch.equal(found, torch.tensor([[2.0, 2.0], [-2.0, 0.0]]))


def test_a_space_is_fitted_to_the_training_data() -> None:
    """Mean and deviation over clips and steps; a number that never changes keeps a deviation of 1."""
    values = torch.tensor([[[0.0, 3.0], [1.0, 3.0]], [[0.0, 3.0], [1.0, 3.0]]])
    fitted = ActionSpace.of(("x", "still"), low=-5, high=5).fitted(values)
    assert fitted.mean == (0.5, 3.0) and fitted.deviation == (0.5, 1.0)
    assert fitted.low == (-5, -5) and fitted.names == ("x", "still")


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (torch.zeros(1, 2, 3), "2 numbers"),
        (torch.tensor([[2.0, 0.0]]), "'x' from -1 to 1, got 2"),
        (torch.tensor([[0.0, math.nan]]), "finite actions, got NaN or infinity in 'gripper'"),
        (torch.zeros(0, 2), "2 numbers"),
    ],
)
def test_values_that_are_no_actions(values: torch.Tensor, match: str) -> None:
    """The number that is wrong is named."""
    with pytest.raises(ValueError, match=match):
        SPACE.check(values)


@pytest.mark.parametrize(
    "fields",
    [
        {"names": ()},
        {"names": ("x", "x")},
        {"low": (1.0, None)},
        {"deviation": (0.0, 1.0)},
        {"mean": (math.inf, 0.0)},
        {"high": (1.0,)},
    ],
)
def test_spaces_that_are_none(fields: dict[str, tuple[object, ...]]) -> None:
    """Names that are not distinct, bounds that leave nothing, deviations of zero."""
    right = {name: getattr(SPACE, name) for name in ("names", "low", "high", "mean", "deviation")}
    with pytest.raises(ValueError, match="expected"):
        ActionSpace(**{**right, **fields})


def test_steps_within_a_time() -> None:
    """From a time on and before another; a step that begins with a chunk belongs to it, however it was rounded."""
    steps = ActionSequence.steady(torch.arange(5.0)[None, :, None], frame_rate=10.0, start=-0.1)
    assert steps.seconds.tolist() == pytest.approx([-0.1, 0.0, 0.1, 0.2, 0.3])
    due = steps.shift(-0.1).between(0.0, 0.2)
    assert due is not None and due.values.flatten().tolist() == [2.0, 3.0]
    assert due.seconds.tolist() == pytest.approx([0.0, 0.1])
    assert steps.between(0.31, 1.0) is None


@pytest.mark.parametrize(
    ("values", "seconds", "match"),
    [
        (torch.zeros(1, 2), torch.zeros(2), r"\(batch, step, number\)"),
        (torch.zeros(1, 2, 1), torch.tensor([0.0]), "seconds of each step"),
        (torch.zeros(1, 0, 1), torch.zeros(0), "at least one step"),
        (torch.full((1, 2, 1), math.nan), torch.tensor([0.0, 1.0]), "finite"),
        (torch.zeros(1, 2, 1), torch.tensor([1.0, 1.0]), "in the order of their times"),
    ],
)
def test_sequences_that_are_none(values: torch.Tensor, seconds: torch.Tensor, match: str) -> None:
    """Shapes, emptiness, values and order are looked at when a sequence is made."""
    with pytest.raises(ValueError, match=match):
        ActionSequence(values, seconds)


def test_clips_are_joined_only_at_the_same_times() -> None:
    """Actions of every clip or of none."""
    one = ActionSequence.steady(torch.ones(1, 2, 1), frame_rate=8.0)
    both = joined([one, one])
    assert both is not None and both.values.shape == (2, 2, 1) and joined([None, None]) is None
    for other in (None, one.shift(0.5)):
        with pytest.raises(ValueError, match="same times"):
            joined([one, other])
