"""Video in and out: one exception for everything unreadable, limits on what reading may cost, whole files or none."""

from ltx.media.container import MediaInfo
from ltx.media.degrade import crop_to_aspect, degrade
from ltx.media.limits import EndedError, Limits, MediaError
from ltx.media.picture import read_picture
from ltx.media.pixels import centre_crop, cover, cover_size, resize, to_float, to_pixels
from ltx.media.reader import Footage, last_picture, probe, read_video, sample_video
from ltx.media.writer import write_frames, write_gif, write_lossless, write_mp4

__all__ = [
    "EndedError",
    "Footage",
    "Limits",
    "MediaError",
    "MediaInfo",
    "centre_crop",
    "cover",
    "cover_size",
    "crop_to_aspect",
    "degrade",
    "last_picture",
    "probe",
    "read_picture",
    "read_video",
    "resize",
    "sample_video",
    "to_float",
    "to_pixels",
    "write_frames",
    "write_gif",
    "write_lossless",
    "write_mp4",
]
