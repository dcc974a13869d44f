"""Record clips of gymnasium's CartPole: a white picture with a black cart and a thin pole, driven left or right.

    python -m experiments.foreign_clips.record clips 250

Each file is four seconds long; the table beside the files says where the cart is driven. Needs the extra `foreign`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ltx.media import write_lossless

SECONDS, RATE = 4.0, 25
STEPS_PER_FRAME = 2
"""CartPole computes 50 steps a second."""
SIZE = 128
SENTENCES = {-1: "the cart is pushed left", 1: "the cart is pushed right"}


def record(seed: int) -> tuple[NDArray[np.uint8], str]:
    """Frames (frame, SIZE, SIZE, rgb) of one drive, and what is done in it."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    import gymnasium

    generator = np.random.default_rng(seed)
    # Unwrapped, since its own limits would end the drive in the middle of a clip.
    world: Any = gymnasium.make("CartPole-v1", render_mode="rgb_array", disable_env_checker=True).unwrapped
    world.reset(seed=seed)
    side = int(generator.choice([-1, 1]))
    start = side * generator.uniform(-0.9, 0.1)
    aim = start + side * generator.uniform(0.9, 1.5)
    world.state = np.array([start, 0.0, generator.uniform(-0.05, 0.05), 0.0])
    frames = []
    for _ in range(int(SECONDS * RATE)):
        picture = np.asarray(world.render())
        frames.append(_square(picture))
        for _ in range(STEPS_PER_FRAME):
            place, speed, angle, turning = world.state
            # The pole is kept up while the cart goes to where it shall be.
            lean = 0.2 * np.clip(aim - place, -1.2, 1.2) - 0.15 * speed
            push = angle - lean + 0.3 * turning
            world.step(int(push > 0))
    world.close()
    return np.stack(frames), SENTENCES[side]


def _square(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a picture of 400×600, at SIZE×SIZE."""
    from PIL import Image

    height, width = picture.shape[:2]
    left = (width - height) // 2
    return np.asarray(Image.fromarray(picture[:, left : left + height]).resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def write(folder: Path, seeds: range) -> None:
    """A folder of videos with its table."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in seeds:
        frames, sentence = record(seed)
        name = f"drive-{seed:04d}.mp4"
        video = torch.from_numpy(frames).permute(3, 0, 1, 2).float() / 127.5 - 1
        write_lossless(folder / name, video, frame_rate=RATE)
        rows.append(json.dumps({"file_name": name, "instruction": sentence}))
    (folder / "metadata.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), range(int(sys.argv[2])))
