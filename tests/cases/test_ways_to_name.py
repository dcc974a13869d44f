"""Places that people give for a checkpoint: caches of the hub, addresses, names with odd characters."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltx.bundle.checkpoint import Checkpoint
from ltx.checkpoint import CheckpointError

COMMIT = "b" * 40


def test_a_link_in_the_hubs_cache_is_read(official: Path, tmp_path: Path) -> None:
    """The cache's snapshot is a link into its blobs; a source that is recorded is the repository at its commit."""
    root = tmp_path / "hub/models--someone--video"
    (root / "blobs").mkdir(parents=True)
    (root / "snapshots" / COMMIT).mkdir(parents=True)
    official.rename(root / "blobs/abc")
    link = root / "snapshots" / COMMIT / "model.safetensors"
    link.symlink_to("../../blobs/abc")
    sources = Checkpoint.from_pretrained(link).notes.sources
    assert set(sources.values()) <= {f"someone/video/model.safetensors@{COMMIT}"}


@pytest.mark.parametrize("name", ["a b ☃ (1)", "user@host", "ends@", "100%", "a#b", "x.safetensors.d"])
def test_odd_names_are_names(name: str, official: Path, tmp_path: Path) -> None:
    """File and folder are read from a folder of that name, and from one that ends in it."""
    (tmp_path / name).mkdir()
    file = official.rename(tmp_path / name / "m.safetensors")
    read = Checkpoint.from_pretrained(str(file))
    read.save_pretrained(tmp_path / name / "folder")
    assert Checkpoint.from_pretrained(str(tmp_path / name / "folder")).vae.config == read.vae.config


def test_home_is_meant_by_its_sign(official: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell leaves `where=~/x` as it is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Checkpoint.from_pretrained(f"~/{official.name}").vae is not None


def test_an_address_of_a_file_is_the_file(official: Path, tmp_path: Path) -> None:
    """`file://` is read, and what is not there is named as a path."""
    assert Checkpoint.from_pretrained(f"file://{official}").vae is not None
    with pytest.raises(CheckpointError, match=f"no file or folder '{tmp_path}/other"):
        Checkpoint.from_pretrained(f"file://{tmp_path}/other.safetensors")


def test_an_address_of_a_repository_says_how_to_write_it() -> None:
    """What a browser shows is no name of the hub's; the error has the form that is."""
    with pytest.raises(CheckpointError, match="owner/repository"):
        Checkpoint.from_pretrained("https://huggingface.co/owner/name")
