"""Objectives of a training step: callables over (model, batch, generator), and weighted sums of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn


class Objective(Protocol):
    """A training objective.

    It runs the model on the batch, draws all its noise from the generator (same device as the model), and returns
    scalars: `loss`, which is differentiated, and any further metrics, which are only logged.
    """

    def __call__(self, model: nn.Module, batch: Any, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Loss and metrics of one batch."""
        ...


@runtime_checkable
class Shares(Protocol):
    """A model that can do once what several objectives of a step ask of it."""

    def sharing(self) -> AbstractContextManager[None]:
        """While it lasts, the same question on the same batch is answered by the same tensors."""
        ...


class WeightedSum(nn.Module):
    """Several objectives of the same model and batch, added up; what they all ask of a model that `Shares` runs once.

    The loss is Σ weight · loss; every metric of a term appears under `term/metric`. Terms draw from the same generator
    in the order of their names.

    Raises:
        ValueError: if the names of terms and weights differ, or there are none.
    """

    def __init__(self, *, terms: Mapping[str, Objective], weights: Mapping[str, float]) -> None:
        super().__init__()
        if not terms or set(terms) != set(weights):
            raise ValueError(
                f"expected a weight for each term, got terms {sorted(terms)} and weights {sorted(weights)}"
            )
        self.weights = dict(weights)
        self.terms = {name: terms[name] for name in sorted(terms)}
        # Registered too, so that networks inside a term move with the objective.
        self.networks = nn.ModuleDict({n: term for n, term in self.terms.items() if isinstance(term, nn.Module)})

    def forward(self, model: nn.Module, batch: Any, generator: torch.Generator) -> dict[str, Tensor]:
        """Loss and metrics of one batch."""
        with model.sharing() if isinstance(model, Shares) else nullcontext():
            results = {name: term(model, batch, generator) for name, term in self.terms.items()}
        loss = torch.stack([self.weights[name] * result["loss"] for name, result in results.items()]).sum()
        metrics = {f"{name}/{key}": value for name, result in results.items() for key, value in result.items()}
        return {"loss": loss, **metrics}
