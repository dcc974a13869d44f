"""Folders of LTX-Video-Trainer, captions beside videos: read as they are, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from foresight.data.captions import captioned
from foresight.data.precomputed import PrecomputedClips
from foresight.data.table import listed
from foresight.errors import UserError

GRID = {"num_frames": 2, "height": 2, "width": 3}


def write(root: Path, name: str, *, old: bool = False, **changes: Any) -> None:
    """One clip: latents that are each token's number, and text states."""
    numbers = torch.arange(12.0)[:, None].expand(-1, 8).contiguous()
    latents = {"latents": numbers, **GRID, "fps": 25.0, **changes}
    text = {"prompt_embeds": torch.ones(4, 16), "prompt_attention_mask": torch.tensor([True, True, False, False])}
    names = {"latents": f"latent_{name}" if old else name, "conditions": f"condition_{name}" if old else name}
    for kind, content in (("latents", latents), ("conditions", text)):
        path = root / kind / f"{names[kind]}.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, path)


def clips(folder: Path, **changes: Any) -> PrecomputedClips:
    return PrecomputedClips(**{"folder": folder, "held_out": 1, "validation": False, **changes})


def test_tokens_lie_where_they_lay(tmp_path: Path) -> None:
    """Packed tokens become a grid by frame, row and column; text and mask come along; the last clip is held out."""
    for name in ("a", "b/c", "d"):
        write(tmp_path / ".precomputed", name)
    source = clips(tmp_path)
    source.prepare()
    batch = source.__getitems__([1, 0])
    assert len(source) == 2 and len(clips(tmp_path, validation=True)) == 1
    assert batch["latents"].shape == (2, 8, 2, 2, 3) and batch["latents"][0, 0, 1, 1, 2] == 11
    assert batch["text"].shape == (2, 4, 16) and batch["text_mask"].sum() == 4 and batch.frame_rate == 25


def test_older_folders_are_read(tmp_path: Path) -> None:
    """latent_X.pt belongs to condition_X.pt; without a rate it is 24."""
    for name in ("0", "1"):
        write(tmp_path, name, old=True)
    path = tmp_path / "latents" / "latent_0.pt"
    torch.save({name: value for name, value in torch.load(path, weights_only=True).items() if name != "fps"}, path)
    clips(tmp_path).prepare()
    assert clips(tmp_path).__getitems__([0]).frame_rate == 24


class Code:
    """What runs a command where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_files_that_would_run_code_are_refused(tmp_path: Path) -> None:
    """Nothing of theirs is run."""
    for name in ("a", "b"):
        write(tmp_path, name)
    torch.save({"latents": Code(tmp_path / "ran")}, tmp_path / "latents" / "a.pt")
    with pytest.raises(UserError, match="tensors and numbers alone"):
        clips(tmp_path).__getitems__([0])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"height": 3}, "latents, num_frames"),
        ({"latents": "none"}, "latents, num_frames"),
        ({"fps": 12.0}, "one size and frame rate"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """Grids that are not the tokens', and clips of two kinds in one batch."""
    for name, changes in (("a", {}), ("b", change), ("c", {})):
        write(tmp_path, name, **changes)
    with pytest.raises(UserError, match=said):
        clips(tmp_path).__getitems__([0, 1])


def test_missing_files_are_named(tmp_path: Path) -> None:
    """Text states that are not there, references that are asked for, and a folder with one clip."""
    write(tmp_path, "a")
    with pytest.raises(UserError, match="more than 1 clips"):
        clips(tmp_path).prepare()
    write(tmp_path, "b")
    with pytest.raises(UserError, match="reference_latents"):
        clips(tmp_path, references=True).prepare()
    (tmp_path / "conditions" / "a.pt").unlink()
    with pytest.raises(UserError, match=r"conditions.*a\.pt"):
        clips(tmp_path).prepare()


def test_captions_lie_beside_videos(tmp_path: Path) -> None:
    """NAME.txt is what is told in NAME.mp4; one that is missing is named, and a table goes first."""
    for name in ("b.mp4", "a.MOV", "notes.md"):
        (tmp_path / name).touch()
    assert captioned(tmp_path / "none") == []
    with pytest.warns(UserWarning, match="nothing is told in any of the 2"):
        assert captioned(tmp_path) == [(tmp_path / "a.MOV", ""), (tmp_path / "b.mp4", "")]
    (tmp_path / "a.txt").write_text(" push\nleft ", encoding="utf-8")
    with pytest.raises(UserError, match=r"none for b\.mp4"):
        listed(tmp_path)
    (tmp_path / "b.txt").write_text("")
    assert [(clip.path.name, clip.instruction) for clip in listed(tmp_path)] == [("a.MOV", "push left"), ("b.mp4", "")]
    (tmp_path / "metadata.csv").write_text("file_name,instruction,reference\nb.mp4,pull,a.MOV\n")
    (clip,) = listed(tmp_path)
    assert (clip.instruction, clip.reference) == ("pull", tmp_path / "a.MOV")
