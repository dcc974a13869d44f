"""What training takes, from published sizes alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters import LinearConfig, ModelPair, build_adapter
from foresight.cli.compose import resolve
from foresight.errors import UserError
from foresight.machine.stages import PROGRAM, stages
from foresight.machine.training import Footprint, footprint, held, transformer_config, vlm_skeleton
from foresight.world.reference import locate

EMBEDDED = locate("foresight-tiny", "vlm")


def chosen(*overrides: str) -> dict[str, Any]:
    return resolve("plan", ["adapter=linear", *overrides])


@pytest.mark.parametrize(
    ("name", "parameters"),
    # As their files on the hub hold, the 3B model with tied embeddings.
    [("3b", 3_754_622_976), ("7b", 8_292_166_656), ("32b", 33_452_718_336), ("72b", 73_410_777_344)],
)
def test_released_vision_language_models_have_their_published_size(name: str, parameters: int) -> None:
    """Each architecture in the configuration builds without weights and counts what its release counts."""
    vlm = chosen(f"vlm=qwen2.5-vl-{name}")["vlm"]
    model = vlm_skeleton(vlm)
    assert sum(value.numel() for value in model.parameters()) == parameters
    assert {value.device.type for value in model.parameters()} == {"meta"}
    assert max(vlm["layers"]) <= vlm["architecture"]["text_config"]["num_hidden_layers"]


def test_the_plan_of_a_release() -> None:
    """2B and 3B: sizes by hand, and activations that recomputation shrinks to less than a fifth."""
    config = chosen("ltx=2b-0.9.8-distilled", "vlm=qwen2.5-vl-3b")
    pairing = ModelPair(**config["pairing"])
    adapter = build_adapter(LinearConfig(pairing, (0.5, 64.0, 64.0)))
    found = footprint(vlm=config["vlm"], ltx=config["ltx"], adapter=adapter)
    # Two layer weights, 2·2048+1 inputs, 128 outputs and biases.
    assert found.adapter == 2 + (2 * 2048 + 1) * 128 + 128
    assert found.tokens == 16 * 16 * 24
    assert found.transformer == pytest.approx(1.92e9, rel=0.02)
    assert found.text_encoder == pytest.approx(4.76e9, rel=0.01)
    assert 0 < found.recomputed < found.kept / 5
    # Each block keeps at least its two residual streams.
    assert found.kept > 28 * 2 * found.tokens * 2048 * 2


def test_training_adds_up() -> None:
    """The frozen transformer in its type, the adapter at 20 bytes, activations once per clip; readers one at a time."""
    found = Footprint(
        vlm=1,
        vae=10,
        text_encoder=100,
        transformer=1000,
        adapter=7,
        tokens=1,
        encoding_vae=300,
        kept=50_000,
        recomputed=20_000,
    )
    assert held(1000) == 4000 and held(1 << 30) == 2 << 30
    assert found.encoding() == 400 and replace(found, encoding_vae=500).encoding() == 540
    assert found.training(3, recompute=False) == 4000 + 20 * 7 + 150_000
    assert found.training(3, recompute=True) == 4000 + 20 * 7 + 60_000


def test_stages_hold_what_they_need() -> None:
    """Each stage its largest network, with what that is cast to; training the transformer and the activations."""
    found = Footprint(
        vlm=1 << 30,
        vae=1 << 20,
        text_encoder=1 << 31,
        transformer=1 << 29,
        adapter=0,
        tokens=1,
        encoding_vae=0,
        kept=5,
        recomputed=1,
    )
    got = {one.command: one.memory - PROGRAM for one in stages(found, batch=2, recompute=False, text=False)}
    assert got["encode"] == 4 << 30 and got["train"] == (4 << 29) + 10
    assert got["predict"] == 2 << 30 and got["generate"] == 4 << 30
    told = {one.command: one.memory - PROGRAM for one in stages(found, batch=2, recompute=True, text=True)}
    assert told["predict"] == 4 << 30 and told["train"] == (4 << 29) + 2
    cast = replace(found, casts={"vae": 1 << 32, "vlm": 1, "transformer": 3 << 30})
    assert cast.working("vae") == (4 << 20) + (1 << 32)
    got = {one.command: one.memory - PROGRAM for one in stages(cast, batch=1, recompute=False, text=False)}
    assert got["predict"] == (4 << 29) + (3 << 30) and got["encode"] == (4 << 20) + (1 << 32)


@pytest.mark.parametrize("fast", [False, True])
def test_a_processor_without_bfloat16_casts_large_networks(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    """Copies of a large VAE are whole, of a large transformer two blocks and what is outside; none of a small one."""
    monkeypatch.setattr("foresight.machine.training.multiplies", lambda device, dtype: fast)
    config = chosen("ltx=2b-0.9.8-distilled", "vlm=qwen2.5-vl-3b")
    found = footprint(
        **{name: config[name] for name in ("vlm", "ltx")},
        adapter=build_adapter(LinearConfig(ModelPair(**config["pairing"]), (0.5, 64.0, 64.0))),
    )
    if fast:
        assert not any(found.casts.values())
    else:
        assert found.casts["vae"] == 4 * found.vae
        block = (found.transformer - found.casts["transformer"] // 4) // 26
        assert 28 * block < found.transformer < 29 * block
    assert footprint_of_tiny().casts == dict.fromkeys(("vlm", "vae", "text_encoder", "transformer"), 0)


def footprint_of_tiny() -> Footprint:
    """Of the embedded model, which is read as float32."""
    config = chosen()
    return footprint(
        vlm=config["vlm"],
        ltx=config["ltx"],
        adapter=build_adapter(LinearConfig(ModelPair(**config["pairing"]), (0.5, 64.0, 64.0))),
    )


def test_architectures_that_do_not_exist() -> None:
    """They are named together with those that do."""
    config = chosen("vlm=qwen2.5-vl-3b", "ltx=2b-0.9.8-distilled")
    with pytest.raises(UserError, match="2b, 13b"):
        transformer_config({**config["ltx"], "architecture": "7b"})
    with pytest.raises(UserError, match="2b, 13b"):
        chosen("ltx=2b-0.9.8-distilled", "ltx.architecture=7b")


def test_a_model_on_this_disk_is_counted_as_it_is() -> None:
    """Under a release's name, too: its own configuration holds over the published one, for the pairing and the plan."""
    config = chosen(
        "vlm=qwen2.5-vl-3b", f"vlm.where={EMBEDDED / 'vlm'}", "ltx=2b-0.9.8-distilled", f"ltx.where={EMBEDDED}"
    )
    small = chosen()
    assert config["pairing"]["vlm_hidden_size"] == small["pairing"]["vlm_hidden_size"] == 128
    assert transformer_config(config["ltx"]) == transformer_config(small["ltx"])
    sizes = [sum(value.numel() for value in vlm_skeleton(one["vlm"]).parameters()) for one in (config, small)]
    assert sizes[0] == sizes[1]
