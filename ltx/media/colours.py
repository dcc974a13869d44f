"""From decoded frames to RGB bytes: the stream's own matrix and range, white behind what is transparent."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av import VideoFrame
from av.filter import Graph
from jaxtyping import UInt8

from ltx.media.orientation import side_data
from ltx.media.remarks import Remarks

BACKGROUND = (255, 255, 255)
"""Drawn where a picture is transparent, as FFmpeg does for GIF."""

# ITU-T H.273: transfer characteristics 16 and 18, primaries 9, 11 and 12.
_HDR = {16: "PQ", 18: "HLG"}
_WIDE = {9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}


def convert(frame: VideoFrame, height: int, width: int) -> UInt8[np.ndarray, "height width rgb=3"]:
    """RGB of a size (bilinear, antialiased), as stored: neither turned nor tone-mapped."""
    if frame.interlaced_frame:
        frame = _as_one_picture(frame)
    if not _may_be_transparent(frame):
        return frame.to_ndarray(format="rgb24", height=height, width=width)
    solid = over_background(frame.to_ndarray(format="rgba"), frame.format.name)
    if solid.shape[:2] == (height, width):
        return solid
    return VideoFrame.from_ndarray(solid, format="rgb24").to_ndarray(format="rgb24", height=height, width=width)


def over_background(
    pixels: UInt8[np.ndarray, "height width rgba=4"], format_name: str = ""
) -> UInt8[np.ndarray, "height width rgb=3"]:
    """Colours laid over white by their opacity, which is not taken into them before."""
    colour, alpha = pixels[..., :3], pixels[..., 3:]
    if (alpha == 255).all() or (format_name == "bgra" and not alpha.any()):
        # Screen recorders leave the fourth byte of uncompressed pictures at 0 and mean nothing by it.
        return np.ascontiguousarray(colour)
    alpha = alpha.astype(np.uint16)
    background = np.array(BACKGROUND, dtype=np.uint16)
    mixed: np.ndarray = (colour * alpha + background * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


def mention_colours(frame: VideoFrame, remarks: Remarks) -> None:
    """Say what the conversion does not undo."""
    wide = _WIDE.get(int(frame.color_primaries))
    if (curve := _HDR.get(int(frame.color_trc))) is not None:
        kind = f"{curve}, {wide}" if wide else curve
        remarks.add(f"Its colours are HDR ({kind}) and are taken as they are, without tone mapping: they look pale.")
    elif wide:
        remarks.add(f"Its colours are those of {wide} and are taken as if they were BT.709: they look pale.")
    if frame.interlaced_frame:
        remarks.add(
            "It is interlaced: both fields of a frame are shown at once, so that what moves looks combed; "
            "ffmpeg -vf bwdif separates them."
        )
    kinds = side_data(frame)
    if "SPHERICAL" in kinds:
        remarks.add("It is a 360° video: the whole sphere is taken as one flat picture.")
    if "STEREO3D" in kinds:
        remarks.add("It is stereoscopic: both views are taken as one picture where they share it.")


def _as_one_picture(frame: VideoFrame) -> VideoFrame:
    """Both fields as the rows of one picture: libswscale 9 puts rows of its own between those that it takes apart."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 1000)
    )
    progressive, sink = graph.add("setfield", "mode=prog"), graph.add("buffersink")
    source.link_to(progressive)
    progressive.link_to(sink)
    graph.configure()
    graph.push(frame)
    one = graph.pull()
    assert isinstance(one, VideoFrame)
    return one


def _may_be_transparent(frame: VideoFrame) -> bool:
    return frame.format.has_palette or any(component.is_alpha for component in frame.format.components)
