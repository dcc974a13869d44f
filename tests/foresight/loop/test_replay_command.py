"""`foresight predict policy=…` and `foresight replay RUN` on a file, with the small world model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file, save_file

from foresight.cli import replay as command
from foresight.cli.command_words import call
from foresight.cli.main import main
from foresight.cli.predict import predict
from foresight.errors import UserError
from foresight.loop import Abstain, Best, Budget, Chain, Refine, Resample
from foresight.physics import PhysicsConfig, make_clip
from ltx.media import write_mp4

NAMED = {
    "model": {"_target_": "foresight.world.world_model.WorldModel.from_pretrained"},
    "policy": {"_target_": "foresight.loop.Chain"},
    "budget": {"_target_": "foresight.loop.Budget"},
}
POLICY = Chain([Refine(0.6, "failed", 1), Resample(times=1), Abstain(below=0.0), Best()])


@pytest.fixture
def parts(world, make_loop):
    """What a configuration would construct."""
    return {
        "model": world,
        "verifier": make_loop(POLICY).verifier,
        "policy": POLICY,
        "budget": Budget(attempts=2),
        "noise_level": 1.0,
        "reviser": None,
    }


@pytest.fixture
def run(parts, tmp_path):
    """A finished run of 17 frames: 9 given, 8 looked at, 8 more predicted that the file does not show."""
    write_mp4(tmp_path / "clip.mp4", make_clip(7, PhysicsConfig(frames=21)).tensor, frame_rate=8.0)
    call(
        predict,
        **parts,
        video=str(tmp_path / "clip.mp4"),
        instruction="the red ball is pushed up",
        size=[64, 64],
        context=9,
        horizon=16,
        start=0.0,
        stream="default",
        candidates=2,
        seed=3,
        steps=None,
        hypotheses=[],
        observe=8,
        run=str(tmp_path / "run"),
        replace=False,
        config=NAMED,
    )
    return tmp_path / "run"


def test_a_run_holds_every_attempt(run: Any) -> None:
    """metrics.json and the page name each attempt, its cost and outcome; what nobody looked at is scored apart."""
    loop = json.loads((run / "metrics.json").read_text())["loop"]
    drawn, repaired = loop["attempts"]
    assert (drawn["move"]["kind"], repaired["move"]["kind"]) == ("draw", "renoise")
    assert drawn["tokens_refined"] is None and 2 <= repaired["tokens_refined"] < 16
    assert repaired["cost"]["evaluations"] > 0 and repaired["cost"]["decodes"] == 2
    assert [row[""] for row in loop["unseen"]] == ["first attempt", "shown attempt", "copy of the last frame seen"]
    page = (run / "report.html").read_text()
    assert "Attempts" in page and "2: renoise" in page and loop["decision"] in page


def test_a_replay_confirms_or_tells_what_differs(
    run: Any, parts: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same parts make the same attempts; a record that was altered does not pass."""
    monkeypatch.setattr(command, "build_some", lambda *_: parts)
    command.replay(run=str(run), packages=())
    assert "bit by bit" in capsys.readouterr().out
    tensors = load_file(run / "trace.safetensors")
    tensors["video.1"] = tensors["video.1"] + 0.5
    save_file(tensors, run / "trace.safetensors")
    with pytest.raises(UserError, match=r"attempt 1: its videos differ by up to 0\.5"):
        command.replay(run=str(run), packages=())


