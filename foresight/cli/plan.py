"""`foresight plan`: what training an adapter between two models takes, before anything is downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters import AbstractAdapter, QueriesConfig
from adapters.kinds import config_to_dict
from foresight.cli.console import console, print_table
from foresight.errors import UserError
from foresight.machine.stages import stages
from foresight.machine.training import TRAINED, Footprint, footprint, held

GIB = 2**30


def plan(*, vlm: Mapping[str, Any], ltx: Mapping[str, Any], adapter: AbstractAdapter, batch: int) -> Footprint:
    """Print parameters and memory of every part.

    Args:
        vlm: the vision-language model.
        ltx: the video model, with the size of a training clip.
        adapter: fresh.
        batch: clips per step.

    Raises:
        UserError: if the batch is empty, or a part is not known.
    """
    if batch < 1:
        raise UserError(expected="a batch of at least 1", got=str(batch), remedy="give batch= a number above 0")
    found = footprint(vlm=vlm, ltx=ltx, adapter=adapter)
    kind = config_to_dict(adapter.config)["type"]
    rows = [
        _row("VLM", found.vlm, held(found.vlm), "encoding"),
        _row("VAE", found.vae, held(found.vae), "encoding"),
        _row("text encoder", found.text_encoder, held(found.text_encoder), "encoding"),
        _row("transformer", found.transformer, held(found.transformer), "training"),
        _row("adapter", found.adapter, TRAINED * found.adapter, "training"),
    ]
    print_table(f"{kind}: {vlm['name']} → {ltx['name']}", rows)
    frames, height, width = ltx["clip"]
    console.print(
        f"a clip of {frames}×{height}×{width} is {found.tokens:,} tokens; batch {batch}, bfloat16 activations"
    )
    console.print(f"encoding features: {_gib(found.encoding())}, one network at a time")
    console.print(f"training from cached features: {_gib(found.training(batch, recompute=False))}")
    console.print(f"the same with network.recompute=true: {_gib(found.training(batch, recompute=True))}")
    text = not (isinstance(adapter.config, QueriesConfig) and adapter.config.placement == "replace")
    shown = [
        {"command": one.command, "memory": _gib(one.memory), "holds": one.holds}
        for one in stages(found, batch=batch, recompute=False, text=text)
    ]
    print_table("without a GPU, the process as a whole, files that are mapped counted", shown)
    return found


def _row(part: str, parameters: int, size: int, when: str) -> dict[str, str]:
    return {
        "part": part,
        "parameters": f"{parameters:,}",
        "bytes each": str(size // max(1, parameters)),
        "memory": _gib(size),
        "needed for": when,
    }


def _gib(count: int) -> str:
    return f"{count / GIB:.2f} GiB"
