"""What files and folders hold, by their content."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import save_file

from ltx.bundle.content import content_of
from ltx.checkpoint import CheckpointError
from ltx.checkpoint.hub import in_cache, resolve, source_of, warn_unpinned
from ltx.checkpoint.identity import identify
from ltx.checkpoint.weight_files import weight_files
from ltx.checkpoint.write import write_model_folder

LORA = "transformer.transformer_blocks.0.attn1.to_q.lora_A.weight"
ANCHOR = "post_upsample_res_blocks.0.conv1.weight"
COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("key", "content"), [(LORA, "LoRA"), (ANCHOR, "latent upsampler"), ("patchify_proj.weight", "checkpoint")]
)
def test_a_file_is_what_its_keys_are(key: str, content: str, tmp_path: Path) -> None:
    """And so is a folder with that file alone; with two it is not guessed at."""
    save_file({key: torch.zeros(1)}, tmp_path / "a.safetensors")
    (tmp_path / ".b.safetensors").touch()
    assert content_of(tmp_path / "a.safetensors") == content_of(tmp_path) == content
    save_file({key: torch.zeros(1)}, tmp_path / "b.safetensors")
    assert content_of(tmp_path) == "checkpoint"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("LatentUpsampler", "latent upsampler"),
        ("LTXLatentUpsamplerModel", "latent upsampler"),
        ("Transformer3DModel", "checkpoint"),
    ],
)
def test_a_folder_says_its_class(name: str, content: str, tmp_path: Path) -> None:
    """In its configuration."""
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": name}))
    assert content_of(tmp_path) == content


def test_a_folder_of_parts_is_what_its_parts_are(tmp_path: Path) -> None:
    """In folders or in its index; a transformer makes it a checkpoint."""
    (tmp_path / "latent_upsampler").mkdir()
    assert content_of(tmp_path) == "latent upsampler"
    (tmp_path / "model_index.json").write_text(json.dumps({"transformer": ["diffusers", "x"]}))
    assert content_of(tmp_path) == "checkpoint"


@pytest.mark.parametrize("table", [["a"], {}, None, "a.safetensors"])
def test_an_index_needs_a_table(table: object, tmp_path: Path) -> None:
    """An empty one, and what is none."""
    (tmp_path / "m.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    with pytest.raises(CheckpointError, match="expected a `weight_map`"):
        weight_files(tmp_path)


def test_two_indices_are_ambiguous(tmp_path: Path) -> None:
    """Also beside a single file."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "c.safetensors"}}))
    save_file({"x": torch.zeros(1)}, tmp_path / "c.safetensors")
    with pytest.raises(CheckpointError, match="expected one safetensors file, or shards with an index"):
        weight_files(tmp_path)


def test_an_index_of_pickles_is_named(tmp_path: Path) -> None:
    """Though the pickles themselves are elsewhere."""
    (tmp_path / "pytorch_model.bin.index.json").write_text("{}")
    with pytest.raises(CheckpointError, match="is a pickle"):
        weight_files(tmp_path)
    (tmp_path / "pytorch_model.bin.index.json").rename(tmp_path / "notes.json")
    with pytest.raises(CheckpointError, match="expected one safetensors file"):
        weight_files(tmp_path)


def test_an_index_counts_bytes(tmp_path: Path) -> None:
    """Of all tensors: 4·4 and 2·4."""
    write_model_folder(tmp_path, {"a": torch.zeros(4), "b": torch.zeros(2)}, {}, shard_bytes=16)
    table = json.loads((tmp_path / "diffusion_pytorch_model.safetensors.index.json").read_text())
    assert table["metadata"] == {"total_size": 24}
    assert table["weight_map"] == {
        name: f"diffusion_pytorch_model-0000{number}-of-00002.safetensors" for number, name in enumerate("ab", start=1)
    }


def test_a_file_with_an_index_is_one_of_several(tmp_path: Path) -> None:
    """So the folder is meant; a hidden file does not count."""
    (tmp_path / "a.safetensors").touch()
    (tmp_path / ".b.safetensors").touch()
    assert resolve(tmp_path, "vae") == tmp_path / "a.safetensors"
    (tmp_path / "a.safetensors.index.json").touch()
    assert resolve(tmp_path, "vae") == tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (f"models--a--b/snapshots/{COMMIT}", ("a/b", COMMIT)),
        (f"models--a--b/snapshots/{COMMIT}/c/d.safetensors", ("a/b/c/d.safetensors", COMMIT)),
        (f"datasets--a--b/snapshots/{COMMIT}", None),
        ("models--a--b/snapshots/main", None),
        (f"models--a--b/{COMMIT}", None),
    ],
)
def test_paths_in_a_cache_of_the_hub(
    path: str, found: tuple[str, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository of models at a commit; it is the hub's own where its cache is, and a copy elsewhere."""
    assert in_cache(tmp_path / "cache" / path) == found
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    assert source_of(tmp_path / "cache" / path) == (None if found is None else "@".join(found))
    assert source_of(tmp_path / "copy" / path) is None


def test_only_what_can_move_is_warned_of(recwarn: pytest.WarningsRecorder) -> None:
    """A branch whose commit is known."""
    warn_unpinned("a/b", "main", None)
    warn_unpinned("a/b", COMMIT, COMMIT)
    assert not list(recwarn)
    warn_unpinned("a/b", "main", COMMIT)
    assert len(recwarn) == 1


def test_what_names_leave_open() -> None:
    """Distilled for sure if all that fit are; the first name that is wrong is doubted; a version makes it a release."""
    distilled = identify(layers=48, generation="0.9.5", listed_times=False, names=["x-distilled"])
    assert distilled.distilled and distilled.release is None and len(distilled.choices) == 2
    assert not identify(layers=48, generation="0.9.5", listed_times=False, names=["x-dev"]).distilled
    wrong = identify(layers=28, generation="0.9.0", listed_times=False, names=["a-0.9.7", "b-0.9.8", "0.9.0"])
    assert (wrong.doubted, wrong.release) == ("a-0.9.7", "ltx-video-2b-0.9.0")
    said = identify(layers=2, generation="0.9.5", listed_times=False, names=["2b-0.9.6-distilled", "other"])
    assert said.release == "ltxv-2b-0.9.6-distilled"
    assert identify(layers=28, generation=None, listed_times=False, names=["0.9.1"]).release == "ltx-video-2b-0.9.1"
