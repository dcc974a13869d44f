"""Positions of vision tokens in the video, and pre-merger states back in raster order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from transformers import Qwen2_5_VLConfig
from transformers.vision_utils import get_vision_window_index

Grid = tuple[int, int, int]
"""Times, rows and columns of patches before the merger."""


def centres(
    grid: Grid, *, indices: Sequence[int], frame_rate: float, height: int, width: int
) -> Float[Tensor, "axis=3 cell"]:
    """Centre of each cell in seconds, pixel rows and pixel columns of the clip, in raster order (time first).

    Frame n covers the seconds n/rate to (n+1)/rate and pixel row i covers i to i+1; a cell's time is the mean of the
    centres of the frames it was made from (a copy of the last frame, as padding, counts as that frame).

    Args:
        grid: cells along time, rows and columns.
        indices: the frames of the clip that the model saw.
        frame_rate: frames per second of the clip.
        height: height of the clip's frames in pixels, before any resizing.
        width: width likewise.
    """
    times, rows, columns = grid
    depth = -(-len(indices) // times)
    padded = list(indices) + [indices[-1]] * (times * depth - len(indices))
    seconds = (torch.tensor(padded, dtype=torch.float64).view(times, depth).mean(dim=1) + 0.5) / frame_rate
    row = (torch.arange(rows, dtype=torch.float64) + 0.5) * height / rows
    column = (torch.arange(columns, dtype=torch.float64) + 0.5) * width / columns
    mesh = torch.meshgrid(seconds, row, column, indexing="ij")
    return rearrange(torch.stack(mesh), "a t h w -> a (t h w)").float()


def unpermute(
    states: Float[Tensor, "cells dim"], grid: Grid, batch: int, config: Qwen2_5_VLConfig
) -> Float[Tensor, "batch cell dim"]:
    """Last states of the vision tower, which come in window order, as one raster-ordered row per clip.

    Inside the tower cells travel in groups of merge×merge; groups are sorted by attention window. Both are undone.
    """
    vision: Any = config.vision_config
    merge = vision.spatial_merge_size
    order, _ = get_vision_window_index(
        torch.tensor([grid] * batch),
        spatial_merge_size=merge,
        window_size=vision.window_size,
        patch_size=vision.patch_size,
    )
    groups = rearrange(states, "(g m) d -> g m d", m=merge**2)[order.argsort().to(states.device)]
    return rearrange(
        groups,
        "(b t h w) (m n) d -> b (t h m w n) d",
        b=batch,
        t=grid[0],
        h=grid[1] // merge,
        w=grid[2] // merge,
        m=merge,
        n=merge,
    )
