"""Spellings of a LoRA's keys: one grammar to read those of all tools, one table to write each."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.read import WRAPPED
from ltx.checkpoint.rename import pattern
from ltx.transformer.keys import RENAMING

Style = Literal["peft", "diffusers", "comfy"]

WRITTEN: dict[Style, str] = {"peft": "base_model.model.", "diffusers": "transformer.", "comfy": "diffusion_model."}
"""What keys start with in each style."""

WRAPPERS = ("base_model", "model", "diffusion_model", "transformer", "unet", "dit", "module", "net", "pipe", "pipeline")
"""Names of what a transformer may be held by when its keys are written."""

UNDERSCORED = re.compile(r"(?:lora_(?:unet|transformer|dit)|lycoris)_(?P<module>\w+)")
TEXT = re.compile(r"(?:base_model\.model\.)?(?:text_(?:encoders?|model)|t5\w*|clip\w*|te\d?|lora_(?:prior_)?te)[\d._]")
"""How keys of a text encoder start; LTX-Video's is never trained, so they belong to another model's part."""

FACTOR = re.compile(
    r"(?P<module>.+?)"
    r"(?:\.lora_(?P<peft>[AB])(?:\.(?!weight$|bias$)\w+)?(?:\.(?P<leaf>weight|bias))?"
    r"|(?:\.lora_|[._]lora(?:_linear_layer)?\.)(?P<kohya>down|up)\.(?P<kohya_leaf>weight|bias)"
    r"|\.(?P<alpha>alpha|lora_alpha)"
    r"|\.(?P<whole>diff|w_norm)|\.(?P<bias>diff_b|b_norm))"
)

OTHERS = {
    "a DoRA": r"\.(?:dora_scale|lora_magnitude_vector|magnitude)(?:\.|$)",
    "a LoHa": r"\.hada_",
    "a LoKr": r"\.lokr_",
    "an OFT or BOFT": r"\.(?:oft_|boft_)",
    "a GLoRA": r"\.[ab][12]\.weight$",
    "an (IA)³": r"\.(?:ia3_l|on_input$)",
    "a VeRA": r"\.vera_lambda",
    "a LoRA of convolutions (a Tucker core)": r"\.lora_mid\.weight$",
    "a LoRA of embeddings": r"\.lora_embedding_[AB]",
    "a LoRA that replaces whole weights": r"\.(?:set_weight|reshape_weight|modules_to_save|base_layer)(?:\.|$)",
    "a LoRA quantised with scales": r"\.(?:scale_weight|weight_scale|scaled_fp8)$",
}
"""What is no low-rank update, by what its keys have."""

LOOKS = re.compile(r"[._]lora(?:_|\.(?:down|up)\.)|\.diff(?:_b)?$|\.[wb]_norm$|\.(?:hada|lokr|oft|boft)_|\.dora_scale$")
"""Keys that only files of updates have."""

Kind = Literal["down", "up", "bias", "alpha", "difference"]


class Slot(NamedTuple):
    """The meaning of a key: a part of a module's update, by official name, or the difference of a whole parameter."""

    name: str
    kind: Kind


def refuse_others(keys: list[str], where: str) -> None:
    """Refuse what is no plain LoRA, by its name.

    Raises:
        CheckpointError: saying what it is and what to do.
    """
    for kind, marks in OTHERS.items():
        if found := next((key for key in sorted(keys) if re.search(marks, key)), None):
            raise CheckpointError(
                f"{where} holds {kind} (its key {found}), which is not supported: expected low-rank factors or whole "
                "differences; merge it into the weights, or extract a plain LoRA, with the tool that made it"
            )


def parse(key: str) -> Slot | None:
    """The slot of a key of any style; None if it is none of a LoRA's of this transformer."""
    match = FACTOR.fullmatch(key)
    if match is None:
        return None
    if match["whole"] or match["bias"]:
        parameter = official_parameter(match["module"], "weight" if match["whole"] else "bias")
        return None if parameter is None else Slot(parameter, "difference")
    module = official_module(match["module"])
    if module is None:
        return None
    if match["alpha"]:
        return Slot(module, "alpha")
    down = match["peft"] == "A" or match["kohya"] == "down"
    if "bias" in (match["leaf"], match["kohya_leaf"]):
        return None if down else Slot(module, "bias")
    return Slot(module, "down" if down else "up")


def official_module(name: str) -> str | None:
    """Official name of a transformer's linear layer, from the name a tool wrote; None if there is no such layer."""
    found = official_parameter(name, "weight")
    # Norms have a weight too, and the tables have none: neither is a linear layer.
    linear = found is not None and found.endswith(".weight") and not re.search(r"norm\w*\.weight$", found)
    return found.removesuffix(".weight") if found is not None and linear else None


def official_parameter(name: str, leaf: Literal["weight", "bias"]) -> str | None:
    """Official name of a parameter of a module of any spelling, or of a table that is a parameter itself."""
    parts = WRAPPED.sub("", f"{name}.")[:-1].split(".")
    while len(parts) > 1 and parts[0] in WRAPPERS:
        parts = parts[1:]
    name = ".".join(parts)
    if match := UNDERSCORED.fullmatch(name):
        return _from_underscores(match["module"].replace("__orig_mod_", "_").removeprefix("_orig_mod_"), leaf)
    for candidate in (f"{name}.{leaf}", name):
        if candidate == name and leaf == "bias":
            break
        for rename in (RENAMING.to_official, RENAMING.to_diffusers):
            try:
                renamed = rename([candidate])[candidate]
            except CheckpointError:
                continue
            return renamed if rename == RENAMING.to_official else candidate
    return None


def _from_underscores(name: str, leaf: Literal["weight", "bias"]) -> str | None:
    """Some tools write the module's name with underscores for dots."""
    for rule in RENAMING.rules:
        for template in (rule.official, rule.diffusers):
            module = template.removesuffix(".{leaf}").removesuffix(".weight")
            if match := pattern(module.replace(".", "_")).fullmatch(name):
                return official_parameter(module.format(**match.groupdict()), leaf)
    wrapper = next((wrapper for wrapper in WRAPPERS if name.startswith(f"{wrapper}_")), None)
    return None if wrapper is None else _from_underscores(name.removeprefix(f"{wrapper}_"), leaf)


def written(module: str, style: Style) -> str:
    """Prefix and name of a module in a style: ComfyUI has the official names, the others those of diffusers."""
    if style != "comfy":
        key = f"{module}.weight"
        module = RENAMING.to_diffusers([key])[key].removesuffix(".weight")
    return f"{WRITTEN[style]}{module}"
