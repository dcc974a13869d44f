"""The order of training data: passes, batches and ranks by position."""

from __future__ import annotations

from itertools import islice

import pytest

from foresight.data.stream import StreamBatches


def taken(count: int, **change: int) -> list[list[int]]:
    """The first batches of a stream of three examples, one per batch."""
    usual = {"size": 3, "batch": 1, "seed": 0, "start": 0, "rank": 0, "world": 1}
    return list(islice(StreamBatches(**{**usual, **change}), count))


def test_every_pass_holds_everything_once() -> None:
    """In another order from pass to pass, in the same for the same seed."""
    order = [index for (index,) in taken(30)]
    passes = [tuple(order[first : first + 3]) for first in range(0, 30, 3)]
    assert all(sorted(one) == [0, 1, 2] for one in passes) and len(set(passes)) > 2
    assert taken(30) == taken(30) and taken(30) != taken(30, seed=1)


def test_batches_and_ranks_share_out_one_order() -> None:
    """Batch 1 of rank 1 of 2 with two examples each holds positions 6 and 7, wherever the stream begins."""
    order = [index for (index,) in taken(12)]
    assert taken(3, batch=2) == [order[0:2], order[2:4], order[4:6]]
    assert taken(3, batch=2, world=2) == [order[0:2], order[4:6], order[8:10]]
    assert taken(3, batch=2, world=2, rank=1) == [order[2:4], order[6:8], order[10:12]]
    assert taken(2, batch=2, world=2, rank=1, start=1) == [order[6:8], order[10:12]]


@pytest.mark.parametrize("change", [{"size": 0}, {"batch": 0}, {"start": -1}, {"rank": -1}, {"rank": 1}])
def test_impossible_streams_are_refused(change: dict[str, int]) -> None:
    """One example, one per batch, the first rank of one: less is nothing."""
    assert taken(2, size=1) == [[0], [0]]
    with pytest.raises(ValueError, match="expected size, batch"):
        taken(1, **change)
