from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.formats import refuse_format
from ltx.checkpoint.read import Weights, read_object
from ltx.checkpoint.weight_files import weight_files


def test_tensors_are_read_one_by_one_with_their_shapes_and_types(tmp_path: Path) -> None:
    """Shapes and types are known without reading; several files act as one."""
    save_file({"a": torch.ones(2, 3)}, tmp_path / "1.safetensors")
    save_file({"b": torch.ones(4).bfloat16()}, tmp_path / "2.safetensors")
    weights = Weights((tmp_path / "1.safetensors", tmp_path / "2.safetensors"))
    assert set(weights) == {"a", "b"} and len(weights) == 2
    assert weights.shape("a") == (2, 3) and weights.dtype("b") == "BF16"
    assert torch.equal(weights["a"], torch.ones(2, 3))
    assert weights.where == str(tmp_path)


def test_a_key_in_two_files_is_refused(tmp_path: Path) -> None:
    """Which of the two would count is not left to chance."""
    for name in ("1", "2"):
        save_file({"twice": torch.ones(1)}, tmp_path / f"{name}.safetensors")
    with pytest.raises(CheckpointError, match=r"more than one of the files.*twice"):
        Weights((tmp_path / "1.safetensors", tmp_path / "2.safetensors"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message holds the path."""
    with pytest.raises(CheckpointError, match=r"no such file: .*a\.safetensors"):
        Weights((tmp_path / "a.safetensors",))


def test_a_header_length_that_looks_like_a_pickle_is_none(tmp_path: Path) -> None:
    """A safetensors file whose first bytes happen to be those of a pickle is read."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"\x80\x02\x00\x00\x00\x00\x00\x00{")
    refuse_format(path)
    path.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(CheckpointError, match="pickle"):
        refuse_format(path)


@pytest.mark.parametrize("name", ["a.ckpt", "a.bin", "a.pth"])
def test_a_safetensors_file_of_another_name_is_read(tmp_path: Path, name: str) -> None:
    """What it is, its content says; an unfinished download begins like a whole one, and is refused by its name."""
    save_file({"a": torch.ones(1)}, tmp_path / name)
    assert torch.equal(Weights((tmp_path / name,))["a"], torch.ones(1))
    (tmp_path / name).rename(tmp_path / "a.safetensors.part")
    with pytest.raises(CheckpointError, match="unfinished download"):
        refuse_format(tmp_path / "a.safetensors.part")


def test_two_files_without_an_index_are_ambiguous(tmp_path: Path) -> None:
    """Which of them to read is not guessed; a hidden file, which may be half written, is not looked at."""
    save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors")
    (tmp_path / ".b.safetensors").write_bytes(b"")
    assert weight_files(tmp_path) == (tmp_path / "a.safetensors",)
    save_file({"a": torch.ones(1)}, tmp_path / "c.safetensors")
    with pytest.raises(CheckpointError, match="expected one safetensors file, or shards with an index"):
        weight_files(tmp_path)


def test_an_index_without_a_table_is_named(tmp_path: Path) -> None:
    """An index must say where the weights are."""
    (tmp_path / "m.safetensors.index.json").write_text('{"metadata": {}}')
    with pytest.raises(CheckpointError, match="expected a `weight_map`"):
        weight_files(tmp_path)


@pytest.mark.parametrize("content", [b"not json", b"[1]", b"\xff\xfe"])
def test_a_damaged_configuration_is_named(tmp_path: Path, content: bytes) -> None:
    """What is no JSON object is an error with the file's name, and so is a missing file."""
    path = tmp_path / "config.json"
    with pytest.raises(CheckpointError, match=r"cannot read .*config\.json"):
        read_object(path)
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_object(path)


def test_metadata_that_is_no_object_is_named(tmp_path: Path) -> None:
    """The `config` of a file must be a JSON object; a file without one has an empty configuration."""
    save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors", metadata={"config": "[]"})
    with pytest.raises(CheckpointError, match="expected a JSON object as the metadata `config`"):
        Weights((tmp_path / "a.safetensors",)).config()
    save_file({"a": torch.ones(1)}, tmp_path / "b.safetensors")
    assert Weights((tmp_path / "b.safetensors",)).config() == {}


def test_long_lists_of_names_are_cut_with_their_number() -> None:
    """A message stays readable when a thousand keys are wrong."""
    assert listed(["b", "a"]) == "a, b"
    assert listed(f"k{n:02d}" for n in range(20)).endswith("k07, … (20 in all)")
