"""Videos next to each other with labels, moving (`side_by_side`) or as a sheet of stills (`contact_sheet`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ltx.files import replacing
from ltx.media import to_float, to_pixels

PAPER = (250, 250, 248)
INK = (32, 33, 36)
FAINT = (120, 122, 128)
GIVEN = (70, 110, 190)
IMAGINED = (196, 98, 16)
MARGIN = 8
_SMALLEST_PANEL = 160


def side_by_side(
    context: Float[Tensor, "rgb=3 context height width"],
    predicted: Float[Tensor, "rgb=3 horizon height width"],
    observed: Float[Tensor, "rgb=3 observed height width"] | None,
    *,
    frame_rate: float,
) -> Float[Tensor, "rgb=3 frame panel_height panel_width"]:
    """Context · what happened · predicted · difference, one labelled video over context and horizon.

    While the context runs, the first three panels show it and the difference is black; then the first panel stays at
    the last context frame. Where nothing was observed the second panel and the difference are left out; where the
    observation ends early they turn grey. The difference is |predicted − observed| averaged over colours, brightened
    twice. A coloured bar under the panels shows the time: blue what was given, orange what is imagined.

    Args:
        context: given frames, RGB in [−1, 1].
        predicted: the prediction.
        observed: what happened, at most as long as the prediction, or None.
        frame_rate: frames per second, for the clock.

    Raises:
        ValueError: if the sizes differ or the observation is longer than the prediction.
    """
    _check_sizes(context, predicted, observed)
    given, horizon = context.shape[1], predicted.shape[1]
    still = context[:, -1:].expand(-1, horizon, -1, -1)
    panels = {"context": torch.cat([context, still], 1)}
    if observed is not None:
        panels["what happened"] = torch.cat([context, _lengthened(observed, horizon)], 1)
    panels["predicted"] = torch.cat([context, predicted], 1)
    if observed is not None:
        difference = _difference(predicted[:, : observed.shape[1]], observed)
        dark = torch.full_like(context, -1)
        panels["difference (doubled)"] = torch.cat([dark, _lengthened(difference, horizon)], 1)
    films = {label: to_pixels(video).numpy() for label, video in panels.items()}
    frames = [
        _panel_frame({label: film[i] for label, film in films.items()}, i, given, horizon, frame_rate)
        for i in range(given + horizon)
    ]
    return to_float(torch.from_numpy(np.stack(frames)))


def in_step(
    context: Float[Tensor, "rgb=3 context height width"],
    predicted: Mapping[str, Float[Tensor, "rgb=3 horizon height width"]],
    observed: Float[Tensor, "rgb=3 observed height width"] | None,
) -> dict[str, Float[Tensor, "rgb=3 frame height width"]]:
    """What happened, each prediction, and the first one's difference, as videos of one length, the context first.

    Where the observation ends early it turns grey; the difference is that of `side_by_side`.

    Args:
        context: given frames, RGB in [−1, 1].
        predicted: predictions by name, all as long.
        observed: what happened, at most as long, or None.

    Raises:
        ValueError: if the sizes differ or the observation is longer than the predictions.
    """
    first = next(iter(predicted.values()))
    _check_sizes(context, first, observed)
    films = {name: torch.cat([context, video], 1) for name, video in predicted.items()}
    if observed is None:
        return films
    difference = _difference(first[:, : observed.shape[1]], observed)
    happened = torch.cat([context, _lengthened(observed, first.shape[1])], 1)
    gap = torch.cat([torch.full_like(context, -1), _lengthened(difference, first.shape[1])], 1)
    return {"what happened": happened, **films, "difference (doubled)": gap}


def contact_sheet(
    path: str | Path,
    rows: Mapping[str, Float[Tensor, "rgb=3 frame height width"]],
    *,
    frame_rate: float,
    columns: int = 8,
) -> None:
    """A PNG with one labelled row per video: stills at even moments of the longest, first and last included.

    A column is one moment: where a video has ended its cell stays empty.

    Raises:
        ValueError: if there are no rows or fewer than 2 columns.
        OSError: if the folder cannot be written.
    """
    if not rows or columns < 2:
        raise ValueError(f"expected at least one row and two columns, got {len(rows)} and {columns}")
    scale = _scale(next(iter(rows.values())).shape[-1], 96)
    cells = {label: [_enlarged(frame, scale) for frame in to_pixels(video).numpy()] for label, video in rows.items()}
    height, width = next(iter(cells.values()))[0].shape[:2]
    text = ImageFont.load_default(13)
    left = MARGIN * 2 + round(max(text.getlength(label) for label in cells))
    line = 18
    sheet = Image.new("RGB", (left + columns * (width + MARGIN), MARGIN + len(cells) * (height + line + MARGIN)), PAPER)
    draw = ImageDraw.Draw(sheet)
    longest = max(map(len, cells.values()))
    picks = np.unique(np.linspace(0, longest - 1, min(columns, longest)).round().astype(int)).tolist()
    for row, (label, frames) in enumerate(cells.items()):
        top = MARGIN + row * (height + line + MARGIN)
        draw.text((MARGIN, top + height // 2), label, INK, text, anchor="lm")
        for column, pick in enumerate(pick for pick in picks if pick < len(frames)):
            x = left + column * (width + MARGIN)
            sheet.paste(Image.fromarray(frames[pick]), (x, top))
            draw.text((x, top + height + 2), f"{pick / frame_rate:.2f} s", FAINT, ImageFont.load_default(11))
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")


def _check_sizes(context: Tensor, predicted: Tensor, observed: Tensor | None) -> None:
    sizes = {tuple(video.shape[-2:]) for video in (context, predicted, observed) if video is not None}
    if len(sizes) != 1:
        raise ValueError(f"expected videos of one size, got {sorted(sizes)}")
    if observed is not None and not 1 <= observed.shape[1] <= predicted.shape[1]:
        raise ValueError(
            f"expected 1 to {predicted.shape[1]} observed frames, as many as predicted, got {observed.shape[1]}"
        )


def _lengthened(video: Tensor, frames: int) -> Tensor:
    """Grey frames after its end."""
    grey = video.new_zeros(3, frames - video.shape[1], *video.shape[-2:])
    return torch.cat([video, grey], 1)


def _difference(a: Tensor, b: Tensor) -> Tensor:
    """|a − b| averaged over colours, 0 as black and half the range or more as white."""
    return (2 * (a - b).abs().mean(0, keepdim=True) - 1).clamp(-1, 1).expand(3, -1, -1, -1)


def _scale(width: int, smallest: int) -> int:
    return -(-smallest // width)


def _enlarged(pixels: np.ndarray, scale: int) -> np.ndarray:
    """Whole-number enlargement without smoothing, so that a small model's pixels stay what they are."""
    return pixels.repeat(scale, 0).repeat(scale, 1)


