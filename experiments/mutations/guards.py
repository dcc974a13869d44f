"""Guards taken out: a statement that refuses or warns does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import OPERATOR_PROVIDERS
from cosmic_ray.work_item import MutationSpec
from parso.python.tree import Keyword


class TakeOut(Operator):
    """`pass` in place of a `raise`, a warning or a remark.

    What an `if` or an `except` around it says does not matter: a test that would notice runs the statement itself.
    Methods that only say that a subclass must have them (`NotImplementedError`) are no guards.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Place of the statement."""
        if getattr(node.parent, "type", "") == "simple_stmt" and _guards(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Keyword:
        """`pass`, in the same place."""
        return Keyword("pass", node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> Iterable[Example]:
        """Of each kind one."""
        return (
            Example("if a < 0:\n    raise ValueError(a)\n", "if a < 0:\n    pass\n"),
            Example("warnings.warn(text, stacklevel=2)\n", "pass\n"),
            Example("self.remarks.add(text)\n", "pass\n"),
        )


def _guards(node: Any) -> bool:
    """True for a statement that refuses or warns."""
    code = node.get_code(include_prefix=False)
    if code.split(" ")[0] == "raise":
        return "NotImplementedError" not in code
    if node.type != "atom_expr" or node.get_last_leaf().value != ")":
        return False
    called = code.partition("(")[0]
    return called.split(".")[-1].startswith("warn") or called.endswith("remarks.add")


OPERATOR_PROVIDERS["guards"] = {TakeOut.__name__: TakeOut}


def guards(root: Path, path: Path) -> list[list[MutationSpec]]:
    """For each guard in a file, the one mutation of it."""
    nodes = ast_nodes(get_ast(path.read_text(encoding="utf-8")))
    places = chain.from_iterable(map(TakeOut().mutation_positions, nodes))
    return [
        [MutationSpec(path.relative_to(root), f"guards/{TakeOut.__name__}", occurrence, start, end)]
        for occurrence, (start, end) in enumerate(places)
    ]
