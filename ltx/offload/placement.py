"""Decide device, type and offloading of models before they are read, and say so in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import psutil
import torch

from ltx.offload.sizes import PartSize

OFFLOAD = ("auto", "none", "parts", "blocks")
"""What may leave the device: nothing, models that are not in use, or also blocks of the one that is."""

STORAGE = ("stored", "float8", "int8-torchao", "float8-torchao")
"""How the transformer's matrices are kept: as they are stored, in float8 that is cast when it is used, or as linear
layers of torchao that multiply in eight bits."""

SMALL = 1 << 30
"""Bytes of weights up to which nothing is moved about."""
ROOM = 3 << 30
"""Bytes that are left for activations on a device: a step of the 13B takes 2.1 GiB for a clip of 121×512×768."""
GIB = 2**30


@dataclass(frozen=True)
class Placement:
    """Device, types and offloading of models, as decided.

    Attributes:
        device: they work on.
        dtypes: they work in, by part; None is the stored one.
        offload: "none", "parts" or "blocks".
        storage: one of `STORAGE`.
        says: a summary in one line.
    """

    device: torch.device
    dtypes: Mapping[str, torch.dtype | None]
    offload: str
    storage: str
    says: str

    @property
    def plain(self) -> bool:
        """True if models are read to where they work, and stay."""
        return self.offload == "none" and self.storage != "float8"


def choose_device(device: torch.device | str = "auto") -> torch.device:
    """The device of a name; "auto" is CUDA where there is a GPU, Apple's where there is one, else the CPU.

    Raises:
        ValueError: if this machine or this build of torch has none of that name.
    """
    if str(device) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"expected a device that this machine and this build of torch have, got {str(device)!r}; choose auto, or "
            "cpu, or cuda where there is a GPU"
        ) from error
    return torch.device(device)


def multiplies(device: torch.device, dtype: torch.dtype) -> bool:
    """True if a device has units for a type; without, a CPU multiplies bfloat16 five times slower than float32."""
    if dtype in (torch.float32, torch.float64):
        return True
    if device.type == "cpu":
        if dtype is torch.bfloat16:
            return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
        return dtype is torch.float16 and bool(torch.cpu._is_amx_fp16_supported())
    if device.type == "cuda" and dtype is torch.bfloat16:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return dtype in (torch.float16, torch.bfloat16)


def free_memory(device: torch.device) -> int:
    """Bytes that a device has left."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + kept)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return int(psutil.virtual_memory().available)


def needed(
    sizes: Mapping[str, PartSize], dtypes: Mapping[str, torch.dtype | None], offload: str, *, float8: bool
) -> int:
    """Bytes of weights on the device at the most, by how much may leave it.

    Args:
        sizes: of every part.
        dtypes: they work in.
        offload: "none", "parts" or "blocks".
        float8: whether the transformer's matrices are stored in float8.
    """
    each = [
        size.at_work(
            (dtypes[part] or size.stored).itemsize,
            blocks=offload == "blocks",
            float8=float8 and part == "transformer",
        )
        for part, size in sizes.items()
    ]
    return sum(each) if offload == "none" else max(each)


