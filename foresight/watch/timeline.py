"""Surprise over time in bounded memory: a stream that never ends is summed up ever more coarsely."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappush, heappushpop
from itertools import count

from foresight.watch.watcher import Moment


@dataclass(frozen=True)
class Span:
    """Neighbouring moments as one.

    Args:
        start: seconds.
        end: seconds.
        surprise: the largest.
        events: how many of the moments were events.
    """

    start: float
    end: float
    surprise: float
    events: int

    def join(self, later: Span) -> Span:
        """This and a later one."""
        return Span(self.start, later.end, max(self.surprise, later.surprise), self.events + later.events)


class Timeline:
    """Keeps the course of surprise in at most `most` spans, and the most surprising events.

    When it is full, spans are joined two by two, from then on each takes twice as many moments. No peak is lost.

    Args:
        most: spans, an even number.
        shown: events whose frames are kept.

    Attributes:
        moments: how many were added.
        events: how many of them were events.
        error: mean squared error of the predictions, summed over moments.
        copy_error: that of copying, summed over moments.
    """

    def __init__(self, *, most: int = 600, shown: int = 6) -> None:
        if most < 2 or most % 2:
            raise ValueError(f"expected an even number of spans, got {most}")
        self.moments = 0
        self.events = 0
        self.error = 0.0
        self.copy_error = 0.0
        self._most, self._shown = most, shown
        self._spans: list[Span] = []
        self._open: Span | None = None
        self._per_span, self._filled = 1, 0
        self._largest: list[tuple[float, int, Moment]] = []
        self._number = count()

    def add(self, moment: Moment, *, event: bool) -> None:
        """Take the next moment."""
        self.moments += 1
        self.error += moment.error
        self.copy_error += moment.copy_error
        span = Span(moment.start, moment.end, moment.surprise, int(event))
        self._open = span if self._open is None else self._open.join(span)
        self._filled += 1
        if self._filled == self._per_span:
            self._spans.append(self._open)
            self._open, self._filled = None, 0
        if len(self._spans) == self._most:
            self._spans = [a.join(b) for a, b in zip(self._spans[::2], self._spans[1::2], strict=True)]
            self._per_span *= 2
        if event:
            self.events += 1
            entry = (moment.surprise, next(self._number), moment)
            (heappush if len(self._largest) < self._shown else heappushpop)(self._largest, entry)

    @property
    def spans(self) -> list[Span]:
        """The course so far."""
        return self._spans if self._open is None else [*self._spans, self._open]

    def largest(self) -> Iterator[Moment]:
        """The most surprising events, in the order of time."""
        return iter(sorted((moment for _, _, moment in self._largest), key=lambda moment: moment.start))
