"""JSON or YAML that is nested without end is a mistake in a file, wherever it is read, and never a defect of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters import load_adapter
from foresight.data.videos import listed
from foresight.loop.trace import Trace
from foresight.world.sampling_config import SamplingConfig
from foresight.world.storage import read_index
from ltx.checkpoint.read import read_object


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("adapter_config.json", load_adapter),
        ("metadata.jsonl", listed),
        ("trace.json", Trace.load),
        ("model_index.json", read_index),
        ("sampling_config.json", SamplingConfig.from_pretrained),
        ("sampling_plan.json", SamplingConfig.from_pretrained),
        ("some.json", lambda folder: read_object(folder / "some.json")),
    ],
)
def test_endless_nesting_is_a_mistake_in_the_file(name: str, read: Callable[[Path], object], tmp_path: Path) -> None:
    """Refused with an error that names the file, where Python's own is a RecursionError."""
    (tmp_path / name).write_text("[" * 100_000)
    with pytest.raises((ValueError, OSError), match=name):
        read(tmp_path)
