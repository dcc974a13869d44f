"""Models read to their places: what encodes data is placed as what predicts."""

from __future__ import annotations

import pytest
import torch

from foresight.data import frozen
from ltx.offload import device_of, dtype_of
from ltx.offload.room import lodging_of

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
    vae, text = frozen.frozen_vae("foresight-tiny"), frozen.frozen_text_encoder("foresight-tiny")
    vlm = frozen.frozen_vlm("foresight-tiny", [2])
    for model in (vae, text.model, vlm.model):
        assert lodging_of(model) is None and dtype_of(model) == torch.float32


@pytest.mark.usefixtures("large")
def test_large_models_rest_as_stored_and_work_in_float32() -> None:
    """Blocks are cast when they are run, and rest in the type of their file; answers are those of a model all cast."""
    text = frozen.frozen_text_encoder("foresight-tiny")
    assert lodging_of(text.model) is not None and dtype_of(text.model) == torch.float32
    stored = {value.dtype for value in text.model.parameters()}
    got = text.encode(PROMPT).embeddings
    assert {value.dtype for value in text.model.encoder.block.parameters()} <= stored
    frozen.release()
    video = torch.rand(1, 3, 9, 64, 64) * 2 - 1
    vae = frozen.frozen_vae("foresight-tiny")
    assert device_of(vae).type == "cpu"
    latents = vae.encode(video)
    assert latents.dtype == torch.float32 and next(vae.parameters()).dtype == torch.float32
    frozen.release()
    vlm = frozen.frozen_vlm("foresight-tiny", [2])
    tokens = vlm.encode(video, PROMPT, frame_rate=8.0).tokens
    frozen.release()
    assert got.dtype == torch.float32 and bool(got.isfinite().all()) and bool(tokens.isfinite().all())


def test_answers_do_not_depend_on_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """States of a text and features of a clip, by models at rest in bfloat16 files and by the same in memory."""
    video = torch.rand(1, 3, 9, 64, 64) * 2 - 1
    frozen.release()
    expected = frozen.frozen_text_encoder("foresight-tiny").encode(PROMPT).embeddings
    features = frozen.frozen_vlm("foresight-tiny", [2]).encode(video, PROMPT, frame_rate=8.0).tokens
    frozen.release()
    monkeypatch.setattr("ltx.offload.placement.SMALL", 0)
    monkeypatch.setattr("foresight.world.placement.SMALL", 0)
    monkeypatch.setattr("ltx.offload.placement.multiplies", lambda device, dtype: dtype is torch.float32)
    # The T5 rests in float32 in its file, the VLM in bfloat16: casting up is exact.
    assert torch.equal(frozen.frozen_text_encoder("foresight-tiny").encode(PROMPT).embeddings, expected)
    again = frozen.frozen_vlm("foresight-tiny", [2]).encode(video, PROMPT, frame_rate=8.0).tokens
    frozen.release()
    assert torch.allclose(again, features, atol=1e-5)
