"""The moving picture of the README: the side-by-side video of a finished run as a GIF, every frame of it.

python -m experiments.clips.moving_picture runs/demo docs/demo.gif
"""

from __future__ import annotations

import sys
from pathlib import Path

from ltx.media import read_video, write_gif


def moving_picture(run: Path, to: Path) -> None:
    footage = read_video(run / "side_by_side.mp4")
    write_gif(to, footage.video, frame_rate=footage.info.frame_rate)


if __name__ == "__main__":
    moving_picture(Path(sys.argv[1]), Path(sys.argv[2]))
