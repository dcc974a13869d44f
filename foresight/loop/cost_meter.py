"""Counting what an attempt costs where it is spent: in the transformer, in the decoder, on the clock."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn

from foresight.loop.budget import Cost
from foresight.world.world_model import WorldModel


class CostMeter:
    """Counts, while its block runs, every sequence that enters the transformer and every latent video decoded.

    Whoever calls the networks (prediction, verification, revision), the rows of each batch are counted.

        with CostMeter(model) as meter:
            model.predict(…)
        meter.cost.evaluations

    Args:
        model: the world model whose networks are watched.
    """

    def __init__(self, model: WorldModel) -> None:
        self._entrances: tuple[nn.Module, nn.Module] = (model.transformer.patchify_proj, model.vae.decoder)
        self._rows = [0, 0]
        self._seconds = 0.0

    @property
    def cost(self) -> Cost:
        """Cost counted so far."""
        return Cost(self._seconds, *self._rows)

    def __enter__(self) -> Self:
        self._start = perf_counter()
        self._hooks = [
            entrance.register_forward_pre_hook(self._counting(index)) for index, entrance in enumerate(self._entrances)
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for hook in self._hooks:
            hook.remove()
        self._seconds += perf_counter() - self._start

    def _counting(self, index: int) -> Any:
        def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self._rows[index] += len(inputs[0])

        return count
