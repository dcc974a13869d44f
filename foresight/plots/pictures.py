"""Frames and maps inside a figure: rows of small pictures with their labels."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from foresight.plots.figure import WIDTH
from ltx.media import to_pixels

GAP, LINE = 4, 16


@dataclass(frozen=True)
class Row:
    """Pictures side by side.

    Args:
        label: over them.
        pictures: (height, width, 3) pixels each; None leaves a place empty.
        strong: whether the label is stressed.
    """

    label: str
    pictures: Sequence[UInt8[np.ndarray, "height width rgb=3"] | None]
    strong: bool = False


def rows_of_pictures(rows: Sequence[Row], captions: Sequence[str]) -> tuple[str, float]:
    """SVG of the rows and their height; captions stand under the last one, one per column.

    Raises:
        ValueError: if there is no picture, or rows have different numbers of places.
    """
    counts = {len(row.pictures) for row in rows}
    shapes = [picture.shape for row in rows for picture in row.pictures if picture is not None]
    if len(counts) != 1 or not shapes:
        raise ValueError(f"expected rows of as many pictures, at least one, got {[len(row.pictures) for row in rows]}")
    columns = counts.pop()
    width = (WIDTH - 16 - GAP * (columns - 1)) / columns
    height = width * shapes[0][0] / shapes[0][1]
    parts, y = [], 0.0
    for row in rows:
        kind = ' class="strong"' if row.strong else ""
        parts.append(f'<text{kind} x="8" y="{y + 11:.1f}">{escape(row.label)}</text>')
        y += LINE
        for column, picture in enumerate(row.pictures):
            x = 8 + column * (width + GAP)
            if picture is None:
                parts.append(f'<rect class="grid" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>')
            else:
                place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
                parts.append(f'<image {place} href="{_data(picture)}"/>')
        y += height + GAP
    for column, text in enumerate(captions):
        x = 8 + column * (width + GAP) + width / 2
        parts.append(f'<text x="{x:.1f}" y="{y + 10:.1f}" text-anchor="middle">{escape(text)}</text>')
    return "".join(parts), y + (LINE if captions else 0)


def stills(video: Float[Tensor, "rgb=3 frame height width"], frames: Sequence[int]) -> list[np.ndarray | None]:
    """Pixels of some frames of a video in [−1, 1]; a frame behind its end is None."""
    pixels = to_pixels(video.detach().cpu().float()).numpy()
    return [pixels[frame] if frame < len(pixels) else None for frame in frames]


def heat(values: Float[Tensor, "frame height width"], frames: Sequence[int], highest: float) -> list[np.ndarray | None]:
    """Maps from black at 0 over orange to white at `highest`: their lightness alone says the value."""
    level = (values.detach().cpu().float() / max(highest, 1e-12)).clamp(0, 1)[..., None]
    stops = torch.tensor([[0.0, 0.0, 0.0], [0.72, 0.29, 0.0], [1.0, 0.75, 0.35], [1.0, 1.0, 1.0]])
    place = level * (len(stops) - 1)
    lower = place.floor().clamp(max=len(stops) - 2).long()
    share = place - lower
    colours = stops[lower[..., 0]] * (1 - share) + stops[lower[..., 0] + 1] * share
    pixels = (colours * 255).round().to(torch.uint8).numpy()
    return [pixels[frame] if frame < len(pixels) else None for frame in frames]


def moments(frames: int, columns: int) -> list[int]:
    """Evenly spaced frames, the first and the last among them."""
    places = np.unique(np.linspace(0, frames - 1, min(columns, frames)).round())
    return [int(place) for place in places]


def clock(frames: Sequence[int], frame_rate: float, first: int = 1) -> list[str]:
    """Seconds after the context of predicted frames."""
    return [f"{(frame + first) / frame_rate:+.2g} s" for frame in frames]


def difference(
    one: Float[Tensor, "rgb=3 frame height width"], other: Float[Tensor, "rgb=3 frame height width"]
) -> Float[Tensor, "frame height width"]:
    """|one − other| on the [0, 1] scale, mean over colours, as far as both reach."""
    frames = min(one.shape[1], other.shape[1])
    return (one[:, :frames].cpu().float() - other[:, :frames].cpu().float()).abs().mean(dim=0) / 2


def video_rows(
    videos: Mapping[str, Float[Tensor, "rgb=3 frame height width"]], frames: Sequence[int], strong: str = ""
) -> list[Row]:
    """A row of stills per video."""
    return [Row(name, stills(video, frames), name == strong) for name, video in videos.items()]


def _data(picture: np.ndarray) -> str:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
