"""Files that are no safetensors are refused by what they are."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ltx.bundle.checkpoint import Checkpoint
from ltx.checkpoint import CheckpointError
from ltx.checkpoint.read import read_object


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ltxv-Q4_K_M.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1, 0), "GGUF file.*fp8"),
        ("renamed.safetensors", b"GGUF" + struct.pack("<IQQ", 3, 1, 0), "GGUF file"),
        ("a.pth", b"anything", "pickle.*save_file"),
        ("a.ckpt", b"PK\x03\x04", "pickle"),
        ("a.onnx", b"", "ONNX graph"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git-lfs pointer"),
        ("b.safetensors", b"<!DOCTYPE html><html>", "web page"),
        ("c.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "not a complete safetensors file"),
        ("d.safetensors.part", b"", "unfinished download"),
    ],
)
def test_each_is_named(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    """By its first bytes, whatever it is called, or by its name; with what to do."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.from_pretrained(tmp_path / name)


def test_a_byte_order_mark_is_read_past(tmp_path: Path) -> None:
    """As editors of Windows write it."""
    (tmp_path / "config.json").write_text('{"a": 1}', encoding="utf-8-sig")
    assert read_object(tmp_path / "config.json") == {"a": 1}


def test_nesting_without_end_is_no_json(tmp_path: Path) -> None:
    """A mistake in a file, not a defect of the program."""
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(CheckpointError, match="is not JSON"):
        read_object(tmp_path / "config.json")
