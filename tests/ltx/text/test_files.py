"""A T5 in the layouts that people have."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ltx.checkpoint import CheckpointError
from ltx.text import TextEncoder, small_text_encoder
from ltx.text import files as text_files

SENTENCES = ("a red ball rolls left", "a blue ball falls down")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """text_encoder/ and tokenizer/, as diffusers writes."""
    made = small_text_encoder(SENTENCES, width=32, layers=2, max_tokens=256, vocabulary=128, seed=0)
    made.save_pretrained(tmp_path / "whole")
    return tmp_path / "whole"


def states(encoder: TextEncoder) -> torch.Tensor:
    return encoder.encode(SENTENCES).embeddings


def test_every_layout_gives_the_same_states(folder: Path, tmp_path: Path) -> None:
    """Its parent, the folder itself, one flat folder, and a single file with the tokenizer beside it or named."""
    expected = states(TextEncoder.from_pretrained(folder))
    flat, single = tmp_path / "t5-v1_1-xxl", tmp_path / "single" / "t5xxl_fp16.safetensors"
    shutil.copytree(folder / "text_encoder", flat)
    shutil.copytree(folder / "tokenizer", flat, dirs_exist_ok=True)
    single.parent.mkdir()
    shutil.copy(folder / "text_encoder" / "model.safetensors", single)
    for where in (folder / "text_encoder", flat):
        assert torch.equal(states(TextEncoder.from_pretrained(where)), expected)
    for tokenizer in (folder, folder / "tokenizer"):
        assert torch.equal(states(TextEncoder.from_pretrained(single, tokenizer=tokenizer)), expected)
    shutil.copytree(folder / "tokenizer", single.parent / "tokenizer")
    assert torch.equal(states(TextEncoder.from_pretrained(single)), expected)


def test_a_file_without_tokenizer_says_which_option(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that the published one could not be had."""
    monkeypatch.setattr(text_files, "PUBLISHED", str(tmp_path / "nowhere"))
    (tmp_path / "single").mkdir()
    single = shutil.copy(folder / "text_encoder" / "model.safetensors", tmp_path / "single")
    with pytest.raises(CheckpointError, match=r"expected a tokenizer .*tokenizer=FOLDER\).*published one cannot"):
        TextEncoder.from_pretrained(single)


def test_all_in_one_files_and_whole_t5s(folder: Path, tmp_path: Path) -> None:
    """ComfyUI's prefix, the other half of a T5 and a stored tokenizer are known; float8 is scaled."""
    expected = states(TextEncoder.from_pretrained(folder))
    state = load_file(folder / "text_encoder" / "model.safetensors")
    prefix = "text_encoders.t5xxl.transformer."
    full = {f"{prefix}{key}": tensor for key, tensor in state.items()}
    full |= {"model.diffusion_model.x": torch.zeros(1), f"{prefix}spiece_model": torch.zeros(3, dtype=torch.uint8)}
    full |= {f"{prefix}decoder.block.0.x": torch.zeros(1), f"{prefix}scaled_fp8": torch.zeros(2)}
    save_file(full, tmp_path / "all.safetensors")
    read = TextEncoder.from_pretrained(tmp_path / "all.safetensors", tokenizer=folder)
    assert torch.equal(states(read), expected)
    key = "encoder.block.0.layer.0.SelfAttention.q.weight"
    stored = state[key].mul(100).to(torch.float8_e4m3fn)
    save_file(
        {**full, prefix + key: stored, prefix + key[:-6] + "scale_weight": torch.tensor(0.01)},
        tmp_path / "8.safetensors",
    )
    scaled = TextEncoder.from_pretrained(tmp_path / "8.safetensors", tokenizer=folder, dtype="float32")
    assert torch.equal(scaled.model.get_parameter(key), stored.float() * 0.01)


def test_float16_keeps_what_overflows_in_float32(folder: Path) -> None:
    """The products that leave the range of float16 are computed in float32, as transformers does."""
    model = TextEncoder.from_pretrained(folder, dtype="fp16").model
    types = {name.split(".")[-2]: parameter.dtype for name, parameter in model.named_parameters()}
    assert types["wo"] is torch.float32 and types["wi_0"] is types["q"] is torch.float16


def test_two_embeddings_must_be_one(folder: Path) -> None:
    """Files have it under one of two names, or the same under both."""
    file = folder / "text_encoder" / "model.safetensors"
    state = load_file(file)
    save_file({**state, "encoder.embed_tokens.weight": state["shared.weight"] + 1}, file)
    with pytest.raises(CheckpointError, match="two different embeddings"):
        TextEncoder.from_pretrained(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"model_type": "umt5"}, "expected a T5.*got umt5"), ({"quantization_config": {}}, "quantised T5")],
)
def test_other_text_encoders_are_named(change: dict, message: str, folder: Path) -> None:
    """Another architecture, or a quantised one; a byte order mark is no reason."""
    config = folder / "text_encoder" / "config.json"
    fields = json.loads(config.read_text())
    config.write_text(json.dumps(fields), encoding="utf-8-sig")
    TextEncoder.from_pretrained(folder)
    config.write_text(json.dumps({**fields, **change}))
    with pytest.raises(CheckpointError, match=message):
        TextEncoder.from_pretrained(folder)


def test_what_is_no_whole_t5_is_named(folder: Path, tmp_path: Path) -> None:
    """A folder of something else, a file of another model, one that is cut, and a configuration of no T5."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    with pytest.raises(CheckpointError, match=r"cannot read a T5 text encoder from .*other: expected folders"):
        TextEncoder.from_pretrained(tmp_path / "other")
    state = load_file(folder / "text_encoder" / "model.safetensors")
    save_file({"patchify_proj.weight": torch.zeros(2, 2)}, tmp_path / "dit.safetensors")
    with pytest.raises(CheckpointError, match=r"dit\.safetensors does not hold a T5 text encoder"):
        TextEncoder.from_pretrained(tmp_path / "dit.safetensors", tokenizer=folder)
    lost = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    save_file({key: tensor for key, tensor in state.items() if key != lost}, tmp_path / "cut.safetensors")
    with pytest.raises(CheckpointError, match=rf"cut\.safetensors is not a whole T5 encoder: it lacks {lost}"):
        TextEncoder.from_pretrained(tmp_path / "cut.safetensors", tokenizer=folder)
    config = folder / "text_encoder" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "d_model": "wide"}))
    with pytest.raises(CheckpointError, match=r"config\.json is none of a T5: .*d_model"):
        TextEncoder.from_pretrained(folder)


def test_a_tokenizer_without_vocabulary_is_refused(folder: Path) -> None:
    """transformers would make an empty one, to which every word is unknown."""
    for file in (folder / "tokenizer").iterdir():
        if file.name != "tokenizer_config.json":
            file.unlink()
    with pytest.raises(CheckpointError, match=r"expected a tokenizer \(tokenizer\.json or spiece\.model\)"):
        TextEncoder.from_pretrained(folder)
