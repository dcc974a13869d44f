"""Which files of tests are asked about a module, nearest first."""

from __future__ import annotations

import ast
from pathlib import Path


def nearest(tree: Path, module: str) -> list[str]:
    """Files of tests, from those that import the module over those beside its tests to the rest.

    Args:
        tree: the root of the sources.
        module: path of a source below it, such as "ltx/flow/schedule.py".
    """
    name = module.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    folder = Path("tests", module).parent

    def distance(path: Path) -> tuple[bool, int, str]:
        relative = path.relative_to(tree)
        shared = sum(1 for one, other in zip(folder.parts, relative.parent.parts, strict=False) if one == other)
        return name not in _imports(path), -shared, relative.as_posix()

    return [path.relative_to(tree).as_posix() for path in sorted((tree / "tests").rglob("test_*.py"), key=distance)]


def _imports(path: Path) -> set[str]:
    """Modules that a file names in its imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return names
