"""A device's memory as a room that one part of a pipeline works in at a time.

Whoever enters finds it empty but for those that are still in use; who leaves stays until another one comes, so that a
part that is called many times is brought once. A module knows its place by the attribute `lodging`; one without it is
where it is, and none of this costs anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from ltx.offload.float8 import STORED
from ltx.offload.giving_back import give_back
from ltx.offload.shelf import Shelf

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=nn.Module)
NAME = "lodging"


class Room:
    """The memory that parts share."""

    def __init__(self) -> None:
        self._inside: list[Shelf] = []
        self._used: Counter[int] = Counter()

    def lodge(self, module: nn.Module, shelf: Shelf) -> None:
        """Let a module come here whenever it works."""
        setattr(module, NAME, Lodging(self, shelf))

    @contextmanager
    def entered(self, shelf: Shelf) -> Iterator[None]:
        """With the weights of a shelf at work, and those of others at rest unless they are in use."""
        others = [each for each in self._inside if each is not shelf and not self._used[id(each)]]
        for other in others:
            self._inside.remove(other)
            other.leave()
        if others:
            give_back()
        if shelf not in self._inside:
            self._inside.append(shelf)
        shelf.bring()
        self._used[id(shelf)] += 1
        try:
            yield
        finally:
            self._used[id(shelf)] -= 1

    def clear(self) -> None:
        """Send everybody that is not in use to rest."""
        for each in [each for each in self._inside if not self._used[id(each)]]:
            self._inside.remove(each)
            each.leave()
        give_back()


@dataclass(frozen=True)
class Lodging:
    """The place of a module's weights.

    Attributes:
        room: it works in.
        shelf: of its weights.
    """

    room: Room
    shelf: Shelf


def lodging_of(module: nn.Module) -> Lodging | None:
    """The room in which a module lodges; None for one that stays where it is."""
    found: Lodging | None = vars(module).get(NAME)
    return found


@contextmanager
def at_work(module: nn.Module) -> Iterator[None]:
    """With the module's weights where they work; inside, its parameters are what is computed with."""
    found = lodging_of(module)
    if found is None:
        yield
    else:
        with found.room.entered(found.shelf):
            yield


def at_rest(module: nn.Module) -> None:
    """Send a module's weights to rest: changes to those at work would be lost."""
    found = lodging_of(module)
    if found is not None:
        found.room.clear()


def working_state(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a module's state dictionary in the order of their names, one by one as they are computed with;
    float8 as it is stored.
    """
    at_rest(module)
    cast = None if lodging_of(module) is None else dtype_of(module)
    for name, tensor in sorted(module.state_dict().items(), key=lambda one: one[0]):
        stays = not tensor.is_floating_point() or tensor.dtype is STORED
        yield name, tensor if stays or cast is None else tensor.to(cast)


def working(method: Callable[Concatenate[M, P], R]) -> Callable[Concatenate[M, P], R]:
    """A method of a module that runs with its weights at work."""

    @wraps(method)
    def run(self: M, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if lodging_of(self) is None:
            return method(self, *args, **kwargs)
        with at_work(self):
            return method(self, *args, **kwargs)

    return run


def device_of(module: nn.Module) -> torch.device:
    """Device that a module works on, and expects its inputs on."""
    found = lodging_of(module)
    return next(module.parameters()).device if found is None else found.shelf.device


def dtype_of(module: nn.Module) -> torch.dtype:
    """The type that a module works in."""
    found = lodging_of(module)
    dtype = None if found is None else found.shelf.dtype
    return next(module.parameters()).dtype if dtype is None else dtype
