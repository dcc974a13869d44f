"""Who is in a room, and when."""

from __future__ import annotations

import torch
from torch import nn

from ltx.offload.room import Room, at_rest, at_work, device_of, dtype_of, lodging_of, working_state
from ltx.offload.shelf import Shelf


def lodged(room: Room, dtype: torch.dtype | None = torch.float64) -> nn.Linear:
    """A layer that works in another type than it rests in."""
    layer = nn.Linear(2, 2)
    room.lodge(layer, Shelf(layer, torch.device("cpu"), dtype))
    return layer


def working(*layers: nn.Linear) -> list[bool]:
    return [layer.weight.dtype is torch.float64 for layer in layers]


def test_one_part_is_there_at_a_time() -> None:
    """It stays until another comes, and those that are in use stay too."""
    room = Room()
    one, two = lodged(room), lodged(room)
    assert working(one, two) == [False, False]
    with at_work(one):
        assert working(one, two) == [True, False]
        with at_work(two):
            assert working(one, two) == [True, True]
        with at_work(one):
            assert working(one, two) == [True, False]
    assert working(one, two) == [True, False]
    with at_work(two):
        assert working(one, two) == [False, True]
        at_rest(one)
        assert working(one, two) == [False, True]
    at_rest(two)
    assert working(one, two) == [False, False]


def test_what_does_not_lodge_stays_where_it_is() -> None:
    """It works where its weights are, in their type; one that lodges where it was told to."""
    plain, moved, same = nn.Linear(2, 2), lodged(Room()), lodged(Room(), None)
    with at_work(plain):
        assert plain.weight.dtype is torch.float32
    assert lodging_of(plain) is None and lodging_of(moved) is not None
    assert [dtype_of(one) for one in (plain, moved, same)] == [torch.float32, torch.float64, torch.float32]
    assert device_of(plain) == device_of(moved) == torch.device("cpu")
    assert [tensor.dtype for _, tensor in working_state(plain)] == [torch.float32] * 2
    assert [(name, tensor.dtype) for name, tensor in working_state(moved)] == [
        ("bias", torch.float64),
        ("weight", torch.float64),
    ]
