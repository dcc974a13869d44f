"""Find the weight files of a folder: one file, shards with an index, or a variant of either."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.formats import refuse_format, refuse_name
from ltx.checkpoint.read import read_object

INDEX_SUFFIX = ".safetensors.index.json"
# What diffusers puts into the names of other versions of the same weights; the first that is there is read.
VARIANTS = ("bf16", "fp16", "fp32", "non_ema", "fp8", "fp8_e4m3fn", "ema")
_VARIANT = "|".join(VARIANTS)
_INDEX = re.compile(rf".+\.safetensors\.index(?:\.(?P<variant>{_VARIANT}))?\.json")
_FILE = re.compile(rf".+?(?:\.(?P<variant>{_VARIANT}))?(?:-\d{{5}}-of-\d{{5}})?\.safetensors")
_SHARD = re.compile(r"-\d{5}-of-\d{5}[.\w]*\.safetensors$")


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files of one model folder.

    The plain weights come before their variants (`….fp16.safetensors`). A variant is read where it alone is there, the
    first of `VARIANTS` if there are several. Shards and their index come before a single file beside them, as in
    diffusers.

    Raises:
        CheckpointError: if there is none, more than one that is no variant of another, or the index names missing
            files.
    """
    found = sorted(path for path in folder.glob("*.safetensors*") if not path.name.startswith("."))
    by_variant: dict[str | None, list[Path]] = {}
    for path in found:
        for pattern in (_INDEX, _FILE):
            if match := pattern.fullmatch(path.name):
                by_variant.setdefault(match["variant"], []).append(path)
                break
    variant = next((name for name in (None, *VARIANTS) if name in by_variant), None)
    if len(by_variant) > 1 and variant is not None:
        others = [str(name) for name in by_variant if name != variant]
        warnings.warn(f"{folder} has no plain weights; read are those of {variant}, not {listed(others)}", stacklevel=2)
    chosen = by_variant.get(variant, [])
    indices = [path for path in chosen if path.suffix == ".json"]
    if len(indices) == 1:
        return _indexed(indices[0])
    files = [path for path in chosen if path.suffix != ".json"]
    if len(files) == 1 and not indices:
        if _SHARD.search(files[0].name):
            raise CheckpointError(f"{files[0]} is one of several shards, and the index that names them is not there")
        return (files[0],)
    _refuse_others(folder, files)
    names = listed(path.name for path in folder.iterdir())
    raise CheckpointError(f"expected one safetensors file, or shards with an index, in {folder}; it holds {names}")


def _refuse_others(folder: Path, files: list[Path]) -> None:
    """Refuse a folder that has only weights of other formats, naming them."""
    if not files:
        for path in sorted(folder.iterdir()):
            refuse_name(str(path))
            if path.suffix == ".json" and path.name.endswith(".bin.index.json"):
                refuse_name(str(path.with_suffix("").with_suffix("")))
    for path in files:
        refuse_format(path)


def _indexed(index: Path) -> tuple[Path, ...]:
    table = read_object(index).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise CheckpointError(f"expected a `weight_map` in {index}")
    names = sorted(set(table.values()))
    if outside := [name for name in names if Path(name).name != name]:
        raise CheckpointError(f"{index} names files outside its folder: {listed(outside)}")
    if missing := [name for name in names if not (index.parent / name).is_file()]:
        raise CheckpointError(f"{index} names shards that are not there: {listed(missing)}")
    return tuple(index.parent / name for name in names)
