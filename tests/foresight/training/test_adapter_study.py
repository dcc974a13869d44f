"""Every adapter's recipe from encoding to the exported folder, on the embedded model, in two steps each."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import load_adapter
from foresight.cli.choices import choices
from foresight.cli.compose import build, resolve
from foresight.cli.encode import encode
from foresight.cli.train import train

NAMES = [name.removeprefix("adapters/") for name in choices("experiment") if name.startswith("adapters/")]
# A forecast alone and everything at once; the others take the same ways.
QUICK = ("linear", "composed")
SMALL = ["data.train.clips.count=4", "data.validation.clips.count=2", "data.train.batch=4", "data.validation.batch=2"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of six clips, encoded by the command that users run."""
    folder = tmp_path_factory.mktemp("cache")
    encode(**build(encode, resolve("encode", ["data=adapter_features", f"paths.cache={folder}", *SMALL])))
    return folder


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_it_trains_from_the_cache_and_is_exported(name: str, cache: Path, tmp_path: Path, capsys: object) -> None:
    """Two steps read what `foresight encode` wrote, say whether conditioning does anything, and write an adapter."""
    before = sorted(cache.iterdir())
    overrides = [f"experiment=adapters/{name}", f"paths.cache={cache}", f"run={tmp_path}", "data.batch=2", *SMALL]
    train(
        **build(
            train,
            resolve("train", [*overrides, "trainer=smoke", "trainer.max_steps=2", "trainer.val_check_interval=2"]),
        )
    )
    assert sorted(cache.iterdir()) == before, "nothing was encoded again"
    assert load_adapter(tmp_path / "adapter").pairing.vlm == "foresight-tiny"
    assert "conditioning" in capsys.readouterr().out.lower()  # type: ignore[attr-defined]
