"""Representations of clips by both models: VLM states of every layer and latents, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import interpolate, rms_norm

from foresight.physics import COLOURS, PhysicsClip, SimulatedSplit
from foresight.progress import Progress
from foresight.vlm.encoder import QwenEncoder
from ltx.shapes import TIME
from ltx.vae import VideoVAE

BEFORE = "vision tower, before the merger"
AFTER = "vision tower, after the merger"
"""Input of the decoder: its layer 0."""

LATENTS = "latents seen"
FINEST = 8
"""Rows and columns of the coarsened grid from which the whole picture is read, at most."""


@dataclass(frozen=True)
class States:
    """Clips as both models see them. A place is a cell of the latent grid.

    Attributes:
        cells: by name of a representation, what it holds in each latent cell.
        pictures: by name of a representation, what it holds in the whole picture, coarsened.
        seen: latents of the last given frame.
        coming: latents of the frame after it, which no model was shown.
        here: pixels x, y of the body of each colour in the last given frame; NaN where there is none.
        soon: the same at the end of the first coming latent frame.
    """

    cells: dict[str, Float[Tensor, "clip place _dim"]]
    pictures: dict[str, Float[Tensor, "clip _dim"]]
    seen: Float[Tensor, "clip place channel"]
    coming: Float[Tensor, "clip place channel"]
    here: Float[Tensor, "clip colour xy=2"]
    soon: Float[Tensor, "clip colour xy=2"]

    @property
    def clip_of_row(self) -> Int[Tensor, " row"]:
        """The clip of each row, when clips and places are flattened."""
        return torch.arange(len(self.seen)).repeat_interleave(self.seen.shape[1])


@torch.no_grad()
def read_states(
    vlm: QwenEncoder,
    vae: VideoVAE,
    split: SimulatedSplit,
    *,
    batch: int,
    moments: int,
    progress: Progress,
) -> States:
    """Encode clips with both models; the VLM reads the context and the instruction.

    Args:
        vlm: with every hidden state from the embeddings to the last.
        vae: the video model's.
        split: the clips.
        batch: clips encoded at once.
        moments: how many of the last moments of the VLM's grid are read.
        progress: called with (clips done, clips in all).
    """
    found: list[States] = []
    for clips in split.batches(batch):
        found.append(_read(vlm, vae, clips, moments))
        progress(min(len(found) * batch, len(split)), len(split))
    first = found[0]
    return States(
        cells={name: torch.cat([one.cells[name] for one in found]) for name in first.cells},
        pictures={name: torch.cat([one.pictures[name] for one in found]) for name in first.pictures},
        **{name: torch.cat([getattr(one, name) for one in found]) for name in ("seen", "coming", "here", "soon")},
    )


def _read(vlm: QwenEncoder, vae: VideoVAE, clips: list[PhysicsClip], moments: int) -> States:
    physics = clips[0].config
    video = torch.stack([clip.tensor for clip in clips])
    latents = vae.encode(video.to(next(vae.parameters()).device)).float().cpu()
    last = (physics.context_frames - 1) // TIME
    size = (latents.shape[3], latents.shape[4])

    shown = video[:, :, : physics.context_frames].contiguous()
    seen = vlm.see(shown, frame_rate=physics.frame_rate)
    features = vlm.encode_seen(seen, [clip.instruction for clip in clips])
    times, rows, columns = seen.grid
    merge = vlm.patching.merge
    patches = rearrange(features.patches, "b (t h w) d -> b t h w d", t=times, h=rows, w=columns)
    grids = {BEFORE: patches}
    for layer, states in zip(vlm.layers, features.tokens.unbind(dim=1), strict=True):
        vision = rearrange(states[features.vision], "(b n) d -> b n d", b=len(clips))
        name = AFTER if layer == 0 else f"decoder layer {layer}"
        grids[name] = rearrange(vision, "b (t h w) d -> b t h w d", t=times, h=rows // merge, w=columns // merge)
    grids = {name: _normalised(grid.cpu())[:, -moments:] for name, grid in grids.items()}
    grids[LATENTS] = rearrange(latents[:, :, max(0, last + 1 - moments) : last + 1], "b d t h w -> b t h w d")
    return States(
        cells={name: in_cells(grid, size) for name, grid in grids.items()},
        pictures={name: whole(grid) for name, grid in grids.items()},
        seen=rearrange(latents[:, :, last], "b d h w -> b (h w) d"),
        coming=rearrange(latents[:, :, last + 1], "b d h w -> b (h w) d"),
        here=torch.stack([_places(clip, physics.context_frames - 1) for clip in clips]),
        soon=torch.stack([_places(clip, physics.context_frames + TIME - 1) for clip in clips]),
    )


def _normalised(grid: Float[Tensor, "batch time row column dim"]) -> Float[Tensor, "batch time row column dim"]:
    """States as adapters read them: hidden states grow with depth by orders of magnitude."""
    return rms_norm(grid.float(), grid.shape[-1:], eps=1e-6)


def in_cells(
    grid: Float[Tensor, "batch time row column dim"], size: tuple[int, int]
) -> Float[Tensor, "batch place joined"]:
    """All that lies in each cell of a coarser grid, side by side.

    A grid that does not divide evenly is resampled to the nearest multiple that does, at least one per cell.
    """
    times = grid.shape[1]
    parts = [max(1, round(count / cells)) for count, cells in zip(grid.shape[2:4], size, strict=True)]
    fitted = _resized(grid, (size[0] * parts[0], size[1] * parts[1]))
    return rearrange(
        fitted, "b t (h m) (w n) d -> b (h w) (t m n d)", t=times, h=size[0], w=size[1], m=parts[0], n=parts[1]
    )


def whole(grid: Float[Tensor, "batch time row column dim"]) -> Float[Tensor, "batch joined"]:
    """All cells side by side, of a grid that is coarsened to at most `FINEST` rows and columns."""
    rows, columns = (min(FINEST, count) for count in grid.shape[2:4])
    return _resized(grid, (rows, columns)).flatten(1)


def _resized(grid: Tensor, size: tuple[int, int]) -> Tensor:
    if grid.shape[2:4] == size:
        return grid
    flat = rearrange(grid, "b t h w d -> (b t) d h w")
    resized = interpolate(flat, size=size, mode="bilinear", antialias=True, align_corners=False)
    return rearrange(resized, "(b t) d h w -> b t h w d", b=len(grid))


def _places(clip: PhysicsClip, frame: int) -> Float[Tensor, "colour xy=2"]:
    found = torch.full((len(COLOURS), 2), torch.nan)
    for number, body in enumerate(clip.bodies):
        found[list(COLOURS).index(body.colour)] = clip.positions[frame, number].float()
    return found
