"""Cases: what happened, what did not, and what is known of it, by clips whose frames can be counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from foresight.data.batch import ClipBatch
from foresight.data.physics import PhysicsClips
from foresight.data.videos import VideoClips
from foresight.errors import UserError
from foresight.physics import PhysicsConfig, make_clip
from foresight.physics.backdrop import GREY
from foresight.physics.clip import SPLITS
from foresight.physics.palette import COLOURS
from foresight.verify import EvidenceConfig, Measurements, SimulatedCases, VideoCases, collect, fit_on_cases
from foresight.verify.cases import TRUE
from foresight.world.world_model import WorldModel
from ltx.media import write_mp4

WORLD = PhysicsConfig()
KINDS = ("another_clip", "frozen", "reversed", "half_speed")


class Counting:
    """Clip i is a video whose frame f has the grey level (10·i + f) / 100."""

    instructions = ("a", "b", "a")

    def prepare(self):
        """Nothing to do."""

    def recipe(self):
        return {"made": "by hand"}

    def __len__(self):
        return 3

    def __getitems__(self, rows):
        levels = torch.tensor([[(10 * row + frame) / 100 for frame in range(6)] for row in rows])
        video = levels[:, None, :, None, None].expand(-1, 3, -1, 32, 32)
        return ClipBatch(video, tuple(self.instructions[row] for row in rows), 8.0, tuple(rows))


def futures_of(kind):
    """The grey levels, in hundredths, of the one wrong future of each of three clips, in batches of two."""
    found = VideoCases(clips=Counting(), context=2, kinds=[kind], negatives=1).batches(2)
    levels = torch.cat([batch.outcomes[1].videos[:, 0, :, 0, 0] for batch in found])
    return (100 * levels).round().int().tolist()


def test_wrong_futures_of_videos_by_hand() -> None:
    """Of frames 2 to 5 after a context of 0 and 1; the next clip's across batches, the last one's is the first's."""
    assert futures_of("another_clip") == [[12, 13, 14, 15], [22, 23, 24, 25], [2, 3, 4, 5]]
    assert futures_of("frozen") == [[1] * 4, [11] * 4, [21] * 4]
    assert futures_of("reversed") == [[5, 4, 3, 2], [15, 14, 13, 12], [25, 24, 23, 22]]
    assert futures_of("half_speed") == [[2, 2, 3, 3], [12, 12, 13, 13], [22, 22, 23, 23]]


class FromTwoFiles(Counting):
    """Its first two clips are from one file."""

    files, frame_rate = (0, 0, 1), 8.0


def test_another_clip_is_from_another_file() -> None:
    """What follows later in the same file may well be right, so it is never the wrong future; clips of a file share a
    number, by which folds are made; a single file is refused."""
    cases = VideoCases(clips=FromTwoFiles(), context=2, kinds=["another_clip"], negatives=1)
    found = list(cases.batches(2))
    levels = torch.cat([batch.outcomes[1].videos[:, 0, :, 0, 0] for batch in found])
    assert (100 * levels).round().int().tolist() == [[22, 23, 24, 25], [22, 23, 24, 25], [2, 3, 4, 5]]
    assert [list(batch.clips) for batch in found] == [[0, 0], [1]] and cases.frame_rate == 8.0
    assert (len(cases), cases.independent) == (3, 2)
    alone = FromTwoFiles()
    alone.files = (0, 0, 0)
    with pytest.raises(UserError, match="at least two files"):
        next(VideoCases(clips=alone, context=2, kinds=KINDS, negatives=1).batches(2))


def test_cases_of_videos() -> None:
    """The true future first; kinds take turns; what is told is known once each; where things are is not known."""
    cases = VideoCases(clips=Counting(), context=2, kinds=KINDS, negatives=2)
    batches = list(cases.batches(2))
    assert len(cases) == 3 and cases.instructions == ("a", "b") and not cases.placed
    assert [list(batch.clips) for batch in batches] == [[0, 1], [2]]
    assert all(set(batch.outcomes[0].kinds) == {TRUE} and batch.outcomes[0].states is None for batch in batches)
    assert [list(future.kinds) for future in batches[0].outcomes[1:]] == [
        ["another_clip", "reversed"],
        ["frozen", "half_speed"],
    ]
    assert torch.equal(batches[0].contexts, Counting().__getitems__([0, 1]).video[:, :, :2])
    # Frames 2, 3, 4, 5 against 1: the root of the mean of 1, 4, 9 and 16, in hundredths.
    assert batches[0].traits["motion"].tolist() == pytest.approx([0.01 * 7.5**0.5] * 2, rel=1e-4)
    assert (
        "3 clips" in cases.data and cases.data == VideoCases(clips=Counting(), context=2, kinds=KINDS, negatives=2).data
    )


