"""Trying mutants: which are drawn, and which tests are asked about them."""

from __future__ import annotations

from pathlib import Path

import pytest

SOURCE = '''
def f(a: int | None, *, b: float = 1.0) -> dict[str, int | float]:
    """Stars of signatures and dictionaries are no operators."""
    if a is None and not b < 2:
        return {**{"σ": 1}, "x": -1}
    return {"x": a * 2 + 1}
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One module in one package."""
    for package in ("ltx/flow", "adapters", "foresight"):
        (tmp_path / package).mkdir(parents=True)
    (tmp_path / "ltx/flow/f.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_operators_that_run_are_drawn_and_no_others(tree: Path) -> None:
    """`is`, `and`, `not`, `<`, −, * and + are seven sites; the annotations and the stars are none."""
    sample = pytest.importorskip("experiments.mutations.sample", exc_type=ImportError).sample
    lines = SOURCE.splitlines()
    places = [(item.mutations[0].start_pos, item.mutations[0].end_pos) for item in sample(tree, 7, seed=3)]
    drawn = [lines[line - 1][first:last] for (line, first), (_, last) in places]
    assert sorted(drawn) == sorted(["is", "and", "not", "<", "-", "*", "+"])
    with pytest.raises(ValueError, match="at most 7"):
        sample(tree, 8, seed=3)


def test_a_seed_is_a_sample(tree: Path) -> None:
    """The same seed draws the same, in the same order; another one does not."""
    sample = pytest.importorskip("experiments.mutations.sample", exc_type=ImportError).sample
    assert sample(tree, 4, seed=0) == sample(tree, 4, seed=0) != sample(tree, 4, seed=1)


GUARDED = '''
import warnings


def g(a, remarks):
    """Five guards; what a subclass must have and a plain call are none."""
    if a < 0:
        raise ValueError(
            f"expected more, got {a}"
        )
    if a > 9: warnings.warn("large", stacklevel=2)
    try:
        remarks.add(f"it is {a}")
    except OSError:
        print(a)
        raise
    remarks.other(a)
    warn_of(a)


def h():
    raise NotImplementedError
'''


def test_guards_are_drawn_and_taken_out_one_by_one(tree: Path) -> None:
    """Of the source the statement that refuses, warns or remarks is left out, and nothing else is changed."""
    sample = pytest.importorskip("experiments.mutations.sample", exc_type=ImportError).sample
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    (tree / "ltx/g.py").write_text(GUARDED, encoding="utf-8")
    taken = []
    for item in sample(tree, 5, seed=0, kind="guards"):
        (mutation,) = item.mutations
        mutant = mutate_code(GUARDED, get_operator(mutation.operator_name)(), mutation.occurrence)
        before, after = mutant.split("pass", 1)
        assert GUARDED.startswith(before) and GUARDED.endswith(after)
        taken.append(GUARDED[len(before) : -len(after)])
        first = sum(len(line) for line in GUARDED.splitlines(keepends=True)[: mutation.start_pos[0] - 1])
        assert len(before) == first + mutation.start_pos[1]
    assert sorted(text.partition("(")[0] for text in taken) == [
        *("raise", "raise ValueError", "remarks.add", "warn_of", "warnings.warn")
    ]
    assert all("\n" not in text or text.endswith("\n        )") for text in taken)
    with pytest.raises(ValueError, match="at most 5 mutants, as many as there are guards"):
        sample(tree, 6, seed=0, kind="guards")


def test_only_the_named_sources_are_drawn_from(tree: Path) -> None:
    """A file or a folder can be named; one that is not there is refused."""
    sample = pytest.importorskip("experiments.mutations.sample", exc_type=ImportError).sample
    (tree / "adapters/a.py").write_text("x = 1 + 2\n", encoding="utf-8")
    for only, count in ((["adapters"], 1), (["adapters/a.py"], 1), (["ltx"], 7), (["adapters", "adapters/a.py"], 1)):
        drawn = sample(tree, count, seed=0, only=only)
        assert {item.mutations[0].module_path.parts[0] for item in drawn} == {only[0].split("/")[0]}
        with pytest.raises(ValueError, match=f"at most {count}"):
            sample(tree, count + 1, seed=0, only=only)
    with pytest.raises(ValueError, match="forsight"):
        sample(tree, 1, seed=0, only=["adapters", "forsight"])


def test_the_nearest_tests_are_asked_first(tree: Path) -> None:
    """Tests with its name, then those that import it, those in its folder, those of its package, and the rest."""
    from experiments.mutations.nearest import nearest

    texts = {
        "tests/adapters/test_a.py": "import torch",
        "tests/ltx/vae/test_b.py": "from ltx.vae import f",
        "tests/ltx/flow/test_c.py": "x = 1",
        "tests/foresight/test_d.py": "from ltx.flow.f import f",
        "tests/ltx/flow/test_e.py": "from ltx.flow import f",
        "tests/adapters/test_f.py": "x = 1",
    }
    for name, text in texts.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    assert [Path(name).stem for name in nearest(tree, "ltx/flow/f.py")] == [
        *("test_f", "test_e", "test_d", "test_c", "test_b", "test_a")
    ]
