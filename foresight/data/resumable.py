"""Base of the data modules: an endless stream of training batches that resumes at the exact batch."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from lightning import LightningDataModule
from torch.utils.data import DataLoader

from foresight.data.encode import caches_of, fill
from foresight.data.loader import ForkingLoader
from foresight.reproducibility.randomness import keyed_generator


class Rows(Protocol):
    """Numbered rows that batches are taken from, prepared before the first is read."""

    def prepare(self) -> None:
        """Make everything that reading needs."""
        ...

    def __len__(self) -> int: ...

    def __getitems__(self, indices: Sequence[int], /) -> Any:
        """The given rows as one batch."""
        ...


RowsT = TypeVar("RowsT", bound=Rows)


class Onward:
    """Batches from where training has come to whenever they are begun anew, as with each epoch of a limited length.

    Args:
        batches: from there on.
    """

    def __init__(self, batches: Callable[[], Iterable[list[int]]]) -> None:
        self._batches = batches
        batches()  # what cannot be is told here, and not by whoever begins them

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches())


class ResumableData(LightningDataModule, ABC, Generic[RowsT]):
    """Endless training batches and one pass of validation batches, from sources that are prepared first.

    Args:
        train: what to train on.
        validation: held out.
        workers: processes that load data; 0 loads in the training process. The order does not depend on it.
        seed: of the order of the training data.
    """

    def __init__(self, *, train: RowsT, validation: RowsT, workers: int, seed: int) -> None:
        super().__init__()
        self.train, self.validation = train, validation
        self.workers, self.seed = workers, seed
        self.position = 0
        """Training batches that have reached the training step in this process."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Settings under which a position in the stream means the same batch."""

    @abstractmethod
    def training_batches(self, start: int, rank: int, world: int) -> Iterable[list[int]]:
        """Rows of each training batch of a process, for ever, from its batch `start` on."""

    @abstractmethod
    def batches_of_a_pass(self, world: int) -> int:
        """Training batches of each process in which about every row comes once."""

    @abstractmethod
    def validation_batches(self, rank: int, world: int) -> list[list[int]]:
        """Rows of each validation batch of a process."""

    def prepare_data(self) -> None:
        """Prepare both sources, what they encode by one network after the other."""
        if caches := [*caches_of(self.train), *caches_of(self.validation)]:
            fill(caches, lambda done, total: None)
        self.train.prepare()
        self.validation.prepare()

    def train_dataloader(self) -> DataLoader[Any]:
        """The stream from the current position on; a share of it becomes so many batches."""
        self._count_share()
        return self._loader(self.train, Onward(lambda: self.training_batches(self.position, *self._place())))

    def val_dataloader(self) -> DataLoader[Any]:
        """The held-out source, split between the processes."""
        return self._loader(self.validation, self.validation_batches(*self._place()))

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Count the training batches as they leave the loader, which may have read ahead."""
        if self.trainer is not None and self.trainer.training:
            self.position += 1
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Position in the stream, and what it is a position of."""
        return {"position": self.position, "world": self._place()[1], "seed": self.seed, **self.settings}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a position.

        Raises:
            ValueError: if a setting has changed: the position would mean other data.
        """
        now = {**self.state_dict(), "position": state_dict["position"]}
        changed = {
            key: (state_dict.get(key), now.get(key)) for key in state_dict | now if state_dict.get(key) != now.get(key)
        }
        if changed:
            raise ValueError(f"expected the data settings of the checkpoint to resume exactly; changed are {changed}")
        self.position = state_dict["position"]

    def _count_share(self) -> None:
        """Make a limit that is a share of a pass a number of batches, of whole optimizer steps."""
        trainer = self.trainer
        if trainer is None or not isinstance(trainer.limit_train_batches, float) or trainer.limit_train_batches == 1:
            return
        steps = trainer.limit_train_batches * self.batches_of_a_pass(trainer.world_size)
        together = trainer.accumulate_grad_batches
        trainer.limit_train_batches = max(int(steps) // together, 1) * together

    def _place(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)

    def _loader(self, source: RowsT, batches: Iterable[list[int]]) -> DataLoader[Any]:
        return ForkingLoader(
            source,  # type: ignore[arg-type]
            batch_sampler=batches,
            num_workers=self.workers,
            # Its own generator: starting a loader must not draw from the global one, or a validation between a
            # checkpoint and a kill would shift every dropout mask after it.
            generator=keyed_generator("loader", self.seed),
            collate_fn=_as_is,
            worker_init_fn=_leave_interrupts_to_the_training,
            persistent_workers=self.workers > 0,
        )


def _leave_interrupts_to_the_training(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; the training still needs its workers until its step is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _as_is(batch: Any) -> Any:
    return batch
