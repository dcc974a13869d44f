"""Where bodies lie among tokens, and tokens in the video, by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from foresight.physics import COLOURS, Body
from foresight.vlm.curriculum.grounding_targets import SPEED, places
from foresight.vlm.positions import centres

RED, BLUE = list(COLOURS).index("red"), list(COLOURS).index("blue")


def episode() -> Any:
    """Seven frames of 60 pixels: a ball that goes right by 10 a frame from −10, and a box below that stands still."""
    positions = torch.tensor([[[10.0 * frame - 10, 10.0], [70.0, 65.0]] for frame in range(7)])
    velocities = torch.tensor([[[SPEED / 2, -SPEED], [0.0, 0.0]]]).expand(7, -1, -1)
    bodies = (Body("ball", "red", 5.0), Body("box", "blue", 5.0))
    return SimpleNamespace(positions=positions, velocities=velocities, bodies=bodies, config=SimpleNamespace(size=60.0))


def test_a_body_is_in_the_cell_of_its_centre() -> None:
    """Frames 0, 2, 4 in two times are told at frames 2 and 4: x = 10 and 30 of 60 are columns 0 and 1 of 3, y = 10 is
    row 0 of 2; what leaves the picture is in the cell at its edge."""
    found = places([episode()], (2, 2, 3), (0, 2, 4))
    assert found.presence.sum() == 4 and found.presence.shape == (1, 12, len(COLOURS))
    assert found.presence[0, :, RED].nonzero().flatten().tolist() == [0, 6 + 1]
    assert found.presence[0, :, BLUE].nonzero().flatten().tolist() == [5, 6 + 5]
    assert found.states[0, 0, RED].tolist() == pytest.approx([0.0, 1 / 3 - 0.5, 0.5, -1.0, 1.0])
    assert found.states[0, 7, RED].tolist() == pytest.approx([0.0, 1 / 3 - 0.5, 0.5, -1.0, 1.0])
    assert found.states[0, 5, BLUE].tolist() == pytest.approx([3.5 - 2.5, 65 / 30 - 1.5, 0.0, 0.0, -1.0])
    left = places([episode()], (1, 2, 3), (0,))
    assert left.presence[0, 0, RED] == 1 and float(left.states[0, 0, RED, 0]) == pytest.approx(-0.5 - 0.5)


def test_cells_have_their_centres_in_seconds_and_pixels() -> None:
    """Frames 0 and 2 are seen 1.5 / 8 s after the beginning, 4 and its copy 4.5 / 8; of 64 columns two halves."""
    found = centres((2, 1, 2), indices=(0, 2, 4), frame_rate=8.0, height=32, width=64)
    assert found.tolist() == [[0.1875, 0.1875, 0.5625, 0.5625], [16.0] * 4, [16.0, 48.0, 16.0, 48.0]]
    rows = centres((1, 2, 1), indices=(1,), frame_rate=2.0, height=32, width=64)
    assert rows.tolist() == [[0.75, 0.75], [8.0, 24.0], [32.0, 32.0]]
