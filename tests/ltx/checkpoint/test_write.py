import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ltx.checkpoint import CheckpointError
from ltx.checkpoint import write as module
from ltx.checkpoint.save import save_model
from ltx.checkpoint.write import shards, write_json, write_model_folder, write_tensors
from ltx.upsampler import LatentUpsampler, UpsamplerConfig
from ltx.upsampler.part import UPSAMPLER


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_write_gives_the_tensors_and_leaves_nothing_else(tmp_path: Path) -> None:
    """Tensors, also those that are views, come back; no temporary file stays."""
    tensors = {"a": torch.arange(6.0).view(2, 3).T, "b": torch.ones(2, dtype=torch.bfloat16)}
    write_tensors(tmp_path / "new" / "a.safetensors", tensors, {"note": "x"})
    read = load_file(tmp_path / "new" / "a.safetensors")
    assert all(torch.equal(read[key], tensor) for key, tensor in tensors.items())
    assert os.listdir(tmp_path / "new") == ["a.safetensors"]


def test_json_is_sorted(tmp_path: Path) -> None:
    """Equal configurations are equal files."""
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    assert (tmp_path / "a.json").read_text() == '{\n  "a": 2,\n  "b": 1\n}\n'


def test_shards_keep_the_order_and_the_limit() -> None:
    """Groups are cut before they exceed the limit; a tensor above it has a group of its own."""
    tensors = {name: torch.zeros(size, dtype=torch.uint8) for name, size in (("a", 4), ("b", 4), ("c", 20), ("d", 1))}
    assert [list(group) for group in shards(tensors, 8)] == [["a", "b"], ["c"], ["d"]]
    assert shards({}, 8) == [{}]


def test_a_failure_in_the_second_file_leaves_the_first_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is replaced as a whole: weights and configuration of two saves are never mixed."""
    write_model_folder(tmp_path, {"a": torch.zeros(4), "b": torch.zeros(4)}, {"n": 1}, shard_bytes=16)
    before = contents(tmp_path)
    real, calls = module.save_file, []

    def full(*arguments: object, **options: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(*arguments, **options)

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(CheckpointError, match=r"old files are untouched: .*No space left"):
        write_model_folder(tmp_path, {"a": torch.ones(4), "b": torch.ones(4)}, {"n": 2}, shard_bytes=16)
    assert contents(tmp_path) == before
    assert not list(tmp_path.glob(".*"))


WRITER = """
import sys, torch
from pathlib import Path
from ltx.checkpoint.write import write_tensors
write_tensors(Path(sys.argv[1]), {"a": torch.ones(1_000_000)}, {})
"""


def test_a_file_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    """When the system refuses more bytes half way, the error says so and the old file is whole."""
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.zeros(4)}, {})

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(path)], check=False, capture_output=True, text=True, preexec_fn=limit
    )
    assert done.returncode == 1 and "the old files are untouched" in done.stderr
    assert torch.equal(load_file(path)["a"], torch.zeros(4))
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_a_killed_save_leaves_the_old_file(tmp_path: Path) -> None:
    """SIGKILL after the bytes and before the rename: the old file is whole."""
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.zeros(4)}, {})
    kill = "import os\nos.replace = lambda *_: os.kill(os.getpid(), 9)\n"
    done = subprocess.run([sys.executable, "-c", kill + WRITER, str(path)], check=False)
    assert done.returncode == -9
    assert torch.equal(load_file(path)["a"], torch.zeros(4))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in the place of the folder is a CheckpointError, not a traceback of the system's."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="could not write into"):
        write_json(tmp_path / "file" / "a.json", {})


def tiny() -> LatentUpsampler:
    return LatentUpsampler(
        UpsamplerConfig(
            in_channels=4,
            mid_channels=32,
            num_blocks_per_stage=1,
            dims=2,
            spatial_upsample=True,
            temporal_upsample=False,
        )
    )


def test_fewer_shards_than_before_leave_no_old_ones(tmp_path: Path) -> None:
    """Weights of an earlier save under other names would make the folder ambiguous, so they go."""
    model = tiny()
    save_model(model, UPSAMPLER, tmp_path, shard_bytes=50_000)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    model.save_pretrained(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["config.json", "diffusion_pytorch_model.safetensors"]
    save_model(model, UPSAMPLER, tmp_path, shard_bytes=50_000)
    assert not (tmp_path / "diffusion_pytorch_model.safetensors").exists()
    LatentUpsampler.from_pretrained(tmp_path)


def test_a_model_with_wrapped_layers_is_not_saved(tmp_path: Path) -> None:
    """Names that no reader knows are not written: the LoRA must be detached or merged first."""

    class Wrapped(nn.Module):
        config = tiny().config

        def __init__(self) -> None:
            super().__init__()
            self.base_layer = nn.Linear(1, 1)
            self.inner = nn.ModuleDict({"base_layer": nn.Linear(1, 1)})

    with pytest.raises(CheckpointError, match="detach or merge it before saving"):
        save_model(Wrapped(), UPSAMPLER, tmp_path)
    assert os.listdir(tmp_path) == []
