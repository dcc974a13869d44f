"""How the tools spell the keys of a LoRA: one grammar to read them all, one table to write each."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.keys import TRANSFORMER
from ltx.checkpoint.rename import pattern

Style = Literal["peft", "diffusers", "comfy"]

WRITTEN: dict[Style, str] = {"peft": "base_model.model.", "diffusers": "transformer.", "comfy": "diffusion_model."}
"""What keys start with in each style."""

READ = ("base_model.model.", "model.diffusion_model.", "diffusion_model.", "transformer.")
KOHYA = re.compile(r"lora_(?:unet|transformer)_(?P<module>\w+)")
FACTOR = re.compile(
    r"(?P<module>.+)\.(?:lora_(?P<peft>[AB])(?:\.(?!weight$)\w+)?\.weight|lora_(?P<kohya>down|up)\.weight|(?P<alpha>alpha))"
)
DORA = re.compile(r"\.(dora_scale|lora_magnitude_vector)(\.|$)")


class Slot(NamedTuple):
    """What a key holds: which factor of which module, by official name."""

    module: str
    kind: Literal["down", "up", "alpha"]


def parse(key: str) -> Slot | None:
    """The slot of a key of any style; None if it is none of a LoRA's.

    Raises:
        CheckpointError: for DoRA, which rescales whole weights and is not a low-rank update.
    """
    if DORA.search(key):
        raise CheckpointError(f"{key}: this is a DoRA, which is not supported; merge it into the weights with its tool")
    match = FACTOR.fullmatch(key)
    module = official_module(match["module"]) if match else None
    if match is None or module is None:
        return None
    if match["alpha"]:
        return Slot(module, "alpha")
    return Slot(module, "down" if match["peft"] == "A" or match["kohya"] == "down" else "up")


def official_module(name: str) -> str | None:
    """Official name of a transformer's linear layer, from the name a tool wrote; None if there is no such layer."""
    while prefix := next((prefix for prefix in READ if name.startswith(prefix)), None):
        name = name.removeprefix(prefix)
    if match := KOHYA.fullmatch(name):
        return _from_underscores(match["module"])
    for rename in (TRANSFORMER.to_official, TRANSFORMER.to_diffusers):
        try:
            renamed = rename([f"{name}.weight"])[f"{name}.weight"].removesuffix(".weight")
        except CheckpointError:
            continue
        return renamed if rename == TRANSFORMER.to_official else name
    return None


def _from_underscores(name: str) -> str | None:
    """kohya writes the module's name with underscores for dots."""
    for rule in TRANSFORMER.rules:
        for template in (rule.official, rule.diffusers):
            if not template.endswith(".{leaf}"):
                continue
            module = template.removesuffix(".{leaf}")
            if match := pattern(module.replace(".", "_")).fullmatch(name):
                return official_module(module.format(**match.groupdict()))
    return None


def written(module: str, style: Style) -> str:
    """Prefix and name of a module in a style: ComfyUI has the official names, the others those of diffusers."""
    if style != "comfy":
        key = f"{module}.weight"
        module = TRANSFORMER.to_diffusers([key])[key].removesuffix(".weight")
    return f"{WRITTEN[style]}{module}"
