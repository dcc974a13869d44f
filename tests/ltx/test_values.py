"""What enters is finite and in range, or refused with a word."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ltx.conditioning import ConditioningItem, LatentItem
from ltx.text import TextConditioning
from ltx.values import as_pixels, check_finite, is_finite, not_finite


def frames() -> Tensor:
    return torch.rand(1, 3, 9, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e5m2])
def test_one_value_is_found_in_every_type(value: float, dtype: torch.dtype) -> None:
    """One NaN or infinity among many numbers is seen and counted, whatever the type."""
    tensor = torch.ones(100)
    assert is_finite(tensor.to(dtype))
    tensor[37] = value
    assert not is_finite(tensor.to(dtype))
    with pytest.raises(ValueError, match=r"finite values in the latents, got 1 of 100"):
        check_finite(tensor.to(dtype), "the latents")


def test_large_sums_and_whole_numbers_are_finite() -> None:
    """Values whose sum is beyond float32 are no infinities, and whole numbers hold none."""
    state = {"large": torch.full((4,), 3e38), "whole": torch.ones(2, dtype=torch.int64), "bad": torch.tensor(torch.nan)}
    assert not_finite(state) == ["bad"]


def test_bytes_become_pixels_by_rule() -> None:
    """0, 127 and 255 are −1, −1/255 and 1; floats in [−1, 1] come back as they are, overshoots of 0.01 included."""
    given = torch.tensor([0, 127, 255], dtype=torch.uint8)
    torch.testing.assert_close(as_pixels(given, "frames"), torch.tensor([-1.0, -1 / 255, 1.0]))
    for floats in (frames(), torch.tensor([-1.009, 1.009])):
        assert as_pixels(floats, "frames") is floats


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (torch.tensor([0.0, 255.0]), r"frames in \[-1, 1\], got values from 0 to 255.*127\.5"),
        (torch.tensor([-1.5, 0.0]), r"from -1\.5 to 0"),
        (torch.tensor([0, 255]), "bytes, or as floats.*int64"),
        (torch.tensor([0.0, torch.nan]), "finite values in frames, got 1 of 2"),
    ],
)
def test_other_ranges_are_refused(video: Tensor, message: str) -> None:
    """0…255 as floats, values beyond an end, wider integers and NaN each have their own sentence."""
    with pytest.raises(ValueError, match=message):
        as_pixels(video, "frames")


def test_embeddings_of_a_text_are_finite() -> None:
    """NaN at a masked token is refused too, and what overflows in a narrower type."""
    embeddings = torch.ones(1, 3, 4)
    mask = torch.tensor([[True, True, False]])
    assert len(TextConditioning(embeddings, mask)) == 1
    with pytest.raises(ValueError, match="embeddings of a text"):
        TextConditioning(1e6 * embeddings, mask).to(dtype=torch.float16)
    embeddings[0, 2, 0] = torch.nan
    with pytest.raises(ValueError, match="embeddings of a text, got 1 of 12"):
        TextConditioning(embeddings, mask)


def test_conditions_hold_pixels() -> None:
    """Bytes are converted as they enter; NaN, infinity and 0…255 as floats are refused; and so are latents of NaN."""
    given = frames()
    converted = ConditioningItem(((given + 1) * 127.5).round().to(torch.uint8), 0, 1.0).frames
    assert converted.dtype == torch.float32 and (converted - given).abs().max() < 0.5 / 127
    for wrong in (given * torch.nan, given / 0, (given + 1) * 127.5):
        with pytest.raises(ValueError, match="the frames of a condition"):
            ConditioningItem(wrong, 0, 1.0)
    with pytest.raises(ValueError, match="the latents of a condition"):
        LatentItem(given * torch.nan, 0, 1.0)


@pytest.mark.parametrize("ends", [(-1.02, 0.0), (0.0, 1.02), (-1.02, 1.02)])
def test_either_end_is_enough(ends: tuple[float, float]) -> None:
    """Beyond the tolerance; a video without pixels is in range."""
    with pytest.raises(ValueError, match=rf"from {ends[0]:.4g} to {ends[1]:.4g}"):
        as_pixels(torch.tensor(ends), "frames")
    assert as_pixels(torch.zeros(0), "frames").numel() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float8_e4m3fn])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_one_value_among_many_is_found(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, wrong: float) -> None:
    """Wherever it is, in every type that has such values; and nothing is found where there is none."""
    monkeypatch.setattr("ltx.values.PIECE", 7)
    values = torch.ones(5, 9)
    assert is_finite(values.to(dtype)) and is_finite(values[:0].to(dtype))
    values[4, 8] = wrong
    found = values.to(dtype)
    if found.dtype.itemsize == 1:  # this float8 has no infinity
        found[4, 8] = float("nan")
    assert not is_finite(found) and is_finite(found[:4]) and not is_finite(found.T)
