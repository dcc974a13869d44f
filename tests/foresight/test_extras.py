"""What is installed without extras is enough to predict, and what is missing is named with its extra."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from foresight.errors import UserError
from foresight.extras import EXTRAS, require

ROOT = Path(__file__).parents[2]
OPTIONAL = ("lightning", "torchmetrics", "pymunk", "diffusers", "peft", "accelerate", "matplotlib", "qwen_vl_utils")

WITHOUT = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in {OPTIONAL!r} else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, cwd=ROOT)


def test_the_embedded_model_needs_no_extra() -> None:
    """World model, VLM and verifier load, and every command but those that train or simulate can be imported."""
    done = run(
        """
from foresight import QwenEncoder, Verifier, WorldModel
from foresight.cli import assemble, choose, convert, doctor, generate, predict, replay, report, watch
WorldModel.from_pretrained("foresight-tiny", device="cpu")
Verifier.from_pretrained("foresight-tiny")
"""
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["train", "experiment=tiny/vae"], "train"),
        (["encode", "data=tiny_latents"], "train"),
        (["evaluate", "benchmark=actions"], "physics"),
    ],
    ids=["train", "encode", "evaluate"],
)
def test_a_missing_package_is_named_with_its_extra(words: list[str], extra: str, tmp_path: Path) -> None:
    """In one line, as a mistake that can be mended, and before anything is computed."""
    words = [*words, f"paths.cache={tmp_path}", f"paths.runs={tmp_path}"]
    done = run(f"from foresight.cli.main import main\nsys.exit(main({words!r}))")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1 and f'pip install "foresight-wm[{extra}]"' in done.stderr


def test_every_extra_that_is_named_exists() -> None:
    """Each remedy that names an extra can be followed, and the extra installs the package."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for package, extra in EXTRAS.items():
        assert any(line.startswith(package.replace("_", "-")) for line in extras[extra])
    for path in (ROOT / "foresight").rglob("*.py"):
        named = re.findall(r"foresight-wm\[([a-z,]+)\]", path.read_text(encoding="utf-8"))
        assert set(",".join(named).split(",")) - {""} <= extras.keys(), path


def test_a_package_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is there is let in without a word."""
    require("pymunk")
    monkeypatch.setattr("foresight.extras.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pymunk.*foresight-wm\[physics\]"):
        require("pymunk")
