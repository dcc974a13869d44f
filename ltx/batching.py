"""Batches of clips of several resolutions and durations, and of images among videos.

A batch must be rectangular. `buckets_by_shape` groups clips of one latent grid (what a VAE needs);
`buckets_by_length` groups clips whose token counts differ so little that `ltx.losses.token_drop` makes them equal (what
a transformer allows, since tokens carry their coordinates). `BucketSampler` draws batches of about one number of tokens
from the buckets, and `MixedSampler` mixes such streams in fixed shares, e.g. images and videos.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch.utils.data import Sampler

from ltx.shapes import LatentShape


@dataclass(frozen=True)
class Bucket:
    """Clips that can share a batch.

    Attributes:
        items: their indices in the data set.
        tokens: the length every clip of the bucket is brought to.
    """

    items: tuple[int, ...]
    tokens: int

    def __post_init__(self) -> None:
        if not self.items or self.tokens < 1:
            raise ValueError(f"expected a bucket with clips of at least one token, got {self}")


def buckets_by_shape(shapes: Sequence[LatentShape]) -> list[Bucket]:
    """One bucket for each latent grid, ordered by tokens, then frames, height, width."""
    groups: dict[LatentShape, list[int]] = defaultdict(list)
    for index, shape in enumerate(shapes):
        groups[shape].append(index)
    ordered = sorted(groups, key=lambda shape: (shape.tokens, shape.frames, shape.height, shape.width))
    return [Bucket(tuple(groups[shape]), shape.tokens) for shape in ordered]


def buckets_by_length(shapes: Sequence[LatentShape], *, largest_drop: float) -> list[Bucket]:
    """Buckets in which no clip loses more than `largest_drop` of its tokens when cut to the bucket's shortest.

    Greedy from the shortest clip up, which gives the fewest buckets.

    Raises:
        ValueError: if largest_drop is outside [0, 1).
    """
    if not 0 <= largest_drop < 1:
        raise ValueError(f"expected a largest drop in [0, 1), got {largest_drop}")
    buckets: list[Bucket] = []
    items: list[int] = []
    for index in sorted(range(len(shapes)), key=lambda index: (shapes[index].tokens, index)):
        if items and shapes[items[0]].tokens < shapes[index].tokens * (1 - largest_drop):
            buckets.append(Bucket(tuple(items), shapes[items[0]].tokens))
            items = []
        items.append(index)
    return buckets + ([Bucket(tuple(items), shapes[items[0]].tokens)] if items else [])


class BucketSampler(Sampler[list[int]]):
    """Batch sampler: every epoch gives each clip once, in batches from one bucket, in an order drawn from the seed.

    A batch holds as many clips as fit `tokens_per_batch`, at least one, so small clips come in large batches. The last
    batch of a bucket may be smaller. The batches are a pure function of seed and epoch, so a resumed run can skip
    exactly those it has seen.
    """

    def __init__(self, buckets: Sequence[Bucket], *, tokens_per_batch: int, seed: int) -> None:
        if not buckets or tokens_per_batch < 1:
            raise ValueError(f"expected buckets and a positive token budget, got {len(buckets)} and {tokens_per_batch}")
        self.buckets = tuple(buckets)
        self.tokens_per_batch = tokens_per_batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of the next pass."""
        self.epoch = epoch

    def batches(self, epoch: int) -> list[list[int]]:
        """All batches of an epoch."""
        rng = random.Random(f"{self.seed}/{epoch}")
        batches = []
        for bucket in self.buckets:
            items = list(bucket.items)
            rng.shuffle(items)
            size = self._size(bucket)
            batches += [items[start : start + size] for start in range(0, len(items), size)]
        rng.shuffle(batches)
        return batches

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches(self.epoch))

    def __len__(self) -> int:
        return sum(-(-len(bucket.items) // self._size(bucket)) for bucket in self.buckets)

    def _size(self, bucket: Bucket) -> int:
        return max(1, self.tokens_per_batch // bucket.tokens)


class MixedSampler(Sampler[list[int]]):
    """Batches from several bucket samplers in fixed shares, e.g. a quarter images and three quarters videos.

    Each batch comes from one sampler. Shares are kept exactly up to one batch at every point of the epoch (the sampler
    furthest behind its share is next), and a sampler that runs out starts another pass in a new order.
    """

    def __init__(self, samplers: Sequence[BucketSampler], *, shares: Sequence[float], batches: int) -> None:
        if len(samplers) != len(shares) or not samplers:
            raise ValueError(
                f"expected a share for each sampler, got {len(samplers)} samplers and {len(shares)} shares"
            )
        if min(shares) < 0 or sum(shares) <= 0 or batches < 1:
            raise ValueError(
                f"expected shares ≥ 0 that are not all 0 and at least one batch, got {shares} and {batches}"
            )
        self.samplers = tuple(samplers)
        self.shares = tuple(share / sum(shares) for share in shares)
        self.count = batches
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the batches of the next epoch, which go on where the last epoch stopped."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        drawn = [0] * len(self.samplers)
        passes: dict[int, tuple[int, list[list[int]]]] = {}
        for number in range((self.epoch + 1) * self.count):
            behind = [share * (number + 1) - taken for share, taken in zip(self.shares, drawn, strict=True)]
            source = behind.index(max(behind))
            if number >= self.epoch * self.count:
                turn, place = divmod(drawn[source], len(self.samplers[source]))
                if passes.get(source, (-1,))[0] != turn:
                    passes[source] = turn, self.samplers[source].batches(turn)
                yield passes[source][1][place]
            drawn[source] += 1

    def __len__(self) -> int:
        return self.count
