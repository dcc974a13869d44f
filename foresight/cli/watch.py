"""`foresight watch`: predict a stream ahead, score each prediction when its frames arrive, tell events."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any, TextIO

import torch
from rich.console import Console

from foresight.cli.console import say_placement
from foresight.errors import UserError
from foresight.report import Film, Report, Table, contact_sheet, write_page
from foresight.report.timeline import Bar, timeline
from foresight.runs.directory import RunDirectory
from foresight.verify import model_fingerprint
from foresight.watch import Alarm, Moment, StreamFrame, Watcher, stream_frames
from foresight.watch.alarm import Watching
from foresight.watch.timeline import Timeline
from foresight.world.world_model import WorldModel
from ltx.files import write_text
from ltx.media.streams import StreamChoice


def watch(
    *,
    model: WorldModel,
    alarm: Alarm | None,
    coverage: float,
    video: str | Path,
    stream: StreamChoice,
    instruction: str,
    size: Sequence[int],
    ahead: int,
    candidates: int,
    seed: int,
    steps: int | None,
    patience: float,
    seconds: float | None,
    run: str | Path,
    replace: bool,
    config: Mapping[str, Any],
) -> Timeline:
    """Watch a stream to its end, or until it is interrupted, and write a run directory.

    Prints one line of JSON per moment as it comes, and writes the same to moments.jsonl.

    Args:
        model: the world model.
        alarm: tells events; None marks none.
        coverage: share of ordinary moments that are not taken for events.
        video: a file, a folder that grows, a camera, or an address.
        stream: which of its videos, see `ltx.media.sample_video`.
        instruction: what is done at the end of the first context, as far as one knows.
        size: height and width the model works at, multiples of 32.
        ahead: frames between two predictions, a multiple of 8.
        candidates: futures per prediction.
        seed: of the first candidate.
        steps: Euler steps; None takes the model's.
        patience: seconds without a new frame after which a folder or an address has ended.
        seconds: of the stream after which watching ends; None goes on to the end.
        run: folder to write.
        replace: whether a finished run of that name may be replaced.
        config: plain configuration, recorded.

    Raises:
        MediaError: if the stream cannot be read.
        UserError: if a value is out of its range, the alarm was fitted for another way of watching, or the stream is
            too short to score a single prediction.
        KeyboardInterrupt: if it was interrupted, after everything has been written.
    """
    watcher = Watcher(model, instruction=instruction, ahead=ahead, candidates=candidates, seed=seed, steps=steps)
    threshold = None
    if alarm is not None:
        used = model.plan.steps if steps is None else steps
        alarm.check(Watching(model_fingerprint(model), ahead, candidates, used))
        threshold = alarm.threshold(coverage)
    if len(size) != 2 or (seconds is not None and not seconds > 0):
        raise UserError(
            expected="a size of height and width, and seconds above 0 or null",
            got=f"{list(size)} and {seconds}",
            remedy="give two numbers, as in size=[64,64]",
        )
    coming = stream_frames(
        str(video),
        frame_rate=model.plan.frame_rate,
        size=(size[0], size[1]),
        patience=patience,
        backlog=2 * watcher.buffer_size,
        stream=stream,
    )
    if seconds is not None:
        coming = takewhile(lambda arrival: arrival.seconds < seconds, coming)
    say_placement(model.placement)
    with RunDirectory(run, replace=replace) as folder:
        course, interrupted = Timeline(), False
        with open(folder / "moments.jsonl", "w", encoding="utf-8") as lines, _terminable():
            try:
                _follow(coming, watcher, threshold, course, (sys.stdout, lines))
            except (KeyboardInterrupt, BrokenPipeError):
                interrupted = True
        if not course.moments and not watcher.unread and not interrupted:
            raise UserError(
                expected=f"a stream of at least {watcher.buffer_size} frames at {model.plan.frame_rate:g} per second",
                got=f"a shorter one from {video}",
                remedy="choose a longer one, or wait longer for it with patience=",
            )
        if course.moments:
            _draw(folder, course, threshold, instruction, str(video), model.plan.frame_rate)
        folder.write_config(config)
        folder.write_environment()
        folder.write_metrics(_summary(course, threshold, interrupted) | {"unread_contexts": watcher.unread})
    # Standard output holds the lines of JSON and nothing else.
    Console(stderr=True, highlight=False).print(
        f"{course.events} events in {course.moments} moments"
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
    for arrival in stream:
        unread = watcher.unread
        moment = watcher.push(arrival)
        if watcher.unread == 1 and not unread and watcher.domain is not None:
            # Said once: an alarm for ever would say nothing.
            line = json.dumps({"end": arrival.seconds, "abstain": watcher.domain.sentence})
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
    bars = [Bar(span.start, span.end, span.surprise, span.events > 0) for span in course.spans]
    figure = timeline(bars, threshold=threshold, y_label="surprise", title="Surprise over time")
    write_text(folder / "timeline.svg", figure + "\n")
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
            drawings={"Surprise over time": figure},
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
