"""`foresight doctor`: what is at hand, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub.constants
import pytest

from foresight.cli.main import main
from foresight.machine import doctor as doctor_module
from foresight.machine.doctor import GIB, Device, examine
from ltx.checkpoint.hub import resolve


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put(cache: Path, repository: str, file: str) -> Path:
    """A file in the hub's cache as huggingface_hub lays it out."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("a" * 40)
    path = folder / "snapshots" / ("a" * 40) / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    return path


def test_weights_are_found_in_the_cache_and_at_paths(cache: Path, tmp_path: Path) -> None:
    """A release by its name; a folder of yours by what it holds; what is not there is said, with what to do."""
    missing = examine()
    assert all(one.path is None for one in missing.weights)
    assert any("no LTX-Video" in line and "pipeline.where=" in line for line in missing.advice)
    there = put(cache, "Lightricks/LTX-Video", "ltxv-2b-0.9.8-distilled.safetensors")
    tiny = resolve("foresight-tiny", "vae")
    found = examine([tiny, tiny / "vlm", tmp_path / "nowhere"])
    weights = {one.name: one for one in found.weights}
    assert weights["ltxv-2b-0.9.8-distilled"].path == str(there)
    assert weights[str(tiny)].what.startswith("LTX-Video, 0.0")
    assert weights[str(tiny / "vlm")].what == "Qwen2.5-VL of width 128"
    assert any("nowhere: nothing is there" in line for line in found.advice)
    assert not any("no LTX-Video" in line for line in found.advice)


@pytest.mark.parametrize(
    ("free", "mode"), [(80, "none"), (14, "parts"), (6, "blocks"), (1, None)], ids=["80", "14", "6", "1"]
)
def test_what_fits_is_told_for_the_first_device(
    free: int, mode: str | None, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 2b on GPUs of several sizes; where nothing fits there is a line about it."""
    gpu = Device("cuda:0", "a GPU", free * GIB, free * GIB, bfloat16=True)
    monkeypatch.setattr(doctor_module, "_devices", lambda: (gpu,))
    found = examine()
    (fit,) = (fit for fit in found.fits if (fit.kind, fit.storage) == ("2b", "stored"))
    assert fit.offload == mode
    assert any(line.startswith("2b (stored) needs") for line in found.advice) == (mode is None)


def test_it_is_printed_as_tables_or_as_one_object(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Versions, devices, needs and advice; `json=true` prints what a program reads."""
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("torch", "blocks", "13b", "float8", str(cache)))
    assert main(["doctor", "json=true"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["devices"][-1]["name"] == "cpu" and found["packages"]["torch"]
    assert {fit["kind"] for fit in found["fits"]} == {"2b", "13b"}
