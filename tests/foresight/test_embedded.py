"""The model that comes with the package: it loads, repeats itself, is verified by its own verifier, and is small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import foresight
from foresight.physics import make_clip
from foresight.physics.counterfactual import counterfactual
from foresight.verify import Verifier, model_fingerprint
from foresight.world.world_model import WorldModel

NAME = "foresight-tiny"
SEED = 30_000_012


@pytest.fixture(scope="module")
def embedded():
    """The embedded world model."""
    return WorldModel.from_pretrained(NAME)


def test_the_same_seed_gives_the_same_video(embedded: Any) -> None:
    """Two predictions with one seed are equal bit by bit, of the asked length, finite and in [−1, 1]."""
    clip = make_clip(SEED)
    first = embedded.predict(clip.tensor[:, :9], clip.instruction, 16, seed=3)
    again = embedded.predict(clip.tensor[:, :9], clip.instruction, 16, seed=3)
    assert first.video.shape == (1, 3, 16, 64, 64)
    assert torch.equal(first.video, again.video)
    assert bool(first.video.isfinite().all()) and float(first.video.abs().max()) <= 1.0


def test_two_loads_give_the_same_video(embedded: Any) -> None:
    """Nothing of a prediction depends on the process's random state at loading."""
    clip = make_clip(SEED)
    torch.manual_seed(1234)
    other = WorldModel.from_pretrained(NAME)
    first = embedded.predict(clip.tensor[:, :9], clip.instruction, 8, seed=0)
    assert torch.equal(first.video, other.predict(clip.tensor[:, :9], clip.instruction, 8, seed=0).video)


def test_its_verifier_was_fitted_for_its_weights(embedded: Any) -> None:
    """The fingerprint in the verifier is that of the weights beside it."""
    assert Verifier.from_pretrained(NAME).fitted_on.model == model_fingerprint(embedded)


def test_what_happened_is_judged_above_the_same_future_reversed(embedded: Any) -> None:
    """On a clip of the test split the true future is more probable than the one that runs backwards."""
    verifier = Verifier.from_pretrained(NAME)
    clip = make_clip(SEED)
    candidates = verifier.fitted_on.candidates
    prediction = embedded.predict(clip.tensor[:, :9], clip.instruction, 16, candidates=candidates)
    true, wrong = (
        verifier.verify(embedded, [prediction], outcome.tensor[None, :, 9:])[0].probability
        for outcome in (clip, counterfactual(clip, "reversed"))
    )
    assert true > 0.5 > wrong


def test_all_files_are_small() -> None:
    """All files together take at most 32 MB, none more than 20 MB."""
    folder = Path(foresight.__file__).parent / "models" / NAME
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    assert len(sizes) > 10
    assert sum(sizes) <= 32_000_000
    assert max(sizes) <= 20_000_000
