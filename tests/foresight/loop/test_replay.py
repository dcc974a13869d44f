"""Traces on disk, and run again: the same on the same machine, differences in words otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from foresight.errors import UserError
from foresight.loop import (
    Best,
    Budget,
    Chain,
    Compare,
    Conform,
    Cost,
    GiveUp,
    PredictVerifyLoop,
    Refine,
    Reground,
    Resample,
    Task,
    Trace,
    differences,
    replay,
)

COMPARE = Chain([Compare(), Best()])


def test_a_trace_survives_the_disk(make_loop: Any, task: Any, tmp_path: Path) -> None:
    """Videos bit by bit, moves, verdicts, costs and outcome."""
    trace = make_loop(COMPARE).run(task)
    trace.save(tmp_path)
    read = Trace.load(tmp_path)
    assert differences(trace, read) == []
    assert (read.outcome, read.spent, read.task.hypotheses) == (trace.outcome, trace.spent, trace.task.hypotheses)
    assert [attempt.cost for attempt in read.attempts] == [attempt.cost for attempt in trace.attempts]
    assert torch.equal(read.task.observed, task.observed)


def test_keys_of_a_trace_are_those_of_the_first_version(make_loop: Any, task: Any, tmp_path: Path) -> None:
    """Written as before, with `hit` and the number of attempts spent, and read with or without the former."""
    trace = make_loop(COMPARE).run(task)
    first = replace(trace.attempts[0], verdict=replace(trace.attempts[0].verdict, prediction_correct=0.25))
    trace = replace(trace, attempts=(first, *trace.attempts[1:]))
    trace.save(tmp_path)
    record = json.loads((tmp_path / "trace.json").read_text())
    assert list(record["attempts"][0]["verdict"]) == ["probability", "decision", "signals", "frames", "hit"]
    assert record["attempts"][0]["verdict"]["hit"] == 0.25 and record["attempts"][0]["move"]["kind"] == "draw"
    assert list(record["spent"]) == ["attempts", "seconds", "evaluations", "decodes"]
    assert record["spent"]["attempts"] == len(trace.attempts)
    assert Trace.load(tmp_path).attempts[0].verdict == first.verdict
    del record["attempts"][0]["verdict"]["hit"]
    (tmp_path / "trace.json").write_text(json.dumps(record))
    assert Trace.load(tmp_path).attempts[0].verdict.prediction_correct is None


def test_a_replay_is_the_same(make_loop: Any, task: Any, tmp_path: Path) -> None:
    """Read from disk and run again, nothing differs."""
    loop = make_loop(COMPARE)
    loop.run(task).save(tmp_path)
    recorded = Trace.load(tmp_path)
    assert differences(recorded, replay(loop, recorded)) == []


def test_a_replay_spends_the_recorded_time(make_loop: Any, task: Any) -> None:
    """Where the record's first attempt took all the seconds there were, a faster replay stops there too."""
    loop = make_loop(COMPARE, Budget(9, seconds=100.0))
    trace = loop.run(task)
    assert len(trace.attempts) == 3
    slow = replace(trace.attempts[0], cost=replace(trace.attempts[0].cost, seconds=100.0))
    recorded = replace(trace, attempts=(slow,), outcome=replace(trace.outcome, attempt=0))
    assert differences(recorded, replay(loop, recorded)) == []


def test_differences_are_told(make_loop: Any, task: Any) -> None:
    """Another pixel, another verdict, another cost, another outcome, fewer attempts: each is named."""
    trace = make_loop(COMPARE).run(task)
    first = trace.attempts[0]
    brighter = replace(first, video=first.video + 0.25)
    surer = replace(first, verdict=replace(first.verdict, probability=0.125))
    dearer = replace(first, cost=Cost(0.0, 99, 2))
    for changed, said in ((brighter, "0.25"), (surer, "0.125"), (dearer, "99"), (replace(first, chosen=7), "chosen")):
        lines = differences(trace, replace(trace, attempts=(changed, *trace.attempts[1:])))
        assert len(lines) == 1 and lines[0].startswith("attempt 0") and said in lines[0]
    shorter = replace(trace, attempts=trace.attempts[:1], outcome=GiveUp(), spent=Cost())
    fewer, outcome = differences(trace, shorter)
    assert fewer == "3 attempts, then 1" and "outcome" in outcome


def test_every_difference_has_its_words(make_loop: Any, task: Any) -> None:
    """Latents, the length of videos, what was refined, decodings, and a verdict that is not there."""
    trace = make_loop(COMPARE).run(task)
    first = trace.attempts[0]
    tokens = torch.tensor([True, False])
    refined = replace(first, refined=tokens)

    def said(one, two):
        return differences(replace(trace, attempts=(one,)), replace(trace, attempts=(two,)))

    assert said(first, replace(first, latents=first.latents + 0.5)) == ["attempt 0: its latents differ by up to 0.5"]
    (shorter,) = said(first, replace(first, video=first.video[:, :, 1:]))
    assert shorter.startswith("attempt 0: its videos were")
    other = ["attempt 0: other tokens were refined"]
    assert said(first, refined) == said(refined, first) == said(refined, replace(first, refined=~tokens)) == other
    assert said(refined, replace(first, refined=tokens.clone())) == []
    dearer = replace(first, cost=replace(first.cost, decodes=first.cost.decodes + 1))
    assert len(said(first, dearer)) == 1 and "evaluations" in said(first, dearer)[0]
    assert said(replace(first, verdict=None), first)[0].startswith("attempt 0: it was judged not at all, then ")


def test_a_damaged_trace_is_refused(make_loop: Any, task: Any, tmp_path: Path) -> None:
    """Nothing there, half a record, a record without its videos."""
    with pytest.raises(UserError, match="trace"):
        Trace.load(tmp_path)
    make_loop(COMPARE).run(task).save(tmp_path)
    text = (tmp_path / "trace.json").read_text()
    (tmp_path / "trace.json").write_text(text[: len(text) // 2])
    with pytest.raises(UserError, match="trace"):
        Trace.load(tmp_path)
    (tmp_path / "trace.json").write_text(text.replace('"draw"', '"take"'))
    with pytest.raises(UserError, match="trace"):
        Trace.load(tmp_path)


def test_a_real_world_replays_bit_by_bit(world: Any, clip: Any, make_loop: Any, tmp_path: Path) -> None:
    """Draws, repairs of failed tokens, a fit and a continuation of the small world model, verified by hand."""
    verifier = make_loop(COMPARE).verifier
    policy = Chain([Refine(0.7, "failed", 1), Conform(steps=3), Reground(), Resample(times=1)])
    loop = PredictVerifyLoop(world, verifier, policy, Budget(attempts=4))
    task = Task(clip[:, :9], clip[:, 9:17], 16, "nothing is pushed", 3)
    loop.run(task).save(tmp_path)
    recorded = Trace.load(tmp_path)
    assert [type(attempt.move).__name__ for attempt in recorded.attempts] == [
        "Sample",
        "Renoise",
        "Condition",
        "Continue",
    ]
    assert differences(recorded, replay(loop, recorded)) == []
