"""What imports what: no circle between files or folders, no string that reaches up, no function of many arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("ltx", "adapters", "foresight", "experiments")
MOST = 8
"""Parameters of a function, without itself."""

Graph = Mapping[str, set[str]]


@cache
def trees() -> dict[str, ast.AST]:
    """Every module of the project by its dotted name."""
    found = {}
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text())
    return found


@cache
def imports() -> Graph:
    """Which modules each imports anywhere in it: inside functions, and for type checkers alone, too."""
    known = trees().keys()
    graph: dict[str, set[str]] = {}
    for module, tree in trees().items():
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                full = {alias: f"{node.module}.{alias.name}" for alias in node.names}
                names |= {name if name in known else node.module for name in full.values()}
        graph[module] = (names & known) - {module}
    return graph


@cache
def folders() -> Graph:
    """The same between rooms: the first two levels, a loose file being a room of its own."""

    def room(module: str) -> str:
        parts = module.split(".")
        return ".".join(parts[:2])

    graph: dict[str, set[str]] = {}
    for module, others in imports().items():
        for other in others:
            # The package itself names its public classes, wherever they live.
            if module in LAYERS or other in LAYERS or room(module) == room(other):
                continue
            graph.setdefault(room(module), set()).add(room(other))
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """Groups of nodes of which each reaches each other one (Tarjan's strongly connected components)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            group = stack[stack.index(node) :]
            del stack[-len(group) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", node


def test_circles_are_found() -> None:
    """Three that reach each other are one circle, two that do are another, and a line is none."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert sorted(circles(graph)) == [["a", "b", "c"], ["d", "e"]]


def test_no_file_imports_itself_by_way_of_others() -> None:
    """Whoever reads a file can read what it stands on before."""
    assert circles(imports()) == []


def test_no_folder_imports_itself_by_way_of_others() -> None:
    """Folders lie on floors: each imports from those below."""
    assert circles(folders()) == []


@pytest.mark.parametrize("layer", LAYERS)
def test_no_string_names_a_layer_above(layer: str) -> None:
    """No name in a string, such as a package of configurations, leads where an import may not go."""
    above = tuple(f"{other}." for other in LAYERS[LAYERS.index(layer) + 1 :])
    found = [
        (module, node.value)
        for module, tree in trees().items()
        if module.split(".")[0] == layer
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and " " not in node.value
        and node.value.startswith(above)
    ]
    assert found == []


def test_functions_take_few_arguments() -> None:
    """What would be more is a record; type checkers see what `**options` are."""
    found = {}
    for name, node in functions():
        given = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        count = len([argument for argument in given if argument.arg not in ("self", "cls")])
        if count > MOST:
            found[name] = count
    assert found == {}
