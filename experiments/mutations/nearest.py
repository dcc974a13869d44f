"""Files of tests of a module, nearest first."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


def nearest(tree: Path, module: str) -> list[str]:
    """Files of tests: those named after the module, those that import it, its package, those beside, and the rest.

    Args:
        tree: the root of the sources.
        module: path of a source below it, such as "ltx/flow/schedule.py".
    """
    name = module.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    folder = Path("tests", module).parent

    def distance(path: Path) -> tuple[bool, bool, bool, int, str]:
        relative = path.relative_to(tree)
        shared = sum(1 for one, other in zip(folder.parts, relative.parent.parts, strict=False) if one == other)
        names = imports[path]
        package, _, last = name.rpartition(".")
        return last not in path.stem, name not in names, package not in names, -shared, relative.as_posix()

    imports = {path: _imports(path) for path in (tree / "tests").rglob("test_*.py")}
    return [path.relative_to(tree).as_posix() for path in sorted(imports, key=distance)]


@cache
def _imports(path: Path) -> set[str]:
    """Modules that a file names in its imports; of tests, which no mutant changes."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return names
