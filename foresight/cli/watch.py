"""`foresight watch`: predict a stream ahead, score each prediction when its frames arrive, mark events."""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any, TextIO

import torch
from rich.console import Console

from foresight.cli.console import say_placement
from foresight.errors import UserError
from foresight.plots.surprise import Stretch, surprise_timeline
from foresight.report import Film, Report, Table, contact_sheet, write_page
from foresight.runs.directory import RunDirectory
from foresight.runs.output import RunOutput
from foresight.verify import model_fingerprint
from foresight.watch import Alarm, Moment, StreamFrame, Watcher, stream_frames
from foresight.watch.alarm import AlarmSettings
from foresight.watch.timeline import Timeline
from foresight.world.sampling import Sampling
from foresight.world.world_model import WorldModel
from ltx.media.streams import StreamChoice


@dataclass(frozen=True)
class StreamSource:
    """Stream that is watched.

    Args:
        video: a file, a folder that grows, a camera, or an address.
        size: height and width the model works at, multiples of 32.
        patience: seconds without a new frame after which a folder or an address has ended.
        seconds: of the stream after which watching ends; None goes on to the end.
        stream: which of its videos, see `ltx.media.sample_video`.
    """

    video: str | Path
    size: Sequence[int]
    patience: float
    seconds: float | None
    stream: StreamChoice

    def frames(self, frame_rate: float, backlog: int) -> Iterator[StreamFrame]:
        """Its frames at a rate; `backlog` of them wait while the reader is busy.

        Raises:
            UserError: if a value is out of its range.
            MediaError: if the stream cannot be read.
        """
        if len(self.size) != 2 or (self.seconds is not None and not self.seconds > 0):
            raise UserError(
                expected="a size of height and width, and seconds above 0 or null",
                got=f"{list(self.size)} and {self.seconds}",
                remedy="give two numbers, as in size=[64,64]",
            )
        coming = stream_frames(
            str(self.video),
            frame_rate=frame_rate,
            size=(self.size[0], self.size[1]),
            patience=self.patience,
            backlog=backlog,
            stream=self.stream,
        )
        end = math.inf if self.seconds is None else self.seconds
        return takewhile(lambda frame: frame.seconds < end, coming)


def watch(
    *,
    model: WorldModel,
    alarm: Alarm | None,
    coverage: float,
    instruction: str,
    prediction_stride: int,
    source: StreamSource,
    sampling: Sampling,
    output: RunOutput,
) -> Timeline:
    """Watch a stream to its end, or until it is interrupted, and write a run directory.

    Prints one line of JSON per moment as it comes, and writes the same to moments.jsonl.

    Args:
        model: the world model.
        alarm: threshold of surprise; None marks no events.
        coverage: share of nominal moments that are not taken for events.
        instruction: what is done at the end of the first context, as far as one knows.
        prediction_stride: frames between two predictions, a multiple of 8.
        source: the stream.
        sampling: of the futures of each prediction.
        output: run directory to write.

    Raises:
        MediaError: if the stream cannot be read.
        UserError: if a value is out of its range, the alarm was fitted with other settings, or the stream is too short
            to score a single prediction.
        KeyboardInterrupt: if it was interrupted, after everything has been written.
    """
    watcher = Watcher(model, instruction=instruction, prediction_stride=prediction_stride, sampling=sampling)
    threshold = None
    if alarm is not None:
        used = model.sampling_config.steps if sampling.steps is None else sampling.steps
        alarm.check(AlarmSettings(model_fingerprint(model), prediction_stride, sampling.candidates, used))
        threshold = alarm.threshold(coverage)
    video, rate = str(source.video), model.sampling_config.frame_rate
    coming = source.frames(rate, 2 * watcher.buffer_size)
    say_placement(model.placement)
    with output.directory() as folder:
        course, interrupted = Timeline(), False
        with open(folder / "moments.jsonl", "w", encoding="utf-8") as lines, _terminable():
            try:
                _follow(coming, watcher, threshold, course, (sys.stdout, lines))
            except (KeyboardInterrupt, BrokenPipeError):
                interrupted = True
        if not course.moments and not watcher.unread and not interrupted:
            raise UserError(
                expected=f"a stream of at least {watcher.buffer_size} frames at {rate:g} per second",
                got=f"a shorter one from {video}",
                remedy="choose a longer one, or wait longer for it with patience=",
            )
        if course.moments:
            _draw(folder, course, threshold, instruction, video, rate)
        output.record(folder, _summary(course, threshold, interrupted) | {"unread_contexts": watcher.unread})
    # Standard output holds the lines of JSON and nothing else.
    Console(stderr=True, highlight=False).print(
        ("no alarm" if threshold is None else f"{course.events} events")
        + f" in {course.moments} moments"
        + (f", {watcher.unread} not judged: {watcher.domain.sentence}" if watcher.unread and watcher.domain else "")
        + f"; run directory {folder.path}"
    )
    if interrupted:
        raise KeyboardInterrupt
    return course


