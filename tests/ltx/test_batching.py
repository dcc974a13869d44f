"""Buckets of clips that can share a batch, and the order in which batches come."""

from __future__ import annotations

import pytest

from ltx.batching import Bucket, BucketSampler, MixedSampler, buckets_by_length, buckets_by_shape
from ltx.losses.token_drop import common_length
from ltx.shapes import LatentShape

# 4, 16, 24, 18, 20, 16 and 40 tokens.
SHAPES = [LatentShape(*size) for size in ((1, 2, 2), (4, 2, 2), (6, 2, 2), (2, 3, 3), (5, 2, 2), (1, 4, 4), (10, 2, 2))]


def test_buckets_by_shape() -> None:
    """Clips of one grid share a bucket; another grid with equally many tokens has its own."""
    buckets = buckets_by_shape([*SHAPES, LatentShape(4, 2, 2)])
    assert [(bucket.items, bucket.tokens) for bucket in buckets] == [
        ((0,), 4),
        ((5,), 16),
        ((1, 7), 16),
        ((3,), 18),
        ((4,), 20),
        ((2,), 24),
        ((6,), 40),
    ]


def test_buckets_by_length() -> None:
    """16, 16, 18 and 20 tokens meet at 16, losing at most a fifth; 24 and 40 would lose more."""
    buckets = buckets_by_length(SHAPES, largest_drop=0.2)
    assert [(bucket.items, bucket.tokens) for bucket in buckets] == [
        ((0,), 4),
        ((1, 5, 3, 4), 16),
        ((2,), 24),
        ((6,), 40),
    ]
    for bucket in buckets:
        assert common_length([SHAPES[item].tokens for item in bucket.items]) == bucket.tokens
    assert len(buckets_by_length(SHAPES, largest_drop=0.0)) == 6
    with pytest.raises(ValueError, match="largest drop"):
        buckets_by_length(SHAPES, largest_drop=1.0)
    with pytest.raises(ValueError, match=r"16 to 24 tokens \(33%\)"):
        common_length([16, 24])


def test_every_clip_comes_once() -> None:
    """An epoch gives each clip once, in batches of one bucket within the budget, in an order of (seed, epoch) alone."""
    buckets = [Bucket(tuple(range(10)), 16), Bucket(tuple(range(10, 13)), 100)]
    sampler = BucketSampler(buckets, tokens_per_batch=64, seed=3)
    batches = list(sampler)
    assert sorted(item for batch in batches for item in batch) == list(range(13))
    assert sorted(len(batch) for batch in batches) == [1, 1, 1, 2, 4, 4]
    assert all(len({item < 10 for item in batch}) == 1 for batch in batches)
    assert len(sampler) == 6 and sampler.batches(0) == batches
    assert sampler.batches(1) != batches
    assert BucketSampler(buckets, tokens_per_batch=64, seed=4).batches(0) != batches
    sampler.set_epoch(1)
    assert list(sampler) == sampler.batches(1)


def test_shares_are_kept_at_every_point() -> None:
    """A quarter images: after n batches n/4 of them within one, in every epoch; each kind goes on where it was."""
    images = BucketSampler([Bucket((0, 1, 2), 4)], tokens_per_batch=4, seed=0)
    videos = BucketSampler([Bucket((3, 4, 5, 6), 16)], tokens_per_batch=16, seed=0)
    mixed = MixedSampler([images, videos], shares=[1, 3], batches=12)
    seen = []
    for epoch in range(2):
        mixed.set_epoch(epoch)
        seen += [batch[0] for batch in mixed]
    assert len(mixed) == 12 and len(seen) == 24
    for number in range(1, 25):
        assert abs(sum(item < 3 for item in seen[:number]) - number / 4) < 1
    shown = [item for item in seen if item < 3]
    assert sorted(shown[:3]) == sorted(shown[3:6]) == [0, 1, 2]
    mixed.set_epoch(1)
    assert [batch[0] for batch in mixed] == seen[12:]


def test_impossible_mixtures_are_refused() -> None:
    """Shares that are missing, negative or all zero, and empty buckets, are refused."""
    sampler = BucketSampler([Bucket((0,), 4)], tokens_per_batch=4, seed=0)
    for samplers, shares in (([sampler], [1, 2]), ([sampler, sampler], [1, -1]), ([sampler], [0.0])):
        with pytest.raises(ValueError, match="share"):
            MixedSampler(samplers, shares=shares, batches=3)
    with pytest.raises(ValueError, match="at least one token"):
        Bucket((), 4)
    with pytest.raises(ValueError, match="positive token budget"):
        BucketSampler([], tokens_per_batch=4, seed=0)


def test_impossible_batches_are_refused() -> None:
    """No token, no budget, no batch; one of each is enough."""
    sampler = BucketSampler([Bucket((0,), 1)], tokens_per_batch=1, seed=0)
    assert len(sampler) == 1 and len(MixedSampler([sampler], shares=[2], batches=1)) == 1
    with pytest.raises(ValueError, match="at least one token"):
        Bucket((0,), 0)
    with pytest.raises(ValueError, match="positive token budget, got 1 and 0"):
        BucketSampler(sampler.buckets, tokens_per_batch=0, seed=0)
    with pytest.raises(ValueError, match="at least one batch"):
        MixedSampler([sampler], shares=[1], batches=0)
    with pytest.raises(ValueError, match="got 0 samplers and 0 shares"):
        MixedSampler([], shares=[], batches=1)
    with pytest.raises(ValueError, match=r"in \[0, 1\), got -0\.1"):
        buckets_by_length(SHAPES, largest_drop=-0.1)


def test_a_bucket_ends_where_more_than_the_share_would_go() -> None:
    """Of 20 tokens a fifth may go, of 21 more would."""
    shapes = [LatentShape(tokens, 1, 1) for tokens in (16, 20, 21)]
    assert [bucket.items for bucket in buckets_by_length(shapes, largest_drop=0.2)] == [(0, 1), (2,)]
    assert buckets_by_length([], largest_drop=0.2) == []


def test_each_sampler_begins_another_pass_in_a_new_order() -> None:
    """And a share of 0 gives nothing."""
    one = BucketSampler([Bucket(tuple(range(6)), 1)], tokens_per_batch=1, seed=0)
    two = BucketSampler([Bucket((9,), 1)], tokens_per_batch=1, seed=0)
    found = [batch[0] for batch in MixedSampler([one, two], shares=[1, 0], batches=12)]
    assert found == [batch[0] for turn in (0, 1) for batch in one.batches(turn)]
    assert sorted(found[:6]) == sorted(found[6:]) and found[:6] != found[6:]
    half = [batch[0] for batch in MixedSampler([one, two], shares=[1, 1], batches=4)]
    assert [item == 9 for item in half] == [False, True, False, True]