def test_what_is_no_such_run_is_refused(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No folder, and a prediction without a policy: one line, exit 2; the run may be named without run=."""
    assert main(["replay", str(tmp_path / "nothing")]) == 2
    assert "trace" in capsys.readouterr().err
    (run / "config.yaml").write_text(yaml.safe_dump({"policy": None}))
    assert main(["replay", f"run={run}"]) == 2
    assert "no policy" in capsys.readouterr().err


def test_a_policy_needs_something_to_look_at(parts: Any, tmp_path: Path) -> None:
    """A file that ends with the context, and another number of candidates, are refused."""
    write_mp4(tmp_path / "short.mp4", make_clip(7).tensor[:, :9], frame_rate=8.0)
    arguments = {
        **parts,
        "video": str(tmp_path / "short.mp4"),
        "instruction": "nothing is pushed",
        "size": [64, 64],
        "context": 9,
        "horizon": 16,
        "start": 0.0,
        "stream": "default",
        "candidates": 2,
        "seed": 0,
        "steps": None,
        "hypotheses": [],
        "observe": 8,
        "run": str(tmp_path / "run"),
        "replace": False,
        "config": {},
    }
    with pytest.raises(UserError, match="policy=none"):
        call(predict, **arguments)
    write_mp4(tmp_path / "short.mp4", make_clip(7).tensor, frame_rate=8.0)
    with pytest.raises(UserError, match="candidates=2"):
        call(predict, **{**arguments, "candidates": 5})


@pytest.mark.parametrize(
    ("entry", "node"),
    [
        ("reviser", {"_target_": "ltx.files.write_text", "path": "VICTIM", "text": "pwned"}),
        ("reviser", {"_target_": "foresight.training.export.Export", "folder": "VICTIM", "part": "", "precision": "x"}),
        ("verifier", {"_target_": "foresight.loop.Best"}),
        ("model", {"_target_": "lightning.Trainer", "default_root_dir": "VICTIM"}),
        ("budget", {"_target_": "foresight.loop.Budget", "attempts": {"_target_": "os.unlink", "path": "VICTIM"}}),
        ("policy", {"_target_": "foresight.loop.Chain", "policies": [{"_target_": "shutil.rmtree", "path": "VICTIM"}]}),
    ],
)
def test_a_received_run_names_parts_and_nothing_else(
    run: Any, entry: str, node: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each part only in its own place; nothing is constructed, written or deleted before all are checked."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    config = {**NAMED, entry: node}
    text = yaml.safe_dump(config).replace("VICTIM", str(victim))
    (run / "config.yaml").write_text(text + "allow: [os]\npackages: [os, shutil]\n")
    before = {path: path.read_bytes() for path in run.iterdir()}
    assert main(["replay", str(run)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and "_target_" in error and entry in error
    assert victim.read_text() == "precious"
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_a_record_whose_parts_do_not_belong_together_is_one_line(
    run: Any, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shapes, names and values of a received trace are those of one loop, or it is refused before anything is built."""
    built = []
    monkeypatch.setattr(command, "build_some", lambda *_: built.append(1) or parts)
    tensors, record = load_file(run / "trace.safetensors"), json.loads((run / "trace.json").read_text())

    def changed(**names):
        return {name: tensor for name, tensor in (tensors | names).items() if tensor is not None}

    def told(path, value):
        whole = json.loads(json.dumps(record))
        node = whole
        for part in path[:-1]:
            node = node[part]
        node[path[-1]] = value
        return whole

    video = tensors["video.0"]
    wrong = [
        (changed(context=video[0, 0]), record, "8 to 16 observed frames of the context"),
        (changed(context=video[0, 0, 0, 0]), record, "8 to 16 observed frames of the context"),
        (changed(observed=tensors["observed"][0]), record, "trace"),
        (changed(**{"video.0": video[:, :, :8].contiguous()}), record, "video.0 is of shape"),
        (changed(**{"video.0": video.int()}), record, "video.0 is of type torch.int32"),
        (changed(**{"latents.1": tensors["latents.1"].clone().fill_(float("nan"))}), record, "not finite"),
        (changed(**{"video.1": None}), record, "KeyError: 'video.1'"),
        (changed(**{"video.7": video}), record, "belong to no attempt: video.7"),
        (changed(**{"refined.1": tensors["refined.1"].float()}), record, "refined.1 is of type"),
        (tensors, told(["seed"], "3"), "seed is '3', not a whole number"),
        (tensors, told(["horizon"], 10**14), "trace|video.0 is of shape"),
        (tensors, told(["instruction"], None), "instruction is None"),
        (tensors, told(["hypotheses"], [3]), "hypotheses is"),
        (tensors, told(["attempts", 0, "chosen"], 2), "candidate 2 of 2"),
        (tensors, told(["attempts", 0, "cost", "seconds"], [1]), "seconds is"),
        (tensors, told(["attempts", 0, "move", "seed"], 0.5), "seed is 0.5"),
        (tensors, told(["attempts", 0, "verdict"], 3), "TypeError"),
        (tensors, told(["outcome"], {"kind": "take", "attempt": 9}), "ends with attempt 9 of 2"),
        (tensors, told(["spent", "attempts"], {}), "attempts is"),
    ]
    for values, words, said in wrong:
        save_file({name: tensor.clone() for name, tensor in values.items()}, run / "trace.safetensors")
        (run / "trace.json").write_text(json.dumps(words))
        with pytest.raises(UserError, match=said):
            command.replay(run=str(run), packages=())
    assert not built


def test_a_run_is_replayed_as_it_is_typed(tmp_path: Path, capfd: Any) -> None:
    """`foresight replay RUN` right after `foresight predict policy=…`, with what the run's own configuration names."""
    clip = Path(__file__).parents[3] / "experiments/clips/demo.mp4"
    words = ["policy=accept", "budget.attempts=1", "steps=1"]
    run = tmp_path / "run"
    assert main(["predict", f"video={clip}", "instruction=the red ball is pushed left", *words, f"run={run}"]) == 0
    capfd.readouterr()
    assert main(["replay", str(run)]) == 0
    assert "bit by bit" in capfd.readouterr().out
    config = yaml.safe_load((run / "config.yaml").read_text())
    for name, value in (
        ("policy", "foresight.loop.Best"),
        ("policy", [config["policy"]]),
        ("policy", {**config["policy"], "_partial_": True}),
        ("verifier", ["x"]),
        ("budget", None),
        ("model", {}),
    ):
        (run / "config.yaml").write_text(yaml.safe_dump({**json.loads(json.dumps(config)), name: value}))
        assert main(["replay", str(run)]) == 2
        error = capfd.readouterr().err
        assert len(error.splitlines()) == 1 and f"at {name}, a mapping" in error
