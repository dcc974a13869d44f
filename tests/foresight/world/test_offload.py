"""World models whose parts rest while others work predict what those predict whose parts all stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from adapters import ModelPair
from adapters.ic_lora import ICLoRAConfig
from adapters.lora import LoRAConfig
from foresight.vlm.encoder import QwenEncoder
from foresight.world.fingerprint import model_fingerprint
from foresight.world.world_model import WorldModel
from ltx.offload.room import lodging_of

PAIRING = ModelPair("small-qwen", 32, 32, (2,), "small-ltx", 8, 16)
IC_LORA = ICLoRAConfig(PAIRING, 16, 2, 1, (4.0, 64.0, 64.0), 0.0, LoRAConfig(2, ("attn1.to_q",), blocks=2, width=24))


@pytest.fixture
def halved(make_world: Callable[..., WorldModel], tmp_path: Path) -> Path:
    """A world model with low-rank updates of its transformer, whose large parts are stored in bfloat16."""
    world = make_world(IC_LORA)
    assert isinstance(world.vlm, QwenEncoder) and world.text_encoder is not None
    for part in (world.vae, world.transformer, world.vlm.model, world.text_encoder.model):
        part.to(torch.bfloat16)
    world.save_pretrained(tmp_path / "world")
    return tmp_path / "world"


def read(folder: Path, offload: str) -> WorldModel:
    """On the CPU, in float32."""
    return WorldModel.from_pretrained(folder, device="cpu", offload=offload)


def future(model: WorldModel, clip: Tensor) -> Tensor:
    """Two candidates of two chunks."""
    return model.predict(clip[:, :9], "the red ball is pushed right", 24, candidates=2, seed=3).video


@pytest.mark.parametrize("offload", ["parts", "blocks"])
def test_offloading_changes_no_bit(halved: Path, offload: str, clip: Tensor) -> None:
    """Not of a prediction with an adapter's updates in it, nor of the fingerprint by which a verifier knows its model,
    before or after; and the parts rest in bfloat16.
    """
    staying, resting = read(halved, "none"), read(halved, offload)
    assert resting.placement is not None and resting.placement.offload == offload
    before = model_fingerprint(resting)
    assert torch.equal(future(resting, clip), future(staying, clip))
    assert before == model_fingerprint(resting) == model_fingerprint(staying)
    assert isinstance(resting.vlm, QwenEncoder) and resting.text_encoder is not None
    for part in (resting.vae, resting.transformer, resting.vlm.model, resting.text_encoder.model):
        assert next(iter(part.state_dict().values())).dtype is torch.bfloat16


def test_one_part_is_at_work_at_a_time(halved: Path, clip: Tensor) -> None:
    """VLM, text encoder, transformer and VAE never beside each other, wherever they are called from."""
    model = read(halved, "parts")
    assert isinstance(model.vlm, QwenEncoder) and model.text_encoder is not None
    parts = {"vlm": model.vlm.model, "text": model.text_encoder.model, "flow": model.transformer, "vae": model.vae}
    shelves = {name: found.shelf for name, part in parts.items() if (found := lodging_of(part)) is not None}
    seen: set[tuple[str, ...]] = set()

    def look(*_: object) -> None:
        seen.add(tuple(name for name, shelf in shelves.items() if shelf.at_work))

    for module in (model.vlm.model.model, model.text_encoder.model, model.transformer.proj_out, model.vae.decoder):
        module.register_forward_hook(look)
    future(model, clip)
    assert seen == {("vlm",), ("text",), ("flow",), ("vae",)}


def test_answers_are_the_same_from_a_vlm_that_rests(halved: Path, clip: Tensor) -> None:
    """Words and probabilities, in blocks."""
    staying, resting = read(halved, "none").vlm, read(halved, "blocks").vlm
    assert isinstance(staying, QwenEncoder) and isinstance(resting, QwenEncoder)
    told = []
    for vlm in (staying, resting):
        seen = vlm.see(clip[None, :, :9], frame_rate=8.0)
        told.append((vlm.answer(seen, ["what moves?"], longest=4), vlm.judge(seen, ["does it?"], ["yes", "no"])))
    assert told[0][0] == told[1][0] and torch.equal(told[0][1], told[1][1])


def test_a_clip_is_seen_once(halved: Path, clip: Tensor) -> None:
    """The same frames and words run no VLM again; other words, or other frames, do."""
    model = read(halved, "none")
    assert isinstance(model.vlm, QwenEncoder)
    calls: list[int] = []
    model.vlm.model.model.register_forward_hook(lambda *_: calls.append(1))
    given = clip[None, :, :9]
    first = model.features(given, ["wait"])
    again = model.features(given.clone(), ["wait"])
    assert first is not None and again is not None
    assert torch.equal(first.tokens, again.tokens) and len(calls) == 1
    model.features(given, ["push"])
    model.features(-given, ["wait"])
    assert len(calls) == 3
