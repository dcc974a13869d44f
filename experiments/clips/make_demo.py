"""Draw a held-out clip of the simulated world as a user's camera would have: 256×256, 24 fps, H.264.

    python -m experiments.clips.make_demo SEED experiments/clips/demo.mp4

The scene is the one of the seed at the model's own size and rate; only the picture is larger and the frames denser.
The instruction goes into a text file of the same name.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from foresight.physics import PhysicsConfig, sample_scene
from foresight.physics.language import instruction
from foresight.physics.render import render
from foresight.physics.simulate import simulate
from ltx.media import write_mp4

SCALE, RATE = 4, 3


def main(seed: int, path: Path) -> None:
    config = PhysicsConfig()
    scene = sample_scene(np.random.default_rng(seed), config)
    dense = replace(
        config,
        frame_rate=config.frame_rate * RATE,
        frames=(config.frames - 1) * RATE + 1,
        context_frames=config.action_frame * RATE + 1,
    )
    positions, _ = simulate(scene, dense)
    bodies = [replace(body, radius=body.radius * SCALE) for body in scene.bodies]
    video = render(positions * SCALE, bodies, config.size * SCALE).float() / 127.5 - 1
    write_mp4(path, video, frame_rate=dense.frame_rate)
    path.with_suffix(".txt").write_text(instruction(scene.action, scene.bodies) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
