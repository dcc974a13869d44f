"""The folder of a Qwen2.5-VL, found on this disk or on the hub, and told from everything that resembles one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from transformers import Qwen2_5_VLConfig

from foresight.errors import UserError
from ltx.checkpoint.cards import embedded
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import in_cache, warn_unpinned
from ltx.checkpoint.place import place_of
from ltx.checkpoint.read import read_object

MODEL_TYPE = "qwen2_5_vl"
FILES = ("*.json", "*.jinja", "*.safetensors", "merges.txt")
"""What is downloaded: never code, never a pickle."""

FAMILIES = {
    "qwen2_vl": "a Qwen2-VL",
    "qwen3_vl": "a Qwen3-VL",
    "qwen3_vl_moe": "a Qwen3-VL with experts",
    "qwen2": "a Qwen2 or Qwen2.5, which reads text only",
    "qwen2_moe": "a Qwen2 with experts, which reads text only",
    "qwen3": "a Qwen3, which reads text only",
    "qwen3_moe": "a Qwen3 with experts, which reads text only",
    "qwen2_5_omni": "a Qwen2.5-Omni",
    "qwen2_5_omni_thinker": "the thinker of a Qwen2.5-Omni",
    "qwen3_omni_moe": "a Qwen3-Omni",
    "qwen2_audio": "a Qwen2-Audio",
    "qwen2_5_vl_text": "the language model of a Qwen2.5-VL without its vision tower",
    "qwen2_5_vl_vision": "the vision tower of a Qwen2.5-VL without its language model",
}
"""Relatives by the model_type of their config.json."""

METHODS = {
    "awq": "AWQ",
    "gptq": "GPTQ",
    "bitsandbytes": "bitsandbytes",
    "compressed-tensors": "compressed-tensors",
    "fp8": "FP8",
    "fbgemm_fp8": "FP8",
    "auto-round": "AutoRound",
}
"""Quantisation by the quant_method of a configuration."""

SIZES = {2048: "3B", 3584: "7B", 5120: "32B", 8192: "72B"}
"""Released sizes by the width of the language model."""

PROCESSORS = ("preprocessor_config.json", "video_preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True)
class QwenFolder:
    """A folder that says of itself that it holds a plain Qwen2.5-VL; its weights have not been read.

    Args:
        path: on this disk.
        fields: of its config.json.
    """

    path: Path
    fields: dict[str, Any]

    @cached_property
    def config(self) -> Qwen2_5_VLConfig:
        """The configuration of transformers' class.

        Raises:
            CheckpointError: if a field is of another kind.
        """
        try:
            found: Qwen2_5_VLConfig = Qwen2_5_VLConfig.from_dict(self.fields)
        except Exception as error:  # transformers checks fields by its own and by other packages' exceptions
            raise CheckpointError(
                f"{self.path / 'config.json'} does not describe a Qwen2.5-VL: {type(error).__name__}: {error}; "
                "copy it from the release"
            ) from error
        return found


def find_qwen(where: str | Path, revision: str | None = None) -> QwenFolder:
    """Find the folder of a Qwen2.5-VL.

    Args:
        where: a folder, a hub id, which may end in `@revision`, or the name of the embedded model.
        revision: commit, tag or branch of a hub id.

    Raises:
        UserError: if there is none, or it holds something else: another family, a quantised model, a LoRA, GGUF.
        CheckpointError: if its config.json is damaged.
    """
    folder = _located(where, revision)
    _refuse_relatives(folder, where)
    fields = read_object(folder / "config.json")
    _check_family(fields, folder)
    _check_quantisation(fields, folder)
    if not any((folder / name).is_file() for name in PROCESSORS):
        raise _wrong(
            f"{PROCESSORS[0]} in {folder}, which says at what size pictures are seen",
            "none",
            "copy it from the release",
        )
    return QwenFolder(folder, fields)


def released(fields: dict[str, Any]) -> str:
    """The hub id of the released model of a configuration's size, unquantised."""
    text = fields.get("text_config")
    width = fields.get("hidden_size") or (text.get("hidden_size") if isinstance(text, dict) else None)
    size = SIZES.get(width, "3B") if isinstance(width, int) else "3B"
    return f"Qwen/Qwen2.5-VL-{size}-Instruct"


