"""What `foresight plan` prints."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from foresight.cli import plan as command
from foresight.errors import UserError


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The table that is printed, for parts of 2 to 32 Gi parameters."""
    printed: list[dict[str, str]] = []
    found = SimpleNamespace(
        vlm=2**31,
        vae=2**32,
        text_encoder=2**33,
        transformer=2**34,
        adapter=2**35,
        tokens=1234,
        encoding=lambda: 3 * 2**29,
        training=lambda batch, recompute: batch * 2**30 * (2 if recompute else 3),
    )
    monkeypatch.setattr(command, "footprint", lambda **parts: found)
    monkeypatch.setattr(command, "config_to_dict", lambda config: {"type": "queries"})
    monkeypatch.setattr(command, "stages", lambda found, **how: [])
    monkeypatch.setattr(command, "print_table", lambda title, table: printed.extend(table))
    return printed


def planned(batch: int) -> None:
    """A plan for stand-in parts."""
    adapter: Any = SimpleNamespace(config=None)
    command.plan(vlm={"name": "v"}, ltx={"name": "l", "clip": (25, 64, 96)}, adapter=adapter, batch=batch)


def test_memory_is_parameters_times_bytes(rows: list[dict[str, str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Frozen parts take 2 bytes for each parameter, trained ones 16; sums in GiB."""
    planned(1)
    assert [row["bytes each"] for row in rows] == ["2"] * 4 + [str(command.TRAINED)]
    expected = [2 * 2, 2 * 4, 2 * 8, 2 * 16, command.TRAINED * 32]
    assert [row["memory"] for row in rows] == [f"{size:.2f} GiB" for size in expected]
    said = capsys.readouterr().out
    assert "25×64×96 is 1,234 tokens; batch 1" in said and "encoding features: 1.50 GiB" in said
    assert "cached features: 3.00 GiB" in said and "recompute=true: 2.00 GiB" in said


@pytest.mark.usefixtures("rows")
def test_an_empty_batch_is_refused() -> None:
    """One clip per step is the least."""
    with pytest.raises(UserError, match="a batch of at least 1"):
        planned(0)
