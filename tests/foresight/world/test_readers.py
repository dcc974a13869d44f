"""Models read to their places: what encodes data is placed as what predicts."""

from __future__ import annotations

import weakref

import pytest
import torch

from foresight.data import frozen
from foresight.data.encoders import StoredLatents, StoredText
from foresight.data.physics import PhysicsClips
from foresight.data.ragged import Ragged
from foresight.physics import PhysicsConfig
from ltx.offload import dtype_of
from ltx.offload.room import lodging_of

PLACE = "foresight-tiny"
PROMPT = ["the red ball is pushed up"]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model counts as large, on a processor without units for bfloat16."""
    frozen.release()
    monkeypatch.setattr("foresight.world.placement.SMALL", 0)
    monkeypatch.setattr("ltx.offload.placement.SMALL", 0)
    monkeypatch.setattr("ltx.offload.placement.multiplies", lambda device, dtype: dtype is torch.float32)


def test_small_models_stay_where_they_are() -> None:
    """No part of the embedded model is moved about, and all are float32."""
    frozen.release()
    vae, text = frozen.frozen_vae(PLACE), frozen.frozen_text_encoder(PLACE)
    vlm = frozen.frozen_vlm(PLACE, [2])
    for model in (vae, text.model, vlm.model):
        assert lodging_of(model) is None and dtype_of(model) == torch.float32


def encoded() -> dict[str, torch.Tensor]:
    """What data is encoded to, by all three models."""
    frozen.release()
    batch = PhysicsClips(config=PhysicsConfig(), split="train", first=0, count=1).__getitems__([0])
    found = dict(StoredLatents(where=PLACE, precision="float32")(batch))
    found["drawn"] = StoredLatents(where=PLACE, precision="float32").reconstruct(batch.video)
    text = StoredText(where=None, beside=PLACE, precision="float32")(batch)["text"]
    assert isinstance(text, Ragged)
    vlm = frozen.frozen_vlm(PLACE, [2])
    found |= {"text": text.rows[0], "tokens": vlm.encode(batch.video[:, :, :9], PROMPT, frame_rate=8.0).tokens}
    frozen.release()
    return {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}


def test_answers_do_not_depend_on_the_place(request: pytest.FixtureRequest) -> None:
    """Latents, pictures, states of a text and features, of models in memory and of models cast block by block."""
    expected = encoded()
    request.getfixturevalue("large")
    got = encoded()
    assert got.keys() == expected.keys() == {"latents", "drawn", "text", "tokens"}
    for name, value in expected.items():
        assert got[name].dtype == torch.float32
        assert torch.allclose(got[name], value, atol=1e-5), name


@pytest.mark.usefixtures("large")
def test_large_models_rest_as_stored() -> None:
    """Cast while they work, and in the type of their file again when another one works."""
    text, vlm = frozen.frozen_text_encoder(PLACE), frozen.frozen_vlm(PLACE, [2])
    vlm.encode(torch.zeros(1, 3, 9, 64, 64), PROMPT, frame_rate=8.0)
    assert text is not None and lodging_of(vlm.model) is not None and dtype_of(vlm.model) == torch.float32
    blocks = vlm.model.model.language_model.layers
    assert {value.dtype for value in blocks.parameters()} == {torch.bfloat16}
    gone = weakref.ref(vlm.model)
    del vlm, blocks
    frozen.release()
    assert gone() is None
