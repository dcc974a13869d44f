"""The recipes of the embedded model's adapter, from parts with random weights to the exported folder."""

from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import load_adapter
from foresight.cli.compose import build, instantiate_plain, resolve
from foresight.cli.train import train
from foresight.training.export import Companion
from ltx.text import TextEncoder
from ltx.vae import VAEConfig, VideoVAE

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts as the earlier recipes export them, untrained."""
    folder = tmp_path_factory.mktemp("adapter")
    VideoVAE(VAEConfig.from_dict(_recipe("vae")["network"]["config"])).save_pretrained(folder / "parts/vae")
    for name in ("transformer", "vlm"):
        instantiate_plain(_recipe(name)["network"]).save_pretrained(folder / "parts" / name)
    return folder


def _recipe(name: str, *overrides: str) -> dict[str, Any]:
    return resolve("train", [f"experiment=tiny/{name}", *overrides])


def _run(name: str, folder: Path) -> None:
    small = ["data.batch=2", "data.train.clips.count=4", "data.validation.clips.count=2", "trainer=smoke"]
    places = [f"paths.parts={folder}/parts", f"paths.cache={folder}/cache", f"paths.runs={folder}/runs"]
    train(**build(train, _recipe(name, *small, *places, "trainer.max_steps=2")))


def test_both_stages_run_and_export(folder: Path) -> None:
    """Two steps of each recipe: the second starts from the first one's adapter, trains it alone, shares its cache."""
    before = (folder / "parts" / WEIGHTS).read_bytes()
    _run("adapter_align", folder)
    aligned = load_adapter(folder / "parts/adapter").state_dict()
    caches = sorted((folder / "cache").iterdir())
    _run("adapter", folder)
    further = load_adapter(folder / "parts/adapter").state_dict()
    assert sorted((folder / "cache").iterdir()) == caches
    assert any(not torch.equal(aligned[name], further[name]) for name in aligned)
    for name, value in aligned.items():
        torch.testing.assert_close(further[name], value, rtol=0, atol=1e-2)
    assert (folder / "parts" / WEIGHTS).read_bytes() == before


def test_the_text_encoder_is_exported_beside_the_transformer(tmp_path: Path) -> None:
    """The transformer's recipe writes the frozen encoder that it was trained with, and its states are the same."""
    exports = instantiate_plain({"all": _recipe("transformer", f"paths.parts={tmp_path}")["export"]})["all"]
    companion = next(export for export in exports if isinstance(export, Companion))
    companion.write(torch.nn.Identity())
    sentence = ["the red ball is pushed to the left"]
    assert isinstance(companion.part, TextEncoder)
    assert torch.equal(
        TextEncoder.from_pretrained(tmp_path).encode(sentence).embeddings, companion.part.encode(sentence).embeddings
    )
