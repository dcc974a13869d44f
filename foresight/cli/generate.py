"""`foresight generate`: a video from a prompt, pictures and clips with an LTX-Video checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from foresight.cli.console import console, print_table, progress_bar, say_placement
from foresight.errors import UserError
from foresight.progress import Progress
from foresight.runs.output import RunOutput
from ltx.conditioning import ConditioningItem
from ltx.flow import Progress as SamplerProgress
from ltx.home import with_home
from ltx.lora import combined, put_on, read_lora
from ltx.media import probe, read_picture, sample_video, write_mp4
from ltx.media.folder import PICTURES
from ltx.media.streams import StreamChoice
from ltx.pipeline import LTXPipeline, clip_condition, image_condition, starting_video
from ltx.shapes import SPACE
from ltx.vae.tiling import FADED, Tiling


@dataclass(frozen=True)
class Prompts:
    """Text of the videos.

    Args:
        prompt: what is to be seen.
        more_prompts: a video of its own for each.
        negative_prompt: what is to be avoided, where the preset uses guidance.
    """

    prompt: str
    more_prompts: Sequence[str]
    negative_prompt: str


@dataclass(frozen=True)
class Inputs:
    """Files that go into a video.

    Args:
        conditions: pictures and clips to be found in the video: `file`, `start` (frame, 0) and `strength` (1),
            and of a file of several videos the number of one, `stream`.
        references: reference videos of an IC-LoRA.
        repaint: a video to start from: `file` and `noise_level`, and `stream` as above.
        latents: what an earlier run with output=latents wrote, to be refined: `file` and `noise_level`.
        loras: updates of the transformer: `file`, `strength` (1) and `alpha` (what the file says).
    """

    conditions: Sequence[Mapping[str, Any]]
    references: Sequence[str | Path]
    repaint: Mapping[str, Any] | None
    latents: Mapping[str, Any] | None
    loras: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Format:
    """Size and rate of the videos.

    Args:
        frames: any number; rounded up to 8k+1 for generation and cut back.
        height: any number of pixels; padded to a multiple of 32 and cropped back.
        width: likewise.
        frame_rate: frames per second.
    """

    frames: int
    height: int
    width: int
    frame_rate: float


@dataclass(frozen=True)
class Schedule:
    """Steps and guidance of the flow.

    Args:
        steps: None takes the preset's.
        times: listed times instead of steps, for two passes a list for each.
        guidance: a scale, or fields of `Guidance` to change in the preset's.
        conditioning_noise: noise on given frames of strength 1 while sampling.
        preset: name of a sampling preset; None takes the checkpoint's.
    """

    steps: int | None
    times: Sequence[float] | Sequence[Sequence[float]] | None
    guidance: float | Mapping[str, Any] | None
    conditioning_noise: float
    preset: str | None


@dataclass(frozen=True)
class Draws:
    """Number of videos, and what is kept of them.

    Args:
        seed: of the noise of the first video; the others count on.
        videos: number of each prompt.
        tiling: side of the tiles that the decoder works in, in pixels, faded over 64; None decodes whole pictures.
        output: "video", or "latents" alone.
    """

    seed: int
    videos: int
    tiling: int | None
    output: str


def generate(
    *,
    pipeline: LTXPipeline,
    prompts: Prompts,
    inputs: Inputs,
    form: Format,
    schedule: Schedule,
    draws: Draws,
    target: RunOutput,
) -> None:
    """Generate videos and write them into a run directory.

    Args:
        pipeline: the checkpoint with its text encoder.
        prompts: text of the videos.
        inputs: files that go into them.
        form: their size and rate.
        schedule: how the flow is run.
        draws: how many, and what is kept.
        target: run directory to write.

    Raises:
        UserError: if an entry of a list lacks a field or has an unknown one.
        MediaError: if a picture or clip cannot be read.
        CheckpointError: if a LoRA does not fit.
        ValueError: if a value is out of its range.
    """
    say_placement(pipeline.placement)
    with target.directory() as folder:
        if entries := _entries("loras", inputs.loras, optional=("alpha",), strength=1.0):
            read = [(read_lora(entry["file"], alpha=entry.get("alpha")), entry["strength"]) for entry in entries]
            put_on(pipeline.transformer, combined(read))
        given = _inputs(inputs, form)
        tiling = None if draws.tiling is None else _tiles(draws.tiling)
        began = perf_counter()
        with progress_bar("sampling") as report:
            result = pipeline(
                [prompts.prompt, *prompts.more_prompts],
                negative_prompt=prompts.negative_prompt,
                **given,
                **vars(form),
                **vars(schedule),
                **{**vars(draws), "tiling": tiling},
                on_step=_told(report),
            )
        seconds = perf_counter() - began
        if result.video is None:
            save_file({"latents": result.latents.cpu().contiguous()}, folder / "latents.safetensors")
        for number, video in enumerate([] if result.video is None else result.video):
            name = f"video_{number}.mp4" if number else "video.mp4"
            write_mp4(folder / name, video.float().cpu(), frame_rate=form.frame_rate)
        used = schedule.preset or pipeline.preset.name
        target.record(folder, {"seconds": seconds, "preset": used, "sources": pipeline.sources})
        count = len(result.latents)
        shown = {"preset": used, "frames": f"{count} × {form.frames}" if count > 1 else str(form.frames)}
        shown |= {"size": f"{form.height}×{form.width}"}
        print_table("video", [shown | {"seed": str(draws.seed), "seconds": f"{seconds:.1f}"}])
    console.print(f"run directory {folder.path}")


def _inputs(inputs: Inputs, form: Format) -> dict[str, Any]:
    """Arguments of the pipeline, read from files."""

    def footage(
        file: str | Path, count: int, size: tuple[int, int] | None = None, stream: StreamChoice = "default"
    ) -> Float[Tensor, "3 frame h w"]:
        size = size or _own_size(file, stream)
        # One frame more than fits shows that the file goes on, which the pipeline then says.
        found = sample_video(file, frame_rate=form.frame_rate, frames=count + 1, size=size, stream=stream)
        found.warn()
        return found.video

    size = {"height": form.height, "width": form.width}
    given: dict[str, Any] = {
        "conditions": [
            _condition(footage, item, form.frames, size)
            for item in _entries("conditions", inputs.conditions, optional=("stream",), start=0, strength=1.0)
        ],
        "start": None,
    }
    repaint = [] if inputs.repaint is None else [inputs.repaint]
    for item in _entries("repaint", repaint, optional=("stream",), noise_level=None):
        repainted = footage(item["file"], form.frames, stream=item.get("stream", "default"))
        given["start"] = starting_video(repainted, **size, noise_level=item["noise_level"])
    for item in _entries("latents", [] if inputs.latents is None else [inputs.latents], noise_level=None):
        given |= {"latents": _read_latents(item["file"]), "noise_level": item["noise_level"]}
    given["references"] = [footage(file, form.frames, (form.height, form.width))[None] for file in inputs.references]
    return given


def _condition(
    footage: Callable[..., Tensor], item: Mapping[str, Any], frames: int, size: dict[str, int]
) -> ConditioningItem:
    """A picture or a clip as the released command line prepares it."""
    file, where = item["file"], {"start": item["start"], "strength": item["strength"]}
    if Path(file).suffix.lower() in PICTURES:
        return image_condition(read_picture(file), **size, **where)
    clip = footage(file, max(1, frames - int(item["start"])), stream=item.get("stream", "default"))
    return clip_condition(clip, **size, **where)


def _own_size(file: str | Path, stream: StreamChoice) -> tuple[int, int]:
    info = probe(file, stream=stream)
    return info.height, info.width


def _tiles(pixels: int) -> Tiling:
    """Tiles of this side that overlap by two latents, like `FADED` for 512."""
    if pixels < 4 * SPACE:
        raise UserError(
            expected=f"tiling of at least {4 * SPACE} pixels",
            got=str(pixels),
            remedy="write tiling=512, or leave it out",
        )
    return Tiling(size=pixels // SPACE - FADED.fade, margin=0, fade=FADED.fade)


def _read_latents(file: str) -> Tensor:
    try:
        return load_file(file)["latents"]
    except (OSError, SafetensorError, KeyError) as error:
        raise UserError(
            expected="a file latents.safetensors of `foresight generate output=latents`",
            got=f"{file} ({error})",
            remedy="name such a file in latents={file: …, noise_level: …}",
        ) from error


def _entries(
    name: str, given: Sequence[Mapping[str, Any]], *, optional: tuple[str, ...] = (), **defaults: Any
) -> list[dict[str, Any]]:
    """Entries with a `file` and numbers, filled up; a default of None has to be given, an optional number need not."""
    known = ("file", *defaults, *optional)
    filled = []
    for entry in given:
        entry = {**defaults, **entry} if isinstance(entry, Mapping) else {}
        if isinstance(entry.get("file"), str):
            entry["file"] = with_home(entry["file"])
        numbers = [entry.get(field) for field in known[1:] if field in entry or field in defaults]
        complete = isinstance(entry.get("file"), str) and {"file", *defaults} <= set(entry) <= set(known)
        if not complete or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
            raise UserError(
                expected=f"entries of {name} with a file and the numbers {', '.join(known[1:])}",
                got=repr(given),
                remedy=f"write {name} as in `foresight generate --help`",
            )
        filled.append(entry)
    return filled


def _told(report: Progress) -> Callable[[SamplerProgress], None]:
    return lambda progress: report(progress.step, progress.steps)
