"""The result of a call of the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from ltx.pipeline.preset import Preset
from ltx.pipeline.size import Size

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Decoding:
    """Settings by which latents are decoded into a video.

    Attributes:
        preset: its tone compression, noise to mix in and the decoder's timestep.
        size: of the video, to which it is resized and cropped.
        generators: sources of the noise, one for each sample; they are not moved on.
    """

    preset: Preset
    size: Size
    generators: Sequence[torch.Generator]


@dataclass(frozen=True)
class Generated:
    """Videos, or what they are decoded from.

    Attributes:
        latents: normalised latents of the last pass, before tone mapping and decoder noise.
        video: in [−1, 1]; None if only latents were asked for.
        decoding: how the video is, or would be, decoded; `LTXPipeline.decode` reads it.
    """

    latents: Float[Tensor, "batch channel latent_frame latent_height latent_width"]
    video: Float[Tensor, "batch rgb=3 frame height width"] | None
    decoding: Decoding

    def numpy(self) -> Float[np.ndarray, "batch frame height width rgb=3"]:
        """The videos as float32 in [0, 1], which diffusers' `export_to_video` takes one by one.

        Raises:
            ValueError: if there is no video.
        """
        return np.ascontiguousarray(rearrange(self._made().float().cpu().numpy(), "b c f h w -> b f h w c") / 2 + 0.5)

    def images(self) -> list[list[Image.Image]]:
        """The frames of each video as pictures of Pillow.

        Raises:
            ValueError: if there is no video.
        """
        from PIL import Image

        from ltx.media import to_pixels

        return [[Image.fromarray(frame.numpy()) for frame in to_pixels(video)] for video in self._made()]

    def _made(self) -> Tensor:
        if self.video is None:
            raise ValueError("expected a video, got latents alone; decode them with LTXPipeline.decode")
        return self.video
