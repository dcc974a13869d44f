"""A signal or plausibility is one file and nothing else."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import pytest
import torch

from foresight.verify import PLAUSIBILITIES, SIGNALS
from foresight.verify.evidence.records import Evidence
from foresight.verify.signals import AbstractSignal
from foresight.verify.signals.registry import discover

MINE = '''
"""The brightness of what happened."""

from foresight.verify.signals.base import AbstractSignal


class Brightness(AbstractSignal):
    """Mean over everything."""

    name = "brightness"

    def __call__(self, evidence):
        """In [-1, 1]."""
        return evidence.observed.mean(dim=(1, 2, 3, 4))
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package of signals."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        del sys.modules[name]


def test_a_file_is_all_it_takes(package: Any) -> None:
    """A file with a subclass is found by its name and measures; imported classes are not taken for its own."""
    (package / "brightness.py").write_text(MINE)
    found = discover("mine", list(import_module("mine").__path__), AbstractSignal)
    assert list(found) == ["brightness"]
    future, latents = torch.full((2, 3, 8, 16, 16), 0.25), torch.zeros(2, 1, 1, 1, 1)
    evidence = Evidence(future, future[:, None], latents[:, None], future, latents, latents)
    assert found["brightness"](evidence).tolist() == [0.25, 0.25]


def test_two_of_a_name_are_refused(package: Any) -> None:
    """Which of them a verifier was fitted on would be chance."""
    (package / "one.py").write_text(MINE)
    (package / "other.py").write_text(MINE)
    with pytest.raises(ValueError, match="brightness"):
        discover("mine", list(import_module("mine").__path__), AbstractSignal)


def test_what_comes_with_the_package_is_found() -> None:
    """Every kind of signal of verification is there, each under its own name."""
    kinds = {
        "pixel",
        "pixel_ratio",
        "structure",
        "structure_ratio",
        "latent",
        "latent_ratio",
        "latent_spread",
        "motion",
    }
    kinds |= {"flow_loss", "flow_instruction", "flow_told", "flow_frozen", "flow_typicality", "energy", "rank"}
    kinds |= {
        "disagreement",
        "semantic",
        "action_read",
        "state_read",
        "lpips",
        "motion_amount",
        "permanence",
        "continuity",
    }
    assert set(SIGNALS) == kinds
    assert {"eccentricity", "agreement", "told", "permanence", "smoothness"} <= set(PLAUSIBILITIES)
    assert all(name == one.name for name, one in (SIGNALS | PLAUSIBILITIES).items())
