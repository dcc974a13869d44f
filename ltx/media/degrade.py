"""Making given frames look like video, as the released command line does before it encodes them.

LTX-Video was trained on compressed video and takes a flawless still for one that does not move; a frame with
compression noise starts to move.
"""

from __future__ import annotations

import io

import av
import numpy as np
import torch
import torch.nn.functional as F
from av.video.stream import VideoStream
from jaxtyping import Float, UInt8
from torch import Tensor

from ltx.media.pixels import to_float, to_pixels


def crop_to_aspect(
    video: Float[Tensor, "rgb=3 frame in_height in_width"], height: int, width: int
) -> Float[Tensor, "rgb=3 frame out_height out_width"]:
    """The middle of every frame in the aspect of height:width, in its own resolution."""
    own_height, own_width = video.shape[-2:]
    aspect = width / height
    if own_width / own_height > aspect:
        kept = max(1, int(own_height * aspect))
        left = (own_width - kept) // 2
        return video[..., left : left + kept]
    kept = max(1, int(own_width / aspect))
    top = (own_height - kept) // 2
    return video[..., top : top + kept, :]


def degrade(
    video: Float[Tensor, "rgb=3 frame height width"], crf: int = 29
) -> Float[Tensor, "rgb=3 frame even_height even_width"]:
    """Every frame by itself after a 3×3 Gaussian blur (σ 1) and one H.264 round trip, in memory.

    As released: the colours go through FFmpeg's default matrix (BT.601), the blurred values are cut to bytes and not
    rounded, and an odd height or width loses its last row or column.

    Args:
        video: RGB in [−1, 1], at least 2×2 pixels.
        crf: constant rate factor 1 (best) … 51 (smallest); 0 leaves the frames blurred but uncompressed, as released.

    Raises:
        ValueError: for a wrong shape, values that are not finite, or a crf out of range.
    """
    if not 0 <= crf <= 51:
        raise ValueError(f"expected 0 ≤ crf ≤ 51, got {crf}")
    frames = torch.from_numpy(to_pixels(video).numpy()).permute(0, 3, 1, 2).float() / 255
    if min(frames.shape[-2:]) < 2:
        raise ValueError(f"expected at least 2×2 pixels, got {tuple(frames.shape[-2:])}")
    blurred = _blur(frames)
    if crf == 0:
        return (blurred.permute(1, 0, 2, 3) * 2 - 1).to(video)
    even_height, even_width = (side // 2 * 2 for side in frames.shape[-2:])
    cut = (blurred[..., :even_height, :even_width] * 255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    return to_float(torch.from_numpy(np.stack([_round_trip(frame, crf) for frame in cut]))).to(video)


def _blur(frames: Float[Tensor, "frame rgb=3 height width"]) -> Float[Tensor, "frame rgb=3 height width"]:
    weights = torch.exp(-0.5 * torch.tensor([-1.0, 0.0, 1.0]) ** 2)
    weights = weights / weights.sum()
    kernel = torch.outer(weights, weights).expand(3, 1, 3, 3)
    return F.conv2d(F.pad(frames, (1, 1, 1, 1), mode="reflect"), kernel, groups=3)


def _round_trip(frame: UInt8[np.ndarray, "height width rgb=3"], crf: int) -> UInt8[np.ndarray, "height width rgb=3"]:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1, options={"crf": str(crf), "preset": "veryfast"})
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = frame.shape[:2]
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")
        container.mux(stream.encode(picture))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer, "r", format="mp4") as container:
        decoded: UInt8[np.ndarray, "height width rgb=3"] = next(container.decode(video=0)).to_ndarray(format="rgb24")
    return decoded
