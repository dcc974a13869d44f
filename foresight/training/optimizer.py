"""Parameter groups with their rates: groups claim parameters by name, what no group claims is frozen."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters whose full name matches a regular expression, and how they are trained.

    Raises:
        ValueError: if the rate or the decay is below 0, or no finite number.
    """

    pattern: str
    learning_rate: float
    weight_decay: float
    """Applied to tensors of two or more dimensions; biases, norms and other vectors are never decayed."""

    def __post_init__(self) -> None:
        if not (0 <= self.learning_rate < math.inf and 0 <= self.weight_decay < math.inf):
            raise ValueError(
                f"expected a learning_rate and a weight_decay of at least 0 for {self.pattern}, got "
                f"{self.learning_rate} and {self.weight_decay}"
            )


class GroupedOptimizer:
    """Builds an optimizer over parameter groups and freezes every parameter that no group claims.

    Args:
        optimizer: makes an optimizer from a list of group dictionaries, such as a partial `torch.optim.AdamW`.
        groups: the first group whose pattern matches a name in full claims it.
    """

    def __init__(self, *, optimizer: Callable[..., Optimizer], groups: Sequence[ParameterGroup]) -> None:
        if not groups:
            raise ValueError("expected at least one parameter group, got none")
        self._optimizer = optimizer
        self._groups = tuple(groups)

    def __call__(self, named: Iterable[tuple[str, nn.Parameter]]) -> Optimizer:
        """The optimizer over the claimed parameters.

        Raises:
            ValueError: if a group claims nothing.
        """
        members: list[list[nn.Parameter]] = [[] for _ in self._groups]
        names = []
        for name, parameter in named:
            names.append(name)
            index = self._claim(name)
            parameter.requires_grad_(index is not None)
            if index is not None:
                members[index].append(parameter)
        for group, parameters in zip(self._groups, members, strict=True):
            if not parameters:
                raise ValueError(
                    f"parameter group {group.pattern!r} claims no parameter; names look like {', '.join(names[:4])}"
                )
        return self._optimizer(
            [
                {"params": chosen, "lr": group.learning_rate, "weight_decay": decay}
                for group, parameters in zip(self._groups, members, strict=True)
                for decay, chosen in (
                    (group.weight_decay, [p for p in parameters if p.ndim >= 2]),
                    (0.0, [p for p in parameters if p.ndim < 2]),
                )
                if chosen
            ]
        )

    def _claim(self, name: str) -> int | None:
        matches = (i for i, group in enumerate(self._groups) if re.fullmatch(group.pattern, name))
        return next(matches, None)
