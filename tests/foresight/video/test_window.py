"""A window of a video is the clip that its fields name."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from foresight.video.clips import load_clip
from foresight.video.window import ClipWindow
from ltx.media import write_lossless


def test_a_window_reads_what_its_fields_name(clip: Tensor, tmp_path: Path) -> None:
    """Length, start and size are those of `load_clip`; by default the file's beginning."""
    path = tmp_path / "a.mkv"
    write_lossless(path, clip, frame_rate=8)
    for start in (0.0, 0.5):
        window = ClipWindow(path, (32, 64), 9, "0.5s", start)
        asked = load_clip(path, frame_rate=8, size=(32, 64), context=9, horizon=4, start=start)
        found = window.read(8)
        assert torch.equal(found.context, asked.context) and found.lengths == asked.lengths
        assert found.observed is not None and asked.observed is not None
        assert torch.equal(found.observed, asked.observed)
    beginning, whole = ClipWindow(path, (32, 64), 9, 4, 0.0), ClipWindow(path, (32, 64), 9, 4)
    assert torch.equal(whole.read(8).context, beginning.read(8).context)
