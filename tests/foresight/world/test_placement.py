"""Device and type where the user leaves them open."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from foresight.errors import UserError
from foresight.world import placement
from foresight.world.placement import choose_device, choose_dtype


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, False, "cuda"), (True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_fastest_device_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, chosen: str
) -> None:
    """CUDA before Apple's before the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == chosen


@pytest.mark.parametrize("device", ["quantum", "cuda:99"])
def test_a_device_that_is_not_there_is_named(device: str) -> None:
    """Refused before anything is read, with what to choose."""
    with pytest.raises(UserError, match=f"{device}.*choose auto"):
        choose_device(device)


def test_small_models_are_read_as_float32_and_large_ones_as_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the bound float32, one byte above it the stored type, and bfloat16 for what only reads."""
    monkeypatch.setattr(placement, "SMALL", 10)
    small, large = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    small.write_bytes(bytes(10))
    large.write_bytes(bytes(11))
    assert choose_dtype("auto", [small], reader=False) is torch.float32
    assert choose_dtype("auto", [large], reader=False) is None
    assert choose_dtype("auto", [large], reader=True) is torch.bfloat16
    assert choose_dtype("bfloat16", [small], reader=False) is torch.bfloat16
    assert choose_dtype(torch.float16, [large], reader=True) is torch.float16


def test_an_unknown_type_is_refused() -> None:
    """With the names there are."""
    with pytest.raises(UserError, match="auto, float32, bfloat16, float16"):
        choose_dtype("int4", [], reader=False)
