"""Training on clips of several sizes at once: images and videos, small and large, short and long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from torch.utils.data import Sampler

from foresight.data.account import GivesAccount
from foresight.data.batch import FeatureBatch, MultiSizeBatch
from foresight.data.encode import EncodedClips, caches_of
from foresight.data.reconstruction import Reconstruction
from foresight.data.resumable import ResumableData
from foresight.data.source import Source
from ltx.batching import Bucket, BucketSampler, MixedSampler, buckets_by_length
from ltx.losses.token_drop import LARGEST_DROP, common_length
from ltx.shapes import LatentShape


class Stills:
    """The first latent frame of each clip: an image, since a causal VAE encodes it as if it stood alone.

    Args:
        clips: a source of cached latents.
    """

    def __init__(self, *, clips: Source) -> None:
        self._clips = clips

    @property
    def caches(self) -> list[EncodedClips]:
        """Caches to fill before the first row is read."""
        return caches_of(self._clips)

    def prepare(self) -> None:
        """Prepare the clips."""
        self._clips.prepare()

    def recipe(self) -> dict[str, Any]:
        """Recipe of the clips, marked as stills."""
        return {"kind": "stills", "clips": self._clips.recipe()}

    def __len__(self) -> int:
        return len(self._clips)

    def __getitems__(self, indices: Sequence[int]) -> FeatureBatch:
        """The images of the given rows."""
        rows = self._clips.__getitems__(indices)
        assert isinstance(rows, FeatureBatch)
        return replace(rows, tensors={"latents": rows["latents"][:, :, :1]})


class MixedClips:
    """Sources of cached latents joined into one; each has clips of one size.

    Args:
        parts: the sources by name; images are clips of one frame.
    """

    def __init__(self, *, parts: Mapping[str, Source]) -> None:
        if not parts:
            raise ValueError("expected at least one source, got none")
        self.parts = dict(parts)

    @property
    def caches(self) -> list[EncodedClips]:
        """Caches to fill before the first row is read."""
        return [cache for part in self.parts.values() for cache in caches_of(part)]

    def account(self) -> list[str]:
        """Account of the videos of each source."""
        return [
            f"{name}: {line}"
            for name, part in self.parts.items()
            if isinstance(part, GivesAccount)
            for line in part.account()
        ]

    def reconstruction(self) -> Reconstruction | None:
        """Reconstruction quality of a few clips of the first source."""
        first = next(iter(self.parts.values()))
        return first.reconstruction() if isinstance(first, EncodedClips) else None

    def prepare(self) -> None:
        """Prepare every source."""
        for part in self.parts.values():
            part.prepare()

    def recipe(self) -> dict[str, Any]:
        """Recipes of the sources."""
        return {name: part.recipe() for name, part in self.parts.items()}

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts.values())

    def shapes(self) -> list[LatentShape]:
        """Latent size of every clip; reads one clip of each source."""
        return [shape for part in self.parts.values() for shape in [_shape(part)] * len(part)]

    def __getitems__(self, indices: Sequence[int]) -> MultiSizeBatch:
        """The given clips; their common length is that of the shortest.

        Raises:
            ValueError: if the longest would lose more than a fifth of its tokens.
        """
        rows = [self._row(index) for index in indices]
        latents = tuple(row["latents"][0] for row in rows)
        return MultiSizeBatch(
            latents,
            instructions=tuple(text for row in rows for text in row.instructions),
            frame_rates=tuple(row.frame_rate for row in rows),
            tokens=common_length([LatentShape.of(clip[None]).tokens for clip in latents]),
        )

    def _row(self, index: int) -> FeatureBatch:
        for part in self.parts.values():
            if index < len(part):
                row = part.__getitems__([index])
                assert isinstance(row, FeatureBatch)
                return row
            index -= len(part)
        raise IndexError(f"expected an index below {len(self)}")


def _shape(part: Source) -> LatentShape:
    first = part.__getitems__([0])
    assert isinstance(first, FeatureBatch)
    return LatentShape.of(first["latents"])


class MixedBatches(Sampler[list[int]]):
    """Batches from buckets of nearly equal length, for ever, images and videos in fixed shares, from any batch on.

    Args:
        shapes: latent size of every clip.
        tokens_per_batch: about so many tokens are in a batch, so small clips come in large batches.
        image_share: share of the batches that hold images, in [0, 1]; without images or videos it does not matter.
        seed: of the order.
        start: first batch to yield.
        rank: this process; it takes every `world`-th batch.
        world: number of processes.
    """

    def __init__(
        self,
        *,
        shapes: Sequence[LatentShape],
        tokens_per_batch: int,
        image_share: float,
        seed: int,
        start: int,
        rank: int,
        world: int,
    ) -> None:
        if not 0 <= image_share <= 1 or start < 0 or not 0 <= rank < world:
            raise ValueError(
                f"expected an image_share in [0, 1], start ≥ 0 and 0 ≤ rank < world; got {image_share}, {start}, "
                f"{rank} and {world}"
            )
        kinds = {True: image_share, False: 1 - image_share}
        samplers, shares = [], []
        for images, share in kinds.items():
            rows = [row for row, shape in enumerate(shapes) if (shape.frames == 1) == images]
            if rows:
                buckets = [
                    Bucket(tuple(rows[item] for item in bucket.items), bucket.tokens)
                    for bucket in buckets_by_length([shapes[row] for row in rows], largest_drop=LARGEST_DROP)
                ]
                samplers.append(BucketSampler(buckets, tokens_per_batch=tokens_per_batch, seed=seed))
                shares.append(share)
        shares = shares if len(shares) > 1 else [1.0]
        self._mixed = MixedSampler(samplers, shares=shares, batches=sum(map(len, samplers)))
        self._start, self._rank, self._world = start, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        first = self._start * self._world
        for epoch in count(first // len(self._mixed)):
            self._mixed.set_epoch(epoch)
            for number, batch in enumerate(self._mixed, start=epoch * len(self._mixed)):
                if number >= first and number % self._world == self._rank:
                    yield batch

    @property
    def of_a_pass(self) -> int:
        """Batches of all processes in which about every clip comes once."""
        return len(self._mixed)


class MixedData(ResumableData[MixedClips]):
    """Endless mixed training batches and one pass of validation batches of each size.

    Args:
        train: what to train on.
        validation: held out.
        tokens_per_batch: see `MixedBatches`.
        image_share: see `MixedBatches`.
        workers: see `ResumableData`.
        seed: of the order of the training data.
    """

    def __init__(
        self,
        *,
        train: MixedClips,
        validation: MixedClips,
        tokens_per_batch: int,
        image_share: float,
        workers: int,
        seed: int,
    ) -> None:
        super().__init__(train=train, validation=validation, workers=workers, seed=seed)
        self.tokens_per_batch, self.image_share = tokens_per_batch, image_share

    @property
    def settings(self) -> dict[str, Any]:
        """Tokens per batch and share of images."""
        return {"tokens_per_batch": self.tokens_per_batch, "image_share": self.image_share}

    def training_batches(self, start: int, rank: int, world: int) -> MixedBatches:
        """Endless batches of row numbers of nearly equal length; see `MixedBatches`."""
        return MixedBatches(
            shapes=self.train.shapes(),
            tokens_per_batch=self.tokens_per_batch,
            image_share=self.image_share,
            seed=self.seed,
            start=start,
            rank=rank,
            world=world,
        )

    def batches_of_a_pass(self, world: int) -> int:
        """Batches of all buckets."""
        return self.training_batches(0, 0, 1).of_a_pass // world

    def validation_batches(self, rank: int, world: int) -> list[list[int]]:
        """Batches of nearly equal length, every `world`-th of them."""
        buckets = buckets_by_length(self.validation.shapes(), largest_drop=LARGEST_DROP)
        return BucketSampler(buckets, tokens_per_batch=self.tokens_per_batch, seed=self.seed).batches(0)[rank::world]
