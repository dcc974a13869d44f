"""Inventory: packages, devices, weights, and what the released models need on this machine."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import huggingface_hub.constants
import psutil
import torch

from foresight.machine.generation import KINDS, needs, on_disk
from foresight.vlm.folder import find_qwen
from ltx.checkpoint.cards import cards
from ltx.checkpoint.errors import CheckpointError
from ltx.home import at_home
from ltx.offload.placement import OFFLOAD, free_memory, multiplies
from ltx.pipeline.parts import TextPlace, size_of, text_size
from ltx.pipeline.preset import presets
from ltx.text.files import PUBLISHED
from ltx.transformer import VideoTransformer

PACKAGES = ("foresight-wm", "torch", "transformers", "diffusers", "peft", "lightning", "huggingface-hub", "av")
EXTRAS = {
    "torchao": "linear layers in eight bits: pip install 'foresight-wm[torchao]'",
    "torchvision": "chat messages and LPIPS: pip install 'foresight-wm[vision]'",
    "tensorboard": "logger=tensorboard: pip install 'foresight-wm[loggers]'",
    "wandb": "logger=wandb: pip install 'foresight-wm[loggers]'",
}
"""What each package that is not needed is good for, and how it is had."""

READERS = {
    "T5-XXL": (PUBLISHED, "text_encoder/config.json"),
    "Qwen2.5-VL-3B": ("Qwen/Qwen2.5-VL-3B-Instruct", "config.json"),
    "Qwen2.5-VL-7B": ("Qwen/Qwen2.5-VL-7B-Instruct", "config.json"),
}
"""Repositories of what reads prompts and clips, with a file that each has."""

GIB = 2**30


@dataclass(frozen=True)
class Device:
    """One device.

    Args:
        name: as in `device=`.
        model: what it is called.
        free: bytes of memory.
        total: bytes of memory.
        bfloat16: whether it has units for it; without, float32 is computed in.
    """

    name: str
    model: str
    free: int
    total: int
    bfloat16: bool


@dataclass(frozen=True)
class Found:
    """Weights on this disk.

    Args:
        name: of the release, or the path that was given.
        path: where they are; None if they are not there.
        what: they are.
    """

    name: str
    path: str | None
    what: str


@dataclass(frozen=True)
class Fit:
    """Memory that a released size needs on a device for a clip of 121×512×768.

    Args:
        kind: "2b" or "13b".
        storage: "stored" or "float8".
        needs: bytes by what is offloaded.
        offload: what `offload=auto` comes to; None where not even blocks fit.
        disk: bytes of its files with the text encoder's.
    """

    kind: str
    storage: str
    needs: dict[str, int]
    offload: str | None
    disk: int


@dataclass(frozen=True)
class Report:
    """All of it.

    Args:
        packages: versions by name.
        extras: versions by name; None for what is not installed.
        devices: of this machine, the one that `device=auto` takes first.
        weights: of releases and of paths that were given.
        fits: of the released sizes on the first device.
        cache: of the hub.
        disk: bytes that are free there.
        advice: what to do about what is missing.
    """

    packages: dict[str, str | None]
    extras: dict[str, str | None]
    devices: tuple[Device, ...]
    weights: tuple[Found, ...]
    fits: tuple[Fit, ...]
    cache: str
    disk: int
    advice: tuple[str, ...]


def examine(where: Sequence[str | Path] = ()) -> Report:
    """Look at everything; nothing is downloaded, and no weight is read.

    Args:
        where: files and folders to look at, beside the hub's cache.
    """
    packages = {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}
    extras = {name: _version(name) for name in EXTRAS}
    devices = _devices()
    weights = tuple([*_releases(), *(_at(path) for path in where)])
    fits = tuple(_fit(kind, storage, devices[0]) for kind in KINDS for storage in ("stored", "float8"))
    cache = Path(huggingface_hub.constants.HF_HUB_CACHE)
    there = next(folder for folder in (cache, *cache.absolute().parents) if folder.is_dir())
    disk = shutil.disk_usage(there).free
    advice = tuple(_advice(extras, weights, fits, disk))
    return Report(packages, extras, devices, weights, fits, str(cache), disk, advice)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> tuple[Device, ...]:
    found = []
    for index in range(torch.cuda.device_count()):
        device = torch.device("cuda", index)
        facts = torch.cuda.get_device_properties(device)
        model = f"{facts.name}, compute capability {facts.major}.{facts.minor}"
        half = multiplies(device, torch.bfloat16)
        found.append(Device(str(device), model, free_memory(device), facts.total_memory, half))
    if torch.backends.mps.is_available():
        device = torch.device("mps")
        total = int(torch.mps.recommended_max_memory())
        found.append(Device("mps", "Apple GPU", free_memory(device), total, multiplies(device, torch.bfloat16)))
    cpu = torch.device("cpu")
    model = f"{psutil.cpu_count(logical=True)} threads, {torch.backends.cpu.get_cpu_capability()}"
    half = multiplies(cpu, torch.bfloat16)
    found.append(Device("cpu", model, free_memory(cpu), psutil.virtual_memory().total, half))
    return tuple(found)


def _releases() -> list[Found]:
    """Every release with a preset, and what reads for it."""
    found = []
    for name in presets():
        card = cards().get(name)
        if card is not None and card.repo is not None:
            marker = card.file or "model_index.json"
            found.append(Found(name, _cached(card.repo, marker, card.revision), "LTX-Video"))
    for name, (repository, marker) in READERS.items():
        path = _cached(repository, marker, "main")
        found.append(Found(name, path, "text encoder" if name.startswith("T5") else "vision-language model"))
    return found


def _cached(repository: str, file: str, revision: str) -> str | None:
    path = huggingface_hub.try_to_load_from_cache(
        repository, file, revision=revision, cache_dir=huggingface_hub.constants.HF_HUB_CACHE
    )
    return path if isinstance(path, str) else None


def _at(path: str | Path) -> Found:
    """Content of a path, told by its configuration and the shapes of its weights."""
    name, place = str(path), at_home(path)
    if not place.exists():
        return Found(name, None, "nothing is there")
    problems = []
    try:
        return Found(name, str(place), f"LTX-Video, {_billions(size_of(place, VideoTransformer, None).parameters)}")
    except (CheckpointError, ValueError) as error:
        problems.append(str(error))
    try:
        text: Any = find_qwen(place).config.text_config
        return Found(name, str(place), f"Qwen2.5-VL of width {text.hidden_size}")
    except (CheckpointError, ValueError) as error:
        problems.append(str(error))
    try:
        return Found(name, str(place), f"T5, {_billions(text_size(TextPlace(place, None)).parameters)}")
    except (CheckpointError, ValueError):
        return Found(name, None, " ".join(problems[0].split()))


def _billions(parameters: int) -> str:
    return f"{parameters / 1e9:.2f} billion parameters"


def _fit(kind: str, storage: str, device: Device) -> Fit:
    dtype = torch.bfloat16 if device.bfloat16 else torch.float32
    each = {offload: needs(kind, offload=offload, float8=storage == "float8", dtype=dtype) for offload in OFFLOAD[1:]}
    fitting = next((offload for offload, need in each.items() if need.peak <= device.free), None)
    if fitting is not None and device.name == "cpu" and not device.bfloat16:
        fitting = "blocks"
    return Fit(kind, storage, {offload: need.peak for offload, need in each.items()}, fitting, on_disk(kind))


def _advice(extras: dict[str, str | None], weights: Sequence[Found], fits: Sequence[Fit], disk: int) -> list[str]:
    said = [f"{name} is not installed; {what}" for name, what in EXTRAS.items() if extras[name] is None]
    videos = [one for one in weights if one.what == "LTX-Video"]
    if not any(one.path for one in videos):
        smallest = min(fits, key=lambda fit: fit.disk)
        room = "" if disk > smallest.disk else f", which this disk has no room for ({disk / GIB:.0f} GiB are free)"
        said.append(
            f"no LTX-Video is in the hub's cache; pipeline.where=ltxv-2b-0.9.8-distilled downloads "
            f"{smallest.disk / GIB:.0f} GiB with its text encoder{room}; or name a file of yours"
        )
    for one in weights:
        if one.path is None and one.what not in ("LTX-Video", "text encoder", "vision-language model"):
            said.append(f"{one.name}: {one.what}")
    for fit in fits:
        if fit.offload is None:
            said.append(
                f"{fit.kind} ({fit.storage}) needs {fit.needs['blocks'] / GIB:.1f} GiB even with offload=blocks; free "
                "memory, ask for a smaller clip, or take the 2b"
            )
    return said