def _panel_frame(
    panels: dict[str, UInt8[np.ndarray, "height width rgb=3"]], index: int, given: int, horizon: int, frame_rate: float
) -> UInt8[np.ndarray, "height width rgb=3"]:
    scale = _scale(next(iter(panels.values())).shape[1], _SMALLEST_PANEL)
    pictures = {label: _enlarged(pixels, scale) for label, pixels in panels.items()}
    height, width = next(iter(pictures.values())).shape[:2]
    title, foot = 24, 32
    total = MARGIN + len(pictures) * (width + MARGIN)
    # Two or four panels and their margins are even in any case, as films must be.
    canvas = Image.new("RGB", (total, (title + height + foot + 1) // 2 * 2), PAPER)
    draw = ImageDraw.Draw(canvas)
    small = ImageFont.load_default(13)
    imagined = index >= given
    for column, (label, picture) in enumerate(pictures.items()):
        x = MARGIN + column * (width + MARGIN)
        canvas.paste(Image.fromarray(picture), (x, title))
        colour = IMAGINED if label == "predicted" and imagined else INK
        draw.text((x, title // 2), label, colour, small, anchor="lm")
    _draw_clock(draw, title + height + MARGIN, total, index, given, horizon, frame_rate)
    return np.asarray(canvas)


def _draw_clock(
    draw: ImageDraw.ImageDraw, top: int, total: int, index: int, given: int, horizon: int, frame_rate: float
) -> None:
    left, right = MARGIN, total - MARGIN - 64
    step = (right - left) / (given + horizon)
    draw.rectangle((left, top + 5, right, top + 9), (222, 222, 218))
    border = left + step * min(given, index + 1)
    draw.rectangle((left, top + 5, border, top + 9), GIVEN)
    if index >= given:
        draw.rectangle((border, top + 5, left + step * (index + 1), top + 9), IMAGINED)
    seconds = f"{(index - given + 1) / frame_rate:+.2f} s"
    draw.text((total - MARGIN, top + 7), seconds, INK, ImageFont.load_default(12), anchor="rm")
