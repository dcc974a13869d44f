"""`foresight generate` with the embedded model, end to end, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from foresight.cli import generate as module
from foresight.cli.command_words import call as with_words
from foresight.cli.main import main
from ltx.lora import LoRA, LowRank, write_lora
from ltx.media import read_video, sample_video
from ltx.pipeline import LTXPipeline

DEMO = str(Path(__file__).parents[3] / "experiments" / "clips" / "demo.mp4")
SMALL = ["height=64", "width=64", "frame_rate=8", "prompt=the red ball is pushed right"]


def test_a_video_from_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """25 frames of 64×64 are generated, shown step by step, written, and described; stderr stays empty."""
    told: list[tuple[int, int]] = []

    @contextmanager
    def bar(label: str) -> Iterator[Any]:
        assert label == "sampling"
        yield lambda done, total: told.append((done, total))

    monkeypatch.setattr(module, "progress_bar", bar)
    run = tmp_path / "run"
    assert main(["generate", "pipeline=tiny", *SMALL, "frames=25", "seed=5", f"run={run}"]) == 0
    said = capsys.readouterr()
    assert not said.err and "foresight-tiny" in said.out and str(run)[-10:] in said.out.replace("\n", "")
    assert told == [(step, 8) for step in range(1, 9)]
    video = read_video(run / "video.mp4")
    assert video.video.shape == (3, 25, 64, 64) and video.info.frame_rate == 8
    assert video.video.std() > 0.02
    assert yaml.safe_load((run / "config.yaml").read_text())["seed"] == 5
    figures = json.loads((run / "metrics.json").read_text())
    assert figures["preset"] == "foresight-tiny" and figures["sources"] == {} and figures["seconds"] > 0


def test_a_clip_is_continued(tmp_path: Path) -> None:
    """Given the demo's first 9 frames, the video begins with them and then goes on."""
    run = tmp_path / "run"
    conditions = f"conditions=[{{file: '{DEMO}', strength: 1.0}}]"
    assert main(["generate", "pipeline=tiny", *SMALL, "frames=17", conditions, f"run={run}"]) == 0
    made = read_video(run / "video.mp4").video
    demo = sample_video(DEMO, frame_rate=8, frames=17, size=(64, 64)).video
    assert made.shape == demo.shape
    # In [−1, 1]: the VAE and two lossy codecs lie between the given frames and these.
    assert (made - demo).square().mean() < 0.03


@pytest.fixture(scope="module")
def tiny() -> LTXPipeline:
    """The embedded model."""
    return LTXPipeline.from_pretrained("foresight-tiny", dtype=torch.float32)


def test_the_embedded_model_has_its_preset(tiny: LTXPipeline) -> None:
    """Its name alone says how it is sampled: with the times that it was distilled to."""
    assert tiny.preset.name == "foresight-tiny"


def call(pipeline: LTXPipeline, run: Path, **changes: Any) -> None:
    options: dict[str, Any] = {
        "prompt": "wait",
        "more_prompts": [],
        "negative_prompt": "",
        "conditions": [],
        "references": [],
        "repaint": None,
        "latents": None,
        "loras": [],
        "frames": 9,
        "height": 64,
        "width": 64,
        "frame_rate": 8.0,
        "steps": None,
        "times": None,
        "guidance": None,
        "conditioning_noise": 0.15,
        "preset": None,
        "seed": 0,
        "videos": 1,
        "tiling": None,
        "output": "video",
        "run": str(run),
        "replace": True,
        "config": {},
        **changes,
    }
    with_words(module.generate, pipeline=pipeline, **options)


def test_every_kind_of_input(tiny: LTXPipeline, tmp_path: Path) -> None:
    """A picture, a reference, a video to repaint and a LoRA each change the result of the same seed."""
    Image.new("RGB", (80, 64), (255, 0, 0)).save(tmp_path / "red.png")
    weight = tiny.transformer.transformer_blocks[0].attn1.to_q.weight
    update = LowRank(torch.ones(2, weight.shape[1]), 0.05 * torch.ones(weight.shape[0], 2), 2.0)
    lora = write_lora(LoRA({"transformer_blocks.0.attn1.to_q": update}), tmp_path / "lora.safetensors", "comfy")
    original = weight.detach().clone()
    changes = {
        "nothing": {},
        "picture": {"conditions": [{"file": str(tmp_path / "red.png")}]},
        "reference": {"references": [DEMO]},
        "repaint": {"repaint": {"file": DEMO, "noise_level": 0.5}},
        "lora": {"loras": [{"file": str(lora), "strength": 0.5}]},
        "two": {"loras": [{"file": str(lora), "alpha": 4.0}, {"file": str(lora), "strength": -1}]},
    }
    made = {}
    for name, change in changes.items():
        call(tiny, tmp_path / name, **change)
        made[name] = read_video(tmp_path / name / "video.mp4").video
    names = list(made)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            assert (made[name] - made[other]).abs().max() > 0.02, (name, other)
    red = made["picture"][:, 0].mean((1, 2))
    assert red[0] > 0.3 and red[1:].max() < 0
    demo = sample_video(DEMO, frame_rate=8, frames=9, size=(64, 64)).video
    assert (made["repaint"] - demo).square().mean() < (made["nothing"] - demo).square().mean()
    with torch.no_grad():
        weight.copy_(original)


