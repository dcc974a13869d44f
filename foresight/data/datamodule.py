"""A LightningDataModule over two sources that resumes at the exact batch."""

from __future__ import annotations

from typing import Any

from lightning import LightningDataModule
from torch.utils.data import DataLoader

from foresight.data.source import Source
from foresight.data.stream import StreamBatches
from foresight.training.randomness import keyed_generator


class StreamData(LightningDataModule):
    """Endless shuffled training batches and one pass of validation batches.

    Args:
        train: what to train on.
        validation: held out.
        batch: examples per batch and process.
        workers: processes that load data; 0 loads in the training process. The order does not depend on it.
        seed: of the order of the training data.
    """

    def __init__(self, *, train: Source, validation: Source, batch: int, workers: int, seed: int) -> None:
        super().__init__()
        self.train, self.validation = train, validation
        self.batch, self.workers, self.seed = batch, workers, seed
        self.position = 0
        """Training batches that have reached the training step in this process."""

    def prepare_data(self) -> None:
        """Prepare both sources."""
        self.train.prepare()
        self.validation.prepare()

    def train_dataloader(self) -> DataLoader:
        """The stream from the current position on."""
        rank, world = self._place()
        batches = StreamBatches(
            size=len(self.train), batch=self.batch, seed=self.seed, start=self.position, rank=rank, world=world
        )
        return self._loader(self.train, batches)

    def val_dataloader(self) -> DataLoader:
        """The held-out source in order, split between the processes."""
        rank, world = self._place()
        rows = list(range(len(self.validation)))[rank::world]
        return self._loader(self.validation, [rows[i : i + self.batch] for i in range(0, len(rows), self.batch)])

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Count the training batches as they leave the loader, which may have read ahead."""
        if self.trainer is not None and self.trainer.training:
            self.position += 1
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Position in the stream."""
        return {"position": self.position, "batch": self.batch, "seed": self.seed, "world": self._place()[1]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a position.

        Raises:
            ValueError: if batch size, seed or number of processes have changed: the position would mean other data.
        """
        now = self.state_dict()
        changed = {
            key: (state_dict[key], now[key]) for key in ("batch", "seed", "world") if state_dict[key] != now[key]
        }
        if changed:
            raise ValueError(f"expected the data settings of the checkpoint to resume exactly; changed are {changed}")
        self.position = state_dict["position"]

    def _place(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)

    def _loader(self, source: Source, batches: Any) -> DataLoader:
        return DataLoader(
            source,  # type: ignore[arg-type]
            batch_sampler=batches,
            num_workers=self.workers,
            # Its own generator: starting a loader must not draw from the global one, or a validation between a
            # checkpoint and a kill would shift every dropout mask after it.
            generator=keyed_generator("loader", self.seed),
            collate_fn=_as_is,
            persistent_workers=self.workers > 0,
        )


def _as_is(batch: Any) -> Any:
    return batch
