"""One pass of the vision tower over a batch of clips, kept for any number of prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling

from foresight.vlm.positions import Grid, centres, unpermute
from foresight.vlm.preprocess import Patching, Preprocessing, quantise

Medium = Literal["image", "video"]
"""What Qwen calls the pixels: a clip of one frame is an image, any other a video."""


@dataclass(frozen=True)
class SeenVideo:
    """Output of the vision tower for a batch of clips of one shape.

    Args:
        tokens: merged tokens as the language model reads them, time first, then rows, then columns.
        patches: last states of the tower before the merger, in raster order.
        coordinates: seconds, pixel rows and pixel columns of each merged token's centre.
        patch_coordinates: the same for each patch.
        grid: times, rows and columns of patches.
        seconds_per_grid: seconds between two times.
        medium: a clip of one frame is an image, any other a video.
    """

    tokens: Float[Tensor, "batch token dim"]
    patches: Float[Tensor, "batch cell vision_dim"]
    coordinates: Float[Tensor, "axis=3 token"]
    patch_coordinates: Float[Tensor, "axis=3 cell"]
    grid: Grid
    seconds_per_grid: float
    medium: Medium

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def repeat(self, times: int) -> SeenVideo:
        """Each clip `times` times in a row: one per prompt."""
        return replace(
            self,
            tokens=self.tokens.repeat_interleave(times, dim=0),
            patches=self.patches.repeat_interleave(times, dim=0),
        )

    def select(self, rows: Tensor | slice) -> SeenVideo:
        """The given clips."""
        return replace(self, tokens=self.tokens[rows], patches=self.patches[rows])

    def model_inputs(self) -> dict[str, Any]:
        """Keyword arguments that stand for the pixels in a call of the language model."""
        device = self.tokens.device
        grids = torch.tensor([self.grid] * len(self), device=device)
        outputs = BaseModelOutputWithPooling(pooler_output=cast(Any, tuple(self.tokens.unbind(0))))
        inputs: dict[str, Any] = {"mm_encoder_outputs": {self.medium: outputs}, f"{self.medium}_grid_thw": grids}
        if self.medium == "video":
            inputs["second_per_grid_ts"] = torch.full((len(self),), self.seconds_per_grid, device=device)
        return inputs


def see(
    model: Qwen2_5_VLForConditionalGeneration,
    frames: Float[Tensor, "batch rgb=3 frame height width"],
    *,
    frame_rate: float,
    preprocessing: Preprocessing,
    patching: Patching,
) -> SeenVideo:
    """Sample, resize and normalise frames and run the vision tower.

    Raises:
        ValueError: for frames of another shape or range, or a frame rate that is not above 0.
    """
    sampling = preprocessing.sample(max(1, frames.shape[2]) if frames.ndim == 5 else 1, frame_rate)
    pictures = quantise(frames)
    pixels, grid = preprocessing.patches(pictures[:, list(sampling.indices)], patching)
    medium: Medium = "image" if frames.shape[2] == 1 else "video"
    grids = torch.tensor([grid] * len(frames), device=frames.device)
    tower = model.model.visual
    outputs = tower(pixels.flatten(0, 1).to(tower.device, tower.dtype), grid_thw=grids.to(tower.device))
    place: dict[str, Any] = {
        "indices": sampling.indices,
        "frame_rate": frame_rate,
        "height": frames.shape[-2],
        "width": frames.shape[-1],
    }
    merged = (grid[0], grid[1] // patching.merge, grid[2] // patching.merge)
    device = outputs.pooler_output.device
    return SeenVideo(
        tokens=rearrange(outputs.pooler_output, "(b n) d -> b n d", b=len(frames)),
        patches=unpermute(outputs.last_hidden_state, grid, len(frames), model.config),
        coordinates=centres(merged, **place).to(device),
        patch_coordinates=centres(grid, **place).to(device),
        grid=grid,
        seconds_per_grid=patching.temporal / sampling.rate,
        medium=medium,
    )
