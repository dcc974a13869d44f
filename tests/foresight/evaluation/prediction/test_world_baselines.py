"""What a model has to beat: a remembered clip, and bodies that go on as they went."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foresight.evaluation.prediction.world_baselines import NearestClip, constant_velocity
from foresight.physics import Body, PhysicsConfig, make_clip
from foresight.physics.clip import SPLITS
from foresight.physics.render import render
from foresight.physics.tracking import track


@pytest.mark.parametrize(("start", "path"), [(20.0, [28.0, 32.0, 36.0]), (46.0, [54.0, 58.0, 58.0])])
def test_bodies_go_on_until_a_wall_stops_them(start: float, path: list[float]) -> None:
    """Four pixels a frame to the right, and two up, as between the last two pictures; a ball of 6 ends at 58."""
    bodies = (Body("ball", "red", 6.0),)
    places = np.array([[[5.0, 5.0]], [[start, 40.0]], [[start + 4, 38.0]]])
    context = render(places, bodies, 64).float() / 127.5 - 1
    found = track(constant_velocity(context, bodies, 3), bodies).positions[:, 0]
    assert torch.allclose(found[:, 0], torch.tensor(path), atol=0.2)
    assert torch.allclose(found[:, 1], torch.tensor([36.0, 34.0, 32.0]), atol=0.2)
    assert constant_velocity(context[:, 1:], bodies, 1).shape == (3, 1, 64, 64)
    with pytest.raises(ValueError, match="at least 2"):
        constant_velocity(context[:, 2:], bodies, 3)


def test_a_remembered_context_brings_its_future() -> None:
    """The clip of training that begins as the one asked about goes on as it did."""
    physics = PhysicsConfig()
    clips = [make_clip(SPLITS["train"] + index, physics).tensor for index in (2, 0)]
    found = NearestClip(physics, 3)(torch.stack([clip[:, :9] for clip in clips]), 4)
    assert torch.equal(found, torch.stack([clip[:, 9:13] for clip in clips]))
