"""Sample of mutants: a seeded choice of operators, each replaced by its nearest neighbour, or of guards."""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_item import MutationSpec, WorkItem

from experiments.mutations.guards import guards

PACKAGES = ("ltx", "adapters", "foresight")

REPLACEMENTS = (
    *(f"core/ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul")),
    *(f"core/ReplaceBinaryOperator_{pair}" for pair in ("Mod_FloorDiv", "Pow_Mul", "BitAnd_BitOr", "BitOr_BitAnd")),
    *(
        f"core/ReplaceComparisonOperator_{pair}"
        for pair in ("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE")
    ),
    *(f"core/ReplaceComparisonOperator_{pair}" for pair in ("GtE_Gt", "GtE_Lt", "Eq_NotEq", "NotEq_Eq")),
    *(f"core/ReplaceComparisonOperator_{pair}" for pair in ("Is_IsNot", "IsNot_Is")),
    *(f"core/{name}" for name in ("ReplaceAndWithOr", "ReplaceOrWithAnd")),
    *(f"core/ReplaceUnaryOperator_{name}" for name in ("USub_UAdd", "Delete_Not", "Delete_Invert")),
)
"""The changes that are hardest to notice, such as + for −, < for ≤ or ≥: ** for << would be seen at once."""


def sample(
    root: Path, count: int, seed: int, kind: str = "operators", only: Sequence[str] = PACKAGES
) -> list[WorkItem]:
    """Mutants at `count` different places, every place as likely as any other; the order is random too.

    The seed decides, so long as the source is the same.

    Args:
        root: of the sources.
        count: places.
        seed: of the choice.
        kind: of the places, a word of `KINDS`.
        only: files and folders below `root` to choose from.

    Raises:
        ValueError: if there are fewer places than asked for, or no such file or folder.
    """
    files = dict.fromkeys(path for part in only for path in _sources(root / part))
    sites = [site for path in files for site in KINDS[kind](root, path)]
    if count > len(sites):
        raise ValueError(f"expected at most {len(sites)} mutants, as many as there are {kind}, got {count}")
    chance = random.Random(seed)
    chosen = [chance.choice(site) for site in chance.sample(sites, count)]
    return [WorkItem.single(f"{index:04d}", mutation) for index, mutation in enumerate(chosen)]


def _sources(path: Path) -> list[Path]:
    """The file, or what is below the folder."""
    if not path.exists():
        raise ValueError(f"expected a file or a folder of sources to choose from, got {path}")
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def operators(root: Path, path: Path) -> list[list[MutationSpec]]:
    """For each operator in a file that runs, the mutations of it."""
    source = path.read_text(encoding="utf-8")
    nodes, spans = list(ast_nodes(get_ast(source))), _running(source)
    found: dict[tuple[int, int], list[MutationSpec]] = {}
    for name in REPLACEMENTS:
        operator = get_operator(name)()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(places):
            if any(first <= start < last for first, last in spans):
                mutation = MutationSpec(path.relative_to(root), name, occurrence, start, end)
                found.setdefault(start, []).append(mutation)
    return list(found.values())


KINDS = {"operators": operators, "guards": guards}

Place = tuple[int, int]


def _running(source: str) -> list[tuple[Place, Place]]:
    """Places of operators that run: not the star of `def f(*, a)` or of `{**a}`, and none in annotations."""
    lines = source.splitlines()

    def place(line: int, byte: int) -> Place:
        return line, len(lines[line - 1].encode()[:byte].decode())

    def start(node: ast.expr) -> Place:
        return place(node.lineno, node.col_offset)

    def end(node: ast.expr) -> Place:
        return place(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)

    found = []
    nodes: list[ast.AST] = [ast.parse(source)]
    while nodes:
        match node := nodes.pop():
            case ast.BinOp():
                operands = [node.left, node.right]
            case ast.Compare():
                operands = [node.left, *node.comparators]
            case ast.BoolOp():
                operands = node.values
            case _:
                operands = []
        found.extend((end(left), start(right)) for left, right in pairwise(operands))
        if isinstance(node, ast.UnaryOp):
            found.append((start(node), start(node.operand)))
        for field, value in ast.iter_fields(node):
            if field not in ("annotation", "returns"):
                nodes.extend(
                    part for part in (value if isinstance(value, list) else [value]) if isinstance(part, ast.AST)
                )
    return found
