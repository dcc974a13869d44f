from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("ltx", "adapters", "foresight", "experiments")
LONGEST = 350
FILES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            yield node.module or ""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_layer_imports_only_what_lies_below(path: Any) -> None:
    """ltx <- adapters <- foresight <- experiments, in every file and every function of it."""
    layer = LAYERS.index(path.relative_to(ROOT).parts[0])
    above = {*LAYERS[layer + 1 :], "tests"}
    assert not {module for module in imported(ast.parse(path.read_text())) if module.split(".")[0] in above}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_unpickled(path: Any) -> None:
    """No file imports pickle, and every torch.load reads weights only."""
    tree = ast.parse(path.read_text())
    assert not {"pickle", "cloudpickle", "dill", "joblib"} & {module.split(".")[0] for module in imported(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            words = {word.arg: word.value for word in node.keywords}
            assert isinstance(words.get("weights_only"), ast.Constant) and words["weights_only"].value is True


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=name)
def test_files_are_short_and_named_for_what_they_hold(path: Any) -> None:
    """No file is longer than can be read at once, and none is called utils."""
    assert len(path.read_text().splitlines()) <= LONGEST
    assert not {"utils", "util", "helpers", "misc", "common"} & {part.removesuffix(".py") for part in path.parts}


def test_models_come_from_nobody_else() -> None:
    """No layer imports diffusers, whose classes are only compared with, in tests and in benchmarks."""
    found = {
        name(path)
        for path in FILES
        if "benchmarks" not in path.parts
        and "diffusers" in {module.split(".")[0] for module in imported(ast.parse(path.read_text()))}
    }
    assert not found