def decide(
    sizes: Mapping[str, PartSize],
    dtypes: Mapping[str, torch.dtype | None],
    *,
    device: torch.device | str,
    offload: str,
    storage: str,
    given: bool,
    free: Callable[[torch.device], int] = free_memory,
) -> Placement:
    """Decide where models are, before anything of them is read.

    With "auto", models of up to a GiB in all stay on the device. Larger ones do if they fit into its free memory
    beside `ROOM`; else one is there at a time, else its blocks come one by one. A CPU that has no units for the stored
    type keeps it, and casts block by block to float32. What is not cast stays in its memory-mapped file, which the
    system takes back when it is short of memory.

    Args:
        sizes: of every part.
        dtypes: to work in, by part; None is the stored one.
        device: or "auto".
        offload: a word of `OFFLOAD`.
        storage: a word of `STORAGE`.
        given: whether the user named the type himself, which is then taken.
        free: bytes that a device has left.

    Raises:
        ValueError: for an unknown word, a device that is not there or cannot do it, a missing package, or too little
            memory: one line that says what there is and what to do.
    """
    check_words(offload, storage)
    chosen = choose_device(device)
    check_storage(storage, chosen, offload)
    small = sum(size.bytes for size in sizes.values()) <= SMALL
    if not small and not given:
        dtypes = {
            part: dtype if multiplies(chosen, dtype or sizes[part].stored) else torch.float32
            for part, dtype in dtypes.items()
        }
    float8 = storage == "float8"
    left = free(chosen)
    needs = {mode: needed(sizes, dtypes, mode, float8=float8) for mode in OFFLOAD[1:]}
    casts = any(dtype not in (None, sizes[part].stored) for part, dtype in dtypes.items())
    if offload == "auto":
        mode = "none"
        if not small and storage in ("stored", "float8"):
            mode = _fitting(needs, left, chosen, casts=casts)
    else:
        mode = offload
    # Where nothing is cast, a CPU works on the memory-mapped file itself.
    copied = chosen.type != "cpu" or casts
    if not small and copied and needs[mode] > left:
        least = "blocks" if storage in ("stored", "float8") else "none"
        raise ValueError(
            f"expected {needs[mode] / GIB:.1f} GiB of free memory on {chosen} for offload={mode}, got "
            f"{left / GIB:.1f}; "
            + (
                f"choose offload=auto (blocks needs {needs['blocks'] / GIB:.1f} GiB)"
                if needs[least] <= left and mode != least
                else "free some, choose device=cpu, or take a smaller model"
            )
        )
    kinds = sorted({str(dtypes[part] or size.stored).removeprefix("torch.") for part, size in sizes.items()})
    says = f"on {chosen} in {' and '.join(kinds)}, offload={mode}" + ("" if storage == "stored" else f", {storage}")
    says += f": {needs[mode] / GIB:.1f} GiB of weights at a time, {left / GIB:.1f} GiB free"
    return Placement(chosen, dtypes, mode, storage, says)


def check_words(offload: str, storage: str) -> None:
    """Refuse unknown words for offloading and storage.

    Raises:
        ValueError: with those there are.
    """
    for name, word, known in (("offload", offload, OFFLOAD), ("storage", storage, STORAGE)):
        if word not in known:
            raise ValueError(f"expected {name} out of {', '.join(known)}; got {word!r}; choose one of these")


def check_storage(storage: str, device: torch.device, offload: str) -> None:
    """Refuse a storage that the device or the installation has not.

    Raises:
        ValueError: with what to do.
    """
    if storage == "float8" and device.type == "mps":
        raise ValueError("expected a CPU or a CUDA GPU for storage=float8, got mps, which has no float8; leave it out")
    if not storage.endswith("-torchao"):
        return
    if find_spec("torchao") is None:
        raise ValueError(
            f"expected torchao for storage={storage}, got none installed; pip install 'foresight-wm[torchao]', or "
            "choose storage=float8, which needs nothing"
        )
    if offload not in ("auto", "none"):
        raise ValueError(
            f"expected offload=none beside storage={storage}, whose layers stay on the device, got {offload}; choose "
            "storage=float8 to offload"
        )
    if storage == "float8-torchao" and not _has_float8_units(device):
        raise ValueError(
            f"expected a GPU of compute capability 8.9 or higher (Ada, Hopper or later) for storage={storage}, got "
            f"{device}; choose float8, which is cast when it is used"
        )


def _has_float8_units(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 9)


def _fitting(needs: Mapping[str, int], left: int, device: torch.device, *, casts: bool) -> str:
    if device.type == "cpu":
        return "blocks" if casts else "none"
    return next((mode for mode in OFFLOAD[1:-1] if needs[mode] + ROOM <= left), "blocks")


def summary(placement: Placement) -> dict[str, Any]:
    """For records of runs."""
    return {"device": str(placement.device), "offload": placement.offload, "storage": placement.storage}