def _follow(
    stream: Iterator[StreamFrame],
    watcher: Watcher,
    threshold: float | None,
    course: Timeline,
    outputs: Sequence[TextIO],
) -> None:
    began = perf_counter()
    for frame in stream:
        unread = watcher.unread
        moment = watcher.push(frame)
        if watcher.unread == 1 and not unread and watcher.domain is not None:
            # Said once: an alarm for ever would say nothing.
            line = json.dumps({"end": frame.seconds, "abstain": watcher.domain.sentence})
            for output in outputs:
                print(line, file=output, flush=True)
        if moment is None:
            continue
        event = threshold is not None and moment.surprise > threshold
        course.add(moment, event=event)
        line = json.dumps(_line(moment, threshold, event, perf_counter() - began))
        for output in outputs:
            print(line, file=output, flush=True)
        began = perf_counter()


def _line(moment: Moment, threshold: float | None, event: bool, took: float) -> dict[str, Any]:
    return {
        "start": moment.start,
        "end": moment.end,
        "surprise": round(moment.surprise, 4),
        "surprise_per_second": round(moment.surprise / (moment.end - moment.start), 4),
        "threshold": None if threshold is None else round(threshold, 4),
        "event": event,
        "error": round(moment.error, 6),
        "copy_error": round(moment.copy_error, 6),
        "took": round(took, 3),
    }


def _summary(course: Timeline, threshold: float | None, interrupted: bool) -> dict[str, Any]:
    count = max(course.moments, 1)
    return {
        "moments": course.moments,
        "events": course.events,
        "threshold": threshold,
        "interrupted": interrupted,
        "error": course.error / count,
        "copy_error": course.copy_error / count,
        "spans": [[span.start, span.end, span.surprise, span.events] for span in course.spans],
    }


def _draw(
    folder: RunDirectory, course: Timeline, threshold: float | None, instruction: str, video: str, frame_rate: float
) -> None:
    bars = [Stretch(span.start, span.end, span.surprise, span.events > 0) for span in course.spans]
    figure = surprise_timeline(bars, threshold=threshold)
    figure.save(folder / "timeline.svg")
    rows: dict[str, torch.Tensor] = {}
    for moment in course.largest():
        rows[f"{moment.start:.1f} s  happened"] = moment.observed
        rows[f"{moment.start:.1f} s  predicted"] = moment.predicted
    films = []
    if rows:
        contact_sheet(folder / "events.png", rows, frame_rate=frame_rate)
        films = [Film(folder / "events.png", "the most surprising events: what happened, and what was predicted")]
    count = course.moments
    table = Table(
        ["", "value"],
        [
            ["moments", str(count)],
            ["events", str(course.events)],
            ["mean error of the prediction", f"{course.error / count:.5f}"],
            ["mean error of copying the last frame", f"{course.copy_error / count:.5f}"],
        ],
    )
    note = "no alarm" if threshold is None else f"event above {threshold:.3f}"
    write_page(
        folder / "report.html",
        Report(
            title="Watch",
            instruction=instruction,
            figures=[figure],
            films=films,
            tables={"Summary": table},
            facts={"video": video, "threshold": note},
        ),
    )


@contextmanager
def _terminable() -> Iterator[None]:
    """A request to terminate counts as an interruption: what was seen so far is written."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: whoever runs it decides
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
