"""A saved small Qwen2.5-VL, and copies of its folder in which something is another."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from foresight.vlm.encoder import QwenEncoder

_saved: list[Path] = []


class Folder:
    """A copy of a model's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Of its one file."""
        return dict(load_file(self.path / "model.safetensors"))

    def write(self, tensors: dict[str, Tensor]) -> None:
        """Put these in their place."""
        save_file(tensors, self.path / "model.safetensors", metadata={"format": "pt"})

    def json(self, name: str, **fields: Any) -> None:
        """Change fields of a JSON file; None takes one out."""
        path = self.path / name
        values = json.loads(path.read_text()) if path.is_file() else {}
        values = {key: value for key, value in {**values, **fields}.items() if value is not None}
        path.write_text(json.dumps(values))

    def without(self, *names: str) -> None:
        """Take files away."""
        for name in names:
            (self.path / name).unlink()


@pytest.fixture
def saved(qwen: Callable[..., QwenEncoder], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small encoder as it saves itself, written once, in bfloat16 so that casting can be seen."""
    if not _saved:
        _saved.append(tmp_path_factory.mktemp("qwen"))
        qwen().to(torch.bfloat16).save_pretrained(_saved[0])
    return _saved[0]


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Folder:
    """A copy of it to be changed."""
    shutil.copytree(saved, tmp_path / "vlm")
    return Folder(tmp_path / "vlm")
