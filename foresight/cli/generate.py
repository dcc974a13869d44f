"""`foresight generate`: a video from a prompt with an LTX-Video checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight.cli.console import console, print_table
from foresight.run import RunDirectory
from ltx.media import write_mp4
from ltx.pipeline import LTXPipeline


def generate(
    *,
    pipeline: LTXPipeline,
    prompt: str,
    negative_prompt: str,
    frames: int,
    height: int,
    width: int,
    frame_rate: float,
    steps: int | None,
    preset: str | None,
    seed: int,
    run: str,
    replace: bool,
    config: Mapping[str, Any],
) -> None:
    """Generate one video and write it into a run directory.

    Args:
        pipeline: the checkpoint with its text encoder.
        prompt: what is to be seen.
        negative_prompt: what is to be avoided, where the preset uses guidance.
        frames: any number; rounded up to 8k+1 for generation and cut back.
        height: any number of pixels; padded to a multiple of 32 and cropped back.
        width: likewise.
        frame_rate: frames per second.
        steps: None takes the preset's.
        preset: name of a sampling preset; None takes the checkpoint's.
        seed: of the noise.
        run: folder to write.
        replace: whether a finished run of that name may be replaced.
        config: plain configuration, recorded.

    Raises:
        ValueError: if a value is out of its range.
    """
    with RunDirectory(run, replace=replace) as folder:
        result = pipeline(
            prompt,
            negative_prompt=negative_prompt,
            frames=frames,
            height=height,
            width=width,
            frame_rate=frame_rate,
            steps=steps,
            preset=preset,
            seed=seed,
        )
        assert result.video is not None
        write_mp4(folder / "video.mp4", result.video[0].float().clamp(-1, 1).cpu(), frame_rate=frame_rate)
        folder.write_config(config)
        folder.write_environment()
        print_table("video", [{"frames": str(frames), "size": f"{height}×{width}", "seed": str(seed)}])
    console.print(f"run directory {folder.path}")
