"""Which files of a folder are its weights."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ltx.checkpoint import CheckpointError
from ltx.checkpoint.weight_files import weight_files

NAME = "diffusion_pytorch_model"


def put(folder: Path, *names: str) -> None:
    for name in names:
        save_file({name: torch.ones(1)}, folder / name)


def index(folder: Path, name: str, *shards: str) -> None:
    put(folder, *shards)
    (folder / name).write_text(json.dumps({"weight_map": {shard: shard for shard in shards}}))


def names(folder: Path) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [path.name for path in weight_files(folder)]


def test_plain_weights_come_before_variants(tmp_path: Path) -> None:
    """One file or shards, with variants of either form beside them."""
    put(tmp_path, f"{NAME}.safetensors", f"{NAME}.fp16.safetensors", f"{NAME}.bf16-00001-of-00002.safetensors")
    assert names(tmp_path) == [f"{NAME}.safetensors"]
    shards = [f"{NAME}-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index(tmp_path, f"{NAME}.safetensors.index.json", *shards)
    assert names(tmp_path) == shards


@pytest.mark.parametrize("form", ["{}.fp16-0000{n}-of-00002.safetensors", "{}-0000{n}-of-00002.fp16.safetensors"])
def test_a_variant_alone_is_read(form: str, tmp_path: Path) -> None:
    """In both spellings of its shards; of several the first in a stated order, with a word."""
    shards = [form.format(NAME, n=number) for number in (1, 2)]
    index(tmp_path, f"{NAME}.safetensors.index.fp16.json", *shards)
    assert names(tmp_path) == shards
    put(tmp_path, f"{NAME}.bf16.safetensors")
    with pytest.warns(UserWarning, match="no plain weights; read are those of bf16, not fp16"):
        assert [path.name for path in weight_files(tmp_path)] == [f"{NAME}.bf16.safetensors"]


def test_a_version_is_no_variant(tmp_path: Path) -> None:
    """Dots of a released name belong to it."""
    put(tmp_path, "ltxv-2b-0.9.8-distilled.safetensors")
    assert names(tmp_path) == ["ltxv-2b-0.9.8-distilled.safetensors"]


def test_a_shard_without_its_index_is_refused(tmp_path: Path) -> None:
    """Half of a model is not read as one."""
    put(tmp_path, f"{NAME}-00001-of-00001.safetensors")
    with pytest.raises(CheckpointError, match="one of several shards, and the index"):
        weight_files(tmp_path)


@pytest.mark.parametrize(("name", "what"), [("a.gguf", "GGUF"), ("model.onnx", "ONNX"), ("model.bin", "pickle")])
def test_weights_of_another_format_are_named(name: str, what: str, tmp_path: Path) -> None:
    """Not a missing file is the reason, but a format."""
    (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(CheckpointError, match=what):
        weight_files(tmp_path)
