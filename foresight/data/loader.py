"""Loading in processes that are forked from the training process."""

from __future__ import annotations

import gc
from typing import Any

from torch.utils.data import DataLoader


class ForkingLoader(DataLoader[Any]):
    """A loader whose processes never free what the training process has made.

    Decoders and scalers of video own threads, which a fork does not have: freed there, they wait for them for ever. So
    what is garbage is freed before the fork, and what is not is out of reach of the collector after it.
    """

    def __iter__(self) -> Any:
        """Iterate as the base class does, with garbage freed before the fork."""
        if not self.num_workers:
            return super().__iter__()
        gc.collect()
        gc.freeze()
        try:
            return super().__iter__()
        finally:
            gc.unfreeze()
