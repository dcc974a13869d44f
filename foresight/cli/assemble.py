"""`foresight assemble`: one world model of an LTX checkpoint, a vision-language model and an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foresight.cli.console import console, print_table
from foresight.errors import UserError
from foresight.world.assembly import Assembly, NamedParts, plan_assembly
from foresight.world.reference import locate, part_files
from foresight.world.storage import write_world
from foresight.world.training_clips import TrainingClips
from ltx.home import at_home
from ltx.offload.request import PlacementRequest

CLIPS = ("frame_rate", "frames", "height", "width", "context_frames")


def assemble(
    *,
    ltx: Mapping[str, Any],
    vlm: Mapping[str, Any] | None,
    adapter: str | Path | None,
    text_encoder: str | Path | None,
    preset: str | None,
    sampling: Mapping[str, Any],
    to: str | Path,
    copy: bool,
) -> None:
    """Check that the parts fit, derive how the model is sampled, and write a folder that every command takes as model=.

    Args:
        ltx: the video model: `where` it is, and what is known of its clips.
        vlm: the vision-language model; None without adapter.
        adapter: its folder, or that of the run that trained it; None is the video model alone.
        text_encoder: None is the checkpoint's own, none where the adapter replaces the text, or that of `ltx`.
        preset: name of a release whose sampling to take; None is that of the checkpoint.
        sampling: fields of the sampling configuration that are to be others than derived.
        to: the folder to write.
        copy: whether the folder holds all parts instead of referring to the large ones.

    Raises:
        UserError: if a part is missing, parts do not fit each other, or there is something else in the folder.
    """
    folder = at_home(to)
    _check_target(folder)
    named = NamedParts(
        ltx=ltx["where"],
        vlm=None if vlm is None or adapter is None else vlm["where"],
        adapter=adapter,
        text_encoder=text_encoder,
        other_text_encoder=ltx.get("text"),
        vae=ltx.get("vae"),
        transformer=ltx.get("transformer"),
    )
    assembly = plan_assembly(named, sampling, preset=preset, clips=_clips(ltx))
    _show(assembly)
    if assembly.adapter is not None and TrainingClips.read(assembly.adapter) is None:
        config = assembly.sampling_config
        console.print(
            f"the adapter does not say which clips it was trained on: taken are {config.frame_rate:g} frames a second, "
            f"{config.context_frames} given and {config.chunk_frames} predicted at a time; sampling.frame_rate=, "
            "sampling.context_frames= and sampling.chunk_frames= change that"
        )
    if copy:
        write_world(assembly.read(PlacementRequest("cpu", None, "none", "stored")), folder)
    else:
        assembly.save(folder)
    console.print(f"wrote {folder}")
    console.print(f"next: foresight fit-verifier model={folder} cases=videos …, then")
    console.print(f'      foresight predict model={folder} video=clip.mp4 instruction="…"')


def _clips(ltx: Mapping[str, Any]) -> dict[str, Any]:
    frames, height, width = ltx.get("clip") or (None, None, None)
    values = (ltx.get("frame_rate"), frames, height, width, ltx.get("context_frames"))
    return dict(zip(CLIPS, values, strict=True))


def _show(assembly: Assembly) -> None:
    rows = []
    for part, where in assembly.parts.items():
        files = part_files(locate(where, part), part)
        size = sum(path.stat().st_size for path in files) / 1e9
        rows.append({"part": part.replace("_", " "), "where": str(where), "GB of its files": f"{size:.2f}"})
    if assembly.text_encoder is None:
        rows.append({"part": "text encoder", "where": "not needed: the adapter's tokens replace the text"})
    print_table("parts", [{key: row.get(key, "") for key in rows[0]} for row in rows])
    config = {name: value for name, value in asdict(assembly.sampling_config).items() if value is not None}
    print_table("sampling", [{"": name.replace("_", " "), "value": _text(value)} for name, value in config.items()])


def _text(value: Any) -> str:
    return " ".join(f"{one:.4g}" for one in value) if isinstance(value, tuple) else str(value)


def _check_target(folder: Path) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / "model_index.json").is_file()):
        raise UserError(
            expected="a new folder, or one that holds a world model to replace",
            got=f"{folder}, which holds something else",
            remedy="choose another to=",
        )