def test_latents_written_and_refined(tiny: LTXPipeline, tmp_path: Path) -> None:
    """Two prompts with other guidance give latents alone; one of them, refined in tiles, a video each for two seeds."""
    changes = {"more_prompts": ["go"], "guidance": {"scale": 1.5}, "times": [1.0, 0.5], "output": "latents"}
    call(tiny, tmp_path / "first", **changes)
    file = tmp_path / "first" / "latents.safetensors"
    latents = load_file(file)["latents"]
    assert latents.shape[:3] == (2, latents.shape[1], 2) and not (tmp_path / "first" / "video.mp4").exists()
    again = {"file": str(file), "noise_level": 0.4}
    call(tiny, tmp_path / "second", more_prompts=["go"], latents=again, tiling=128)
    made = [read_video(tmp_path / "second" / name).video for name in ("video.mp4", "video_1.mp4")]
    assert made[0].shape == (3, 9, 64, 64) and (made[0] - made[1]).abs().max() > 0.02


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"frames": 0}, "at least 1 frame"),
        ({"output": "gif"}, "'video' or 'latents', got 'gif'"),
        ({"tiling": 8}, "tiling of at least 128"),
        ({"latents": {"file": "nowhere.safetensors", "noise_level": 0.5}}, "nowhere.safetensors"),
        ({"guidance": {"stg": 1}}, "fields of guidance"),
        ({"steps": 3}, "lists its 8 times"),
        ({"preset": "nothing"}, "name of a preset"),
        ({"preset": "ltxv-13b-0.9.8-dev"}, "latent upsampler"),
        ({"conditions": [{"start": 0}]}, "entries of conditions with a file"),
        ({"conditions": [{"file": DEMO, "begin": 0}]}, "entries of conditions"),
        ({"conditions": [{"file": DEMO, "strength": "much"}]}, "entries of conditions"),
        ({"conditions": ["demo.mp4"]}, "entries of conditions"),
        ({"conditions": [{"file": DEMO, "strength": 2.0}]}, "strength in"),
        ({"conditions": [{"file": "nowhere.mp4"}]}, "nowhere.mp4"),
        ({"repaint": {"file": DEMO}}, "entries of repaint"),
        ({"repaint": {"file": DEMO, "noise_level": 1.5}}, "noise level between 0 and 1"),
        ({"loras": [{"file": "nowhere.safetensors"}]}, "nowhere"),
    ],
)
def test_mistakes_leave_nothing_behind(change: dict[str, Any], named: str, tiny: LTXPipeline, tmp_path: Path) -> None:
    """Each is one ValueError that names it, which the command line prints; no run directory is left."""
    with pytest.raises(ValueError, match=named):
        call(tiny, tmp_path / "run", **change)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ([], "prompt"),
        (["prompt=a", "pipeline.where=nowhere"], "nowhere"),
        (["prompt=a", "pipeline=tiny", "pipeline.device=nonsense"], "nonsense"),
        (["prompt=a", "pipeline=tiny", "pipeline.offload=cpu"], "auto, none, parts, blocks; got 'cpu'"),
        (["prompt=a", "pipeline=tiny", "pipeline.storage=float8-torchao"], "torchao"),
        (["prompt=a", "pipeline=tiny", "pipeline.preset=nothing"], "nothing"),
        (["prompt=a", "pipeline=tiny", "frames=many"], "frames"),
        (["prompt=a", "pipeline=tiny", "conditions=3"], "conditions"),
    ],
)
def test_a_mistake_is_one_line(
    overrides: list[str],
    named: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wrong overrides exit with 2 and one line on stderr, before anything is written."""
    monkeypatch.chdir(tmp_path)
    assert main(["generate", f"run={tmp_path / 'run'}", *overrides]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("foresight: ") and named in lines[0]
    assert not list(tmp_path.iterdir())