def test_simulated_cases_are_those_of_the_seeds() -> None:
    """The true future is the clip's own, with its states; a wrong one lies elsewhere, and its states with it."""
    cases = SimulatedCases(clips=3, split="validation", physics=WORLD, kinds=("reversed",), negatives=1)
    first, second = cases.batches(2)
    clip = make_clip(SPLITS["validation"] + 2, WORLD)
    assert list(second.clips) == [clip.seed] and second.instructions == [clip.instruction]
    assert torch.equal(second.outcomes[0].videos[0], clip.tensor[:, 9:])
    assert torch.equal(second.outcomes[1].videos[0], clip.tensor[:, 9:].flip(1))
    assert torch.equal(second.outcomes[1].states[0].positions[9:], clip.positions[9:].flip(0))
    assert set(first.traits) == {"size", "contrast", "motion"} and cases.placed
    radius, contrast, way = (float(second.traits[name][0]) for name in ("size", "contrast", "motion"))
    assert radius == pytest.approx(sum(body.radius for body in clip.bodies) / len(clip.bodies))
    away = [sum((a - b) ** 2 for a, b in zip(COLOURS[body.colour], GREY, strict=True)) for body in clip.bodies]
    assert contrast == pytest.approx(sum(square**0.5 for square in away) / len(away), rel=1e-5)
    assert way == pytest.approx(float((clip.positions[9:] - clip.positions[8]).norm(dim=-1).mean()), rel=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"kinds": ["magic"]}, "magic"), ({"negatives": 5}, "5"), ({"split": "all"}, "calibration"), ({"clips": 0}, "0")],
)
def test_impossible_cases_are_refused(change: Any, said: str) -> None:
    """The message names what is wrong."""
    asked = {"clips": 1, "split": "test", "physics": WORLD, "kinds": ["reversed"], "negatives": 1, **change}
    with pytest.raises(ValueError, match=said):
        SimulatedCases(**asked)


def test_one_video_and_videos_that_end_with_the_context_are_refused() -> None:
    """There is nothing to compare, or nothing to predict."""
    source = PhysicsClips(config=WORLD, split="test", first=0, count=1)
    with pytest.raises(UserError, match="at least two clips"):
        next(VideoCases(clips=source, context=9, kinds=KINDS, negatives=1).batches(2))
    with pytest.raises(UserError, match="more than 6 frames"):
        next(VideoCases(clips=Counting(), context=6, kinds=KINDS, negatives=1).batches(2))


def test_a_verifier_is_fitted_on_video_files(world: WorldModel, tmp_path: Path) -> None:
    """Files and their table are enough; without true states neither ranking nor correctness is learnt."""
    rows = []
    for number in range(8):
        clip = make_clip(number, WORLD)
        write_mp4(tmp_path / f"{number}.mp4", clip.tensor, frame_rate=8.0)
        rows.append({"file_name": f"{number}.mp4", "instruction": clip.instruction})
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = VideoClips(folder=str(tmp_path), frames=25, frame_rate=8.0, size=(64, 64))
    cases = VideoCases(clips=source, context=9, kinds=KINDS, negatives=2)

    def asked(*plausibilities):
        how = EvidenceConfig(cases.instructions, count=1, sigmas=(0.5,))
        return Measurements(("latent_ratio", "motion"), plausibilities, frames=(16,), candidates=2, evidence=how)

    examples, samples = collect(world, asked(), cases)
    assert examples.kinds[:8] == (TRUE,) * 8 and set(examples.kinds[8:]) == set(KINDS)
    assert bool(examples.position_error.isnan().all()) and bool(samples.position_error.isnan().all())
    verifier = fit_on_cases(world, asked(), cases, coverage=0.8)
    assert verifier.fitted.prediction_correct == {} and verifier.fitted.prior is None
    assert "8 clips of videos" in verifier.fitted_on.data
    with pytest.raises(ValueError, match=r"plausibilities=\[\]"):
        fit_on_cases(world, asked("spread"), cases, coverage=0.8)


def test_too_few_clips_are_refused_before_any_is_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven files do not serve eight folds, however many clips: said with what to do, and nothing is measured first."""
    monkeypatch.setattr("foresight.verify.fitting.collect", lambda *_, **__: pytest.fail("measured"))
    cases, asked = (
        type("Few", (), {"placed": True, "independent": 7, "__len__": lambda _: 14})(),
        Measurements((), (), (16,), 2, None),
    )
    with pytest.raises(UserError, match=r"at least 8 files.*got 14 from 7; add videos"):
        fit_on_cases(None, asked, cases, coverage=0.8)
