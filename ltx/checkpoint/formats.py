"""Formats of weights that are not read, each refused by its name with what to use instead."""

from __future__ import annotations

from pathlib import Path

from ltx.checkpoint.errors import CheckpointError

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_PICKLE = (
    "a pickle, which can run code when it is read; only safetensors files are read. Convert it where you trust it, "
    "with safetensors.torch.save_file"
)
_GGUF = (
    "a GGUF file, a quantised format that is not read; take the same release as safetensors: the official file, or "
    "its fp8 version if memory is short (ltxv-13b-0.9.8-dev-fp8, ltxv-2b-0.9.8-distilled-fp8)"
)
_NAMES = {
    **dict.fromkeys(PICKLES, _PICKLE),
    ".gguf": _GGUF,
    ".ggml": _GGUF,
    **{
        suffix: f"{what}, which is not read; take the same model as safetensors"
        for suffix, what in {
            ".onnx": "an ONNX graph",
            ".engine": "a TensorRT engine",
            ".plan": "a TensorRT engine",
            ".h5": "an HDF5 file",
            ".msgpack": "a Flax file",
            ".npz": "a NumPy archive",
            ".aria2": "an unfinished download",
            ".crdownload": "an unfinished download",
            ".part": "an unfinished download",
            ".incomplete": "an unfinished download",
        }.items()
    },
}


def refuse_name(name: str) -> None:
    """Refuse a file by the end of its name.

    Raises:
        CheckpointError: if it is of a format that is not read.
    """
    if (what := _NAMES.get(Path(name).suffix.lower())) is not None:
        raise CheckpointError(f"{name} is {what}")


def refuse_format(path: Path) -> None:
    """Refuse a file by its first bytes and by its name.

    Raises:
        CheckpointError: if the file is of a format that is not read: one that could run code, GGUF, the page or pointer
            that was downloaded instead of a file, or any other.
    """
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"GGUF"):
        raise CheckpointError(f"{path} is {_GGUF}")
    # A safetensors file starts with the header's length in eight bytes, which may look like a pickle, and a brace.
    safetensors = start[4:9] == b"\x00\x00\x00\x00{"
    if start.startswith(PICKLE_STARTS) and not safetensors:
        raise CheckpointError(f"{path} is {_PICKLE}")
    # What a file is, its content says: people rename, but an unfinished download begins like a whole one.
    if not safetensors or _NAMES.get(path.suffix.lower()) != _PICKLE:
        refuse_name(str(path))
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path} is a git-lfs pointer, not the file itself; run `git lfs pull`, or download it")
    if start.lstrip()[:5].lower() in (b"<!doc", b"<html"):
        raise CheckpointError(f"{path} is a web page, not the file itself; download it with the page's download link")
