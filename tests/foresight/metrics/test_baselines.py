import pytest
import torch

from foresight.metrics.baselines import copy_last_frame, linear_extrapolation


def test_copy_repeats_the_last_frame() -> None:
    """Every predicted frame is the last one."""
    context = torch.arange(3.0).view(1, 1, 3, 1, 1).expand(1, 3, 3, 2, 2) / 2 - 0.5
    assert torch.equal(copy_last_frame(context, 4), torch.full((1, 3, 4, 2, 2), 0.5))


def test_extrapolation_goes_on_and_stops_at_white() -> None:
    """From 0 to 0.4, on to 0.8, then clamped to 1."""
    context = torch.tensor([0.0, 0.4]).view(1, 1, 2, 1, 1).expand(1, 3, 2, 2, 2)
    predicted = linear_extrapolation(context, 3)[0, 0, :, 0, 0]
    assert torch.allclose(predicted, torch.tensor([0.8, 1.0, 1.0]))


def test_one_frame_cannot_be_extrapolated() -> None:
    """The error says what is needed."""
    with pytest.raises(ValueError, match="at least 2"):
        linear_extrapolation(torch.zeros(1, 3, 1, 2, 2), 3)