def _located(where: str | Path, revision: str | None) -> Path:
    try:
        place = place_of(where, revision)
    except CheckpointError as error:
        raise _wrong("a folder or a hub id of a Qwen2.5-VL", repr(str(where)), f"check the name ({error})") from error
    if place.path is not None:
        return place.path
    assert place.card is not None
    if place.card.package is not None:
        return embedded(place.name, place.card) / "vlm"
    repo, wanted = str(place.card.repo), place.revision or place.card.revision
    try:
        found = Path(huggingface_hub.snapshot_download(repo, revision=wanted, allow_patterns=list(FILES)))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise _wrong(
            "a folder or a hub id of a Qwen2.5-VL",
            repr(str(where)),
            f"check the name and the connection ({str(error).splitlines()[0]})",
        ) from error
    cached = in_cache(found)
    warn_unpinned(repo, wanted, cached[1] if cached else None)
    return found


def _refuse_relatives(folder: Path, where: str | Path) -> None:
    """Refuse a folder that holds something else beside, or instead of, a model's files."""
    if folder.is_file():
        kind = "a GGUF file" if folder.suffix == ".gguf" else "a file"
        raise _wrong(
            f"a folder with config.json, model.safetensors and tokenizer.json at {where}",
            kind,
            "name the folder that holds the vision-language model",
        )
    if (folder / "adapter_config.json").is_file():
        base = read_object(folder / "adapter_config.json").get("base_model_name_or_path")
        raise _wrong(
            f"a whole Qwen2.5-VL in {folder}",
            f"a LoRA (PEFT) of {base}",
            "merge it with peft (merge_and_unload) and save the merged model with its processor",
        )
    if not (folder / "config.json").is_file():
        if any(folder.glob("*.gguf")):
            raise _wrong(f"safetensors of a Qwen2.5-VL in {folder}", "GGUF files", f"use {released({})}")
        inside = f"; it holds one in vlm: name {folder / 'vlm'}" if (folder / "vlm/config.json").is_file() else ""
        raise _wrong(
            f"a folder with config.json, model.safetensors and tokenizer.json at {where}",
            f"one without config.json{inside}",
            "name the folder that holds the vision-language model",
        )


def _check_family(fields: dict[str, Any], folder: Path) -> None:
    kind = fields.get("model_type")
    if kind == MODEL_TYPE:
        if not isinstance(fields.get("vision_config"), dict):
            raise _wrong(f"a vision_config in {folder / 'config.json'}", "none", f"copy it from {released(fields)}")
        return
    name = FAMILIES.get(str(kind), f"a model of the type {kind!r}")
    raise _wrong(f"a Qwen2.5-VL in {folder}", name, f"use a Qwen2.5-VL, such as {released({})}")


def _check_quantisation(fields: dict[str, Any], folder: Path) -> None:
    found = fields.get("quantization_config")
    text = fields.get("text_config")
    if found is None and isinstance(text, dict):
        found = text.get("quantization_config")
    if found is not None:
        method = found.get("quant_method") if isinstance(found, dict) else None
        raise quantised(METHODS.get(str(method), f"quantised ({method})"), folder, fields)


def quantised(method: str, folder: Path, fields: dict[str, Any]) -> UserError:
    """Error for a quantised model."""
    return _wrong(
        f"plain weights (bfloat16, float16 or float32) of a Qwen2.5-VL in {folder}",
        f"{method} weights",
        f"use the unquantised release, {released(fields)}, or give QwenEncoder(model=…) what transformers has read",
    )


def _wrong(expected: str, got: str, remedy: str) -> UserError:
    return UserError(expected=expected, got=got, remedy=remedy)
