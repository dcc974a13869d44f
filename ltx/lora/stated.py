"""Statements of headers and configurations about a LoRA, in every form that is in use.

PEFT, diffusers and diffusion-pipe write `adapter_config.json` or the same fields as `lora_adapter_metadata`;
finetrainers writes them as `lora_config`; other tools write `lora_alpha`, `alpha` or `network_alpha` beside the rank;
kohya's trainers, musubi-tuner among them, write `.alpha` tensors and repeat the number as `ss_network_alpha`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.read import parse_object, read_object
from ltx.lora.names import written

NESTED = ("lora_adapter_metadata", "lora_config", "adapter_config", "peft_config")
ALPHAS = ("lora_alpha", "network_alpha", "alpha")
RANKS = ("r", "rank", "lora_rank", "network_dim", "dim")
KOHYA_ALPHA, KOHYA_RANK = "ss_network_alpha", "ss_network_dim"
COMPONENTS = ("transformer.", "unet.", "diffusion_model.")
OFF = ("", "none", "null")

# Initialisations of PEFT that move part of the base weights into the factors: on the released weights they are wrong.
MOVED = re.compile(r"pissa|olora|corda|loftq|lora_ga")
KINDS = {"use_dora": "a DoRA", "use_qalora": "a QALoRA", "use_bdlora": "a block-diagonal LoRA"}


@dataclass(frozen=True)
class Stated:
    """Fields of one LoRA configuration, in PEFT's spelling.

    Attributes:
        where: what said so, for messages.
        fields: `lora_alpha`, `r`, `alpha_pattern`, `rank_pattern`, `use_rslora` and others.
    """

    where: str
    fields: Mapping[str, Any]

    def alpha(self, module: str, rank: int) -> float | None:
        """Alpha of a module, by its official name, whose factors have this rank; None if it is not said.

        Raises:
            CheckpointError: if it is no number, or said for another rank.
        """
        value = self._of(module, "alpha_pattern", "lora_alpha")
        if value is None:
            return None
        said = self._of(module, "rank_pattern", "r")
        if said is not None and _number(said, self.where) != rank:
            raise CheckpointError(
                f"{self.where} says alpha {value} for rank {said}, but the factors of {module} have rank {rank}; "
                "name the alpha that is meant with alpha="
            )
        # Rank-stabilised LoRA divides by √rank instead of rank.
        return _number(value, self.where) * (math.sqrt(rank) if self._is("use_rslora") else 1.0)

    def refuse_others(self) -> None:
        """Refuse what is no plain LoRA on the released weights.

        Raises:
            CheckpointError: saying what it is and what to do.
        """
        kind = next((name for field, name in KINDS.items() if self._is(field)), None)
        peft = str(self.fields.get("peft_type") or "LORA").rpartition(".")[2].upper()
        if kind is None and peft != "LORA":
            kind = f"of PEFT's type {peft}"
        if kind is None and MOVED.search(str(self.fields.get("init_lora_weights", "")).lower()):
            kind = f"initialised with {self.fields['init_lora_weights']}, which changed the base weights as well"
        if kind is not None:
            raise CheckpointError(
                f"by {self.where} this is {kind}, which is not supported: expected a plain LoRA; merge it into the "
                "weights, or convert it, with the tool that made it"
            )

    def _is(self, field: str) -> bool:
        return str(self.fields.get(field)).lower() == "true"

    def _of(self, module: str, pattern: str, general: str) -> Any:
        entries = self.fields.get(pattern) or {}
        if not isinstance(entries, Mapping):
            raise CheckpointError(f"expected {pattern} as an object in {self.where}, got {entries!r}")
        return next((found for name, found in entries.items() if _names(name, module)), self.fields.get(general))


def beside(path: Path) -> Stated:
    """Statements of an `adapter_config.json`.

    Raises:
        CheckpointError: if it is damaged.
    """
    return Stated(path.name, _spelled(read_object(path)))


def in_header(metadata: Mapping[str, str], *, kohya: bool) -> Stated:
    """Statements of a safetensors file about its LoRA, in its metadata.

    Args:
        metadata: of the file.
        kohya: whether the factors have kohya's own names, `lora_down` and `lora_up`. Converters to the other names
            fold alpha into the factors and leave `ss_network_alpha` where it was, so it counts under these names only.

    Raises:
        CheckpointError: if it is damaged.
    """
    found = [
        Stated(f"the header's {key}", _spelled(_own(parse_object(metadata[key], f"the header's {key}"))))
        for key in NESTED
        if key in metadata
    ]
    found.append(Stated("the header", _spelled(_own(metadata))))
    if kohya:
        number = {"lora_alpha": metadata.get(KOHYA_ALPHA), "r": metadata.get(KOHYA_RANK)}
        found.append(Stated(f"the header's {KOHYA_ALPHA}", _spelled(number)))
    return next((one for one in found if {"lora_alpha", "alpha_pattern"} & one.fields.keys()), found[0])


def _own(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of the transformer: a file for several models has them with each one's name before them."""
    for prefix in COMPONENTS:
        if found := {key.removeprefix(prefix): value for key, value in fields.items() if key.startswith(prefix)}:
            return found
    return fields


def _spelled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields in PEFT's spelling, without those that say nothing."""
    said = {key: value for key, value in fields.items() if value is not None and str(value).lower() not in OFF}
    for name, spellings in (("lora_alpha", ALPHAS), ("r", RANKS)):
        if found := next((spelling for spelling in spellings if spelling in said), None):
            said[name] = said[found]
    return said


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number) or not number:
        raise CheckpointError(
            f"expected numbers other than 0 as alpha and rank in {where}, got {value!r}; name the alpha with alpha="
        )
    return number


def _names(entry: str, module: str) -> bool:
    """True if an entry of PEFT's patterns is for a module, by either of its names."""
    spelled = {module, written(module, "diffusers").removeprefix("transformer.")}
    try:
        return any(re.match(rf"(?:.*\.)?(?:{entry})$", name) for name in spelled)
    except re.error as error:
        raise CheckpointError(f"a pattern of the LoRA's configuration is no expression: {entry!r} ({error})") from error
