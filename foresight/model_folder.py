"""A world model as a folder: `model_index.json` and one subfolder per part, each readable on its own."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from adapters import load_adapter, save_adapter
from foresight.errors import UserError
from foresight.plan import SamplingPlan
from foresight.vlm.encoder import QwenEncoder
from foresight.world_model import WorldModel
from ltx.checkpoint import CheckpointError
from ltx.checkpoint.hub import HUB_ID, cards, resolve
from ltx.files import write_text
from ltx.text import TextEncoder
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE

INDEX = "model_index.json"
CLASS = "ForesightWorldModel"
# Subfolder → library and class, as diffusers writes it.
PARTS: dict[str, tuple[str, str]] = {
    "vae": ("ltx", "VideoVAE"),
    "transformer": ("ltx", "VideoTransformer"),
    "text_encoder": ("transformers", "T5EncoderModel"),
    "tokenizer": ("transformers", "T5Tokenizer"),
    "scheduler": ("foresight", "SamplingPlan"),
}
CONDITIONING: dict[str, tuple[str, str]] = {
    "vlm": ("foresight", "QwenEncoder"),
    "adapter": ("adapters", "AbstractAdapter"),
}


def find_folder(where: str | Path) -> Path:
    """The folder of a world model on this disk, downloaded if need be.

    Raises:
        UserError: if there is none.
    """
    name, card = str(where), cards().get(str(where))
    try:
        if not Path(where).exists() and card is None and HUB_ID.fullmatch(name):
            folder = Path(snapshot_download(name))
        else:
            folder = resolve(where, "vae")
    except (CheckpointError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise UserError(
            expected="a world model: foresight-tiny, a folder, or a hub id",
            got=repr(name),
            remedy=f"check the name and the connection ({error})",
        ) from error
    if not (folder / INDEX).is_file():
        raise UserError(
            expected=f"a folder with {INDEX} and its parts",
            got=f"{folder} without it",
            remedy="name a folder that WorldModel.save_pretrained wrote",
        )
    return folder


def read_world_model(where: str | Path, device: torch.device | str, dtype: torch.dtype | None) -> WorldModel:
    """Read all parts of a world model.

    Args:
        where: its name, folder or hub id.
        device: where to put it.
        dtype: type of the weights; None is the stored one, but float32 on a CPU, where half precision saves nothing.

    Raises:
        UserError: if there is none, its index names other parts than this class has, or there is no such device.
        ValueError: if a part cannot be read exactly, or the parts do not fit each other.
    """
    _check_device(device)
    folder = find_folder(where)
    parts = read_index(folder)
    if dtype is None and torch.device(device).type == "cpu":
        dtype = torch.float32
    adapter = load_adapter(folder / "adapter", device=device, dtype=dtype) if "adapter" in parts else None
    vlm = None
    if adapter is not None:
        vlm = QwenEncoder.from_pretrained(folder / "vlm", layers=adapter.pairing.vlm_layers, dtype=dtype or "auto").to(
            device
        )
    return WorldModel(
        vae=VideoVAE.from_pretrained(folder / "vae", device=device, dtype=dtype),
        transformer=VideoTransformer.from_pretrained(folder / "transformer", device=device, dtype=dtype),
        text_encoder=TextEncoder.from_pretrained(folder, device=device, dtype=dtype),
        vlm=vlm,
        adapter=adapter,
        plan=SamplingPlan.from_pretrained(folder / "scheduler"),
    )


def _check_device(device: torch.device | str) -> None:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            expected="a device that this machine and this build of torch have",
            got=f"{str(device)!r}",
            remedy="choose cpu, or cuda where there is a GPU",
        ) from error


def read_index(folder: Path) -> frozenset[str]:
    """Names of the parts that a folder holds.

    Raises:
        UserError: if the index is damaged, lacks a part, or names one that is unknown.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        named = {name: tuple(value) for name, value in index.items() if not name.startswith("_")}
    except (OSError, json.JSONDecodeError, AttributeError, TypeError) as error:
        raise UserError(
            expected=f"a JSON object in {folder / INDEX}", got=str(error), remedy="save the model again"
        ) from error
    complete = (PARTS, PARTS | CONDITIONING)
    if index.get("_class_name") != CLASS or named not in complete:
        raise UserError(
            expected=f"a {CLASS} of {', '.join(PARTS)}, with or without {' and '.join(CONDITIONING)}",
            got=f"a {index.get('_class_name')} of {', '.join(sorted(named)) or 'nothing'}",
            remedy="name a folder that WorldModel.save_pretrained wrote",
        )
    return frozenset(named)


def write_world_model(model: WorldModel, folder: Path) -> None:
    """Write all parts, the index last, so that a folder with an index is complete.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.vae.save_pretrained(folder / "vae")
    model.transformer.save_pretrained(folder / "transformer")
    model.text_encoder.save_pretrained(folder)
    model.plan.save_pretrained(folder / "scheduler")
    parts = dict(PARTS)
    if model.adapter is not None and model.vlm is not None:
        model.vlm.save_pretrained(folder / "vlm")
        save_adapter(model.adapter, folder / "adapter")
        parts |= CONDITIONING
    index = {"_class_name": CLASS, **{name: list(value) for name, value in parts.items()}}
    write_text(folder / INDEX, json.dumps(index, indent=2) + "\n")
