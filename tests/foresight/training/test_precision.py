"""The precision a recipe trains in, by what the machine can do."""

from __future__ import annotations

import pytest
import torch

from foresight.cli.compose import resolve
from foresight.training.precision import fast_precision


@pytest.mark.parametrize(
    ("avx512", "amx", "precision"),
    [(False, False, "32-true"), (True, False, "bf16-mixed"), (False, True, "bf16-mixed")],
)
def test_a_processor_trains_in_bfloat16_only_if_it_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, avx512: bool, amx: bool, precision: str
) -> None:
    """Either kind of instruction will do; a GPU beside it does not matter once the processor was asked for."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert fast_precision("cpu") == precision


@pytest.mark.parametrize(("native", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_gpu_trains_in_bfloat16_only_if_it_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, native: bool, precision: str
) -> None:
    """Emulation does not count."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert fast_precision("auto") == precision


def test_a_recipe_resolves_to_a_precision_and_takes_another() -> None:
    """What is recorded is the precision itself."""
    recipe = ["experiment=adapters/linear", "run=runs/x"]
    assert resolve("train", [*recipe, "trainer.accelerator=cpu"])["trainer"]["precision"] == fast_precision("cpu")
    assert resolve("train", [*recipe, "trainer.precision=16-mixed"])["trainer"]["precision"] == "16-mixed"
