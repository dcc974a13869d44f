"""From any video to what the model takes: the stated input policy, and a record of what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from foresight.errors import UserError
from foresight.video.lengths import SHORTEST_CONTEXT, LengthPolicy, context_frames, horizon_frames
from ltx.media import Footage, Limits, MediaInfo, cover_size, sample_video
from ltx.media.streams import StreamChoice
from ltx.shapes import VideoShape

LIMITS = Limits()
_NEARLY = 0.005


@dataclass(frozen=True)
class Clip:
    """A video cut into what is given and what happened next.

    Args:
        context: the observed beginning, RGB in [−1, 1], at the model's rate and size, of the asked length.
        observed: what happened in the horizon, as far as the file goes; None if it ends with the context.
        frame_rate: frames per second of both.
        lengths: how the asked lengths fit the model's; `lengths.fit_context(context)` has 8k+1 frames.
        policy: what was done to the file, in plain sentences.
        source: the file.
    """

    context: Float[Tensor, "rgb=3 context height width"]
    observed: Float[Tensor, "rgb=3 observed height width"] | None
    frame_rate: float
    lengths: LengthPolicy
    policy: tuple[str, ...]
    source: MediaInfo


def load_clip(
    path: str | Path,
    *,
    frame_rate: float,
    size: Sequence[int],
    context: int | str,
    horizon: int | str,
    start: float = 0.0,
    stream: StreamChoice = "default",
    limits: Limits = LIMITS,
) -> Clip:
    """Read a file or folder of pictures by the input policy.

    In time: frame i of the clip is the frame the file shows at start + i / frame_rate seconds; nothing is blended; the
    pictures of a folder are taken one per frame. In space: scaled, aspect kept, until the model's size is covered, and
    cropped to the middle. In length: `LengthPolicy`.

    Args:
        path: MP4, MOV, WebM, MKV, AVI, GIF or a folder of pictures.
        frame_rate: of the model, frames per second.
        size: (height, width) of the model, multiples of 32.
        context: frames (9) or seconds ("1.0s", both ends counted).
        horizon: frames (16) or seconds ("2.0s").
        start: seconds into the file at which the context begins.
        stream: which of the file's videos, see `ltx.media.sample_video`.
        limits: what reading may cost.

    Raises:
        MediaError: if the file cannot be read.
        UserError: if a length is wrong or the file is too short for the context.
        ValueError: if the size or rate is not one a model can have.
    """
    if not str(path):
        raise UserError(expected="a video file or a folder of pictures", got="an empty name", remedy="name one")
    if len(size) != 2:
        raise UserError(expected="a size of height and width", got=str(list(size)), remedy="give two, as in [64, 64]")
    height, width = size
    VideoShape(1, height, width)
    lengths = LengthPolicy(context_frames(context, frame_rate), horizon_frames(horizon, frame_rate))
    footage = sample_video(
        path,
        frame_rate=frame_rate,
        frames=lengths.context + lengths.horizon,
        size=(height, width),
        start=start,
        limits=limits,
        stream=stream,
    )
    _check_length(footage, lengths, frame_rate)
    observed = footage.video[:, lengths.context :]
    return Clip(
        context=footage.video[:, : lengths.context],
        observed=observed if observed.shape[1] else None,
        frame_rate=frame_rate,
        lengths=lengths,
        policy=tuple(_sentences(footage, lengths, frame_rate, (height, width), start)),
        source=footage.info,
    )


def _check_length(footage: Footage, lengths: LengthPolicy, frame_rate: float) -> None:
    available = footage.video.shape[1]
    path = footage.info.path
    if footage.source_frames < SHORTEST_CONTEXT:
        raise UserError(
            expected=f"a clip of at least {SHORTEST_CONTEXT} different frames",
            got=f"{footage.source_frames} in the {available / frame_rate:.3g} s read of {path}",
            remedy="choose a longer clip: motion cannot be seen in a single picture",
        )
    if available < lengths.context:
        raise UserError(
            expected=f"a context of {lengths.context} frames at {frame_rate:g} per second",
            got=f"{available} frames ({available / frame_rate:.3g} s) in {path}",
            remedy=f"choose a longer clip or context={max(available, SHORTEST_CONTEXT)}",
        )


def _sentences(
    footage: Footage, lengths: LengthPolicy, frame_rate: float, size: tuple[int, int], start: float
) -> list[str]:
    info, available = footage.info, footage.video.shape[1]
    said = [*footage.remarks, _time_sentence(footage, frame_rate), _space_sentence(info, size)]
    if start:
        said.append(f"Reading starts {start:g} s into the file.")
    observed = available - lengths.context
    said.append(
        f"The first {lengths.context} frames ({(lengths.context - 1) / frame_rate:.3g} s from first to last) are the "
        f"context; {lengths.horizon} frames ({lengths.horizon / frame_rate:.3g} s) are predicted."
    )
    if observed == 0:
        said.append("The file ends with the context: the prediction cannot be verified, candidates are ranked.")
    elif observed < lengths.horizon:
        said.append(f"The file ends early: {observed} of the {lengths.horizon} predicted frames can be verified.")
    return said + lengths.sentences()


def _time_sentence(footage: Footage, frame_rate: float) -> str:
    info, kept = footage.info, footage.video.shape[1]
    if info.kind.startswith("folder/"):
        return f"The {info.frames} pictures of the folder are taken one per frame, at {frame_rate:g} frames a second."
    if abs(info.frame_rate - frame_rate) <= _NEARLY * frame_rate:
        return f"The rate stays at {frame_rate:g} frames a second."
    repeats = kept - footage.source_frames
    extra = f"; {repeats} of the {kept} frames repeat the one before" if repeats else ""
    return (
        f"The rate changes from {info.frame_rate:.4g} to {frame_rate:g} frames a second: each frame is the one the "
        f"file shows at that moment{extra}."
    )


def _space_sentence(info: MediaInfo, size: tuple[int, int]) -> str:
    covered = cover_size(info.height, info.width, *size)
    before, after = f"{info.width}×{info.height}", f"{size[1]}×{size[0]}"
    if (info.height, info.width) == size:
        return f"The size stays at {after}."
    scaled = f"Frames of {before} are scaled to {covered[1]}×{covered[0]}"
    if covered == size:
        return f"{scaled}."
    lost = 100 * (1 - size[0] * size[1] / (covered[0] * covered[1]))
    return f"{scaled} and cropped to the middle {after}, which leaves out {lost:.0f} % of the picture."
