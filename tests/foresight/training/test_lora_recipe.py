"""A LoRA and an IC-LoRA of the video model: the commands of docs/lora.md at tiny size, on files as people have them."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXPipeline, LTXVideoTransformer3DModel
from torch import Tensor

from foresight.cli.main import main
from foresight.training.lora import COMFY, DIFFUSERS, NAME, joined_lora
from foresight.world.world_model import WorldModel
from ltx.bundle.checkpoint import Checkpoint
from ltx.flow import SchedulerConfig
from ltx.lora import attach, extract, read_lora
from ltx.media import write_lossless
from ltx.shapes import LatentShape, coordinates
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE
from tests.small import transformer_config

PAGE = Path(__file__).parents[3] / "docs" / "lora.md"
CHECKPOINT = "ltxv-2b-0.9.8-distilled.safetensors"
CONFIG = transformer_config()
RENAMES = [("patchify_proj", "proj_in"), ("adaln_single", "time_embed"), ("q_norm", "norm_q"), ("k_norm", "norm_k")]
SIZES = ["ltx.text=t5", "ltx.clip=[9,64,64]", "ltx.frame_rate=8", "ltx.context=1"]
SHORT = ["trainer=smoke", "trainer.max_steps=12", "trainer.val_check_interval=4", "network.rank=4"]
FAST = ["optimizer.groups.0.learning_rate=0.05", "schedule.warmup=0", "callbacks.ema.decay=0.0"]
SMALL_VIDEO = [
    "frames=9",
    "height=64",
    "width=64",
    "frame_rate=8",
    "pipeline.preset=foresight-tiny",
    "pipeline.text_encoder=t5",
]


def base() -> VideoTransformer:
    torch.manual_seed(0)
    return VideoTransformer(CONFIG).eval()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's reader has: an official file, a T5, clips with captions, others with reference videos."""
    return tmp_path_factory.mktemp("lora")


@pytest.fixture
def here(disk: Path, make_world: Callable[..., WorldModel], clip: Tensor, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as the current folder."""
    monkeypatch.chdir(disk)
    if (disk / CHECKPOINT).is_file():
        return disk
    world = make_world(adapter=None)
    assert world.text_encoder is not None
    Checkpoint(base(), world.vae, SchedulerConfig("uniform")).save_official(disk / CHECKPOINT)
    world.text_encoder.save_pretrained(disk / "t5")
    for part, count in (("train", 2), ("validation", 1)):
        for kind in ("videos", "edges"):
            (disk / kind / part).mkdir(parents=True)
        rows = []
        for number in range(count):
            shown = clip[:, 8 * number : 8 * number + 9]
            for folder, name, video in (
                ("videos", "clip", shown),
                ("edges", "clip", shown),
                ("edges", "edge", -shown),
            ):
                write_lossless(disk / folder / part / f"{name}{number}.mp4", video, frame_rate=8.0)
            (disk / "videos" / part / f"clip{number}.txt").write_text("the red ball is pushed up\n")
            rows.append({"file_name": f"clip{number}.mp4", "instruction": "x", "reference": f"edge{number}.mp4"})
        (disk / "edges" / part / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write_lossless(disk / "edges.mp4", -clip[:, :9], frame_rate=8.0)
    precompute(disk, world.vae, clip)
    return disk


def precompute(folder: Path, vae: VideoVAE, clip: Tensor) -> None:
    """A folder as LTX-Video-Trainer's preprocessing writes it."""
    latents = vae.encode(clip[None, :, :9])[0]
    frames, height, width = latents.shape[1:]
    generator = torch.Generator().manual_seed(0)
    for name in ("a", "sub/b", "sub/c"):
        grid = {"num_frames": frames, "height": height, "width": width, "fps": 8.0}
        text = {"prompt_embeds": torch.randn(6, 16, generator=generator), "prompt_attention_mask": torch.ones(6).bool()}
        tokens = {"latents": latents.flatten(1).T.contiguous(), **grid}
        for kind, content in (("latents", tokens), ("reference_latents", tokens), ("conditions", text)):
            path = folder / "dataset" / ".precomputed" / kind / f"{name}.pt"
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(content, path)


def commands() -> list[list[str]]:
    """The page's command lines, in their order."""
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [words[1:] for line in lines if (words := shlex.split(line)) and words[0] == "foresight"]


def small(words: list[str]) -> list[str]:
    """A command of the page at tiny size."""
    if words[0] == "generate":
        return [*words, *SMALL_VIDEO]
    return [*words, *SIZES, *(SHORT + FAST if words[0] == "train" else [])]


def losses(run: Path) -> list[float]:
    rows = csv.DictReader((run / "log" / "metrics.csv").open())
    return [float(row["validation/loss"]) for row in rows if row.get("validation/loss")]


def inputs() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(2)
    shape = LatentShape(2, 2, 3)
    return {
        "tokens": torch.randn(1, shape.tokens, 8, generator=generator),
        "times": torch.rand(1, shape.tokens, generator=generator),
        "places": coordinates(shape, frame_rate=25.0)[None],
        "context": torch.randn(1, 5, 16, generator=generator),
    }


@torch.no_grad()
def output(model: VideoTransformer) -> Tensor:
    given = inputs()
    return model(given["tokens"], given["times"], given["places"], given["context"], None)


def in_diffusers(folder: Path) -> Tensor:
    """What diffusers' transformer computes with the same base and the LoRA of a folder."""
    fields = {key: value for key, value in CONFIG.to_diffusers_dict().items() if not key.startswith("_")}
    fields.pop("causal_temporal_positioning")
    other = LTXVideoTransformer3DModel(**fields).eval()
    state = {}
    for key, value in base().state_dict().items():
        for ours, theirs in RENAMES:
            key = key.replace(ours, theirs)
        state[key] = value
    other.load_state_dict(state, strict=True)
    parts = {"vae": None, "text_encoder": None, "tokenizer": None, "scheduler": FlowMatchEulerDiscreteScheduler()}
    pipeline = LTXPipeline(transformer=other, **parts)
    pipeline.load_lora_weights(folder, weight_name=DIFFUSERS)
    given = inputs()
    with torch.no_grad():
        found: Tensor = other(
            hidden_states=given["tokens"],
            encoder_hidden_states=given["context"],
            timestep=1000 * given["times"],
            encoder_attention_mask=torch.ones(1, 5),
            video_coords=given["places"],
            return_dict=False,
        )[0]
    return found


def test_every_command_of_the_page_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From clips to a LoRA, to a video with it, to more training, to an IC-LoRA with references, in this order."""
    told = commands()
    assert {words[0] for words in told} == {"encode", "train", "generate"} and len(told) >= 6
    for words in told:
        assert main(small(words)) == 0, words
    assert "next: foresight generate pipeline.where=" in " ".join(capsys.readouterr().out.split())
    found = losses(here / "runs" / "lora")
    assert len(found) == 3 and found[-1] < found[0]


def test_what_was_trained_is_the_same_in_other_tools(here: Path) -> None:
    """diffusers with the exported file computes what we compute, to 1e-5; ComfyUI's keys hold the same updates."""
    lora, comfy = read_lora(here / "runs/lora/lora"), read_lora(here / "runs/lora/lora" / COMFY)
    assert len(lora.updates) == 16 and lora.updates.keys() == comfy.updates.keys()
    for name, update in lora.updates.items():
        assert torch.equal(update.delta, comfy.updates[name].delta) and update.rank == 4
    model, before = base(), output(base())
    attach(model, lora)
    assert (output(model) - before).abs().max() > 1e-3
    assert (in_diffusers(here / "runs/lora/lora") - output(model)).abs().max() <= 1e-5


def test_training_goes_on_from_the_lora_that_is_named(here: Path) -> None:
    """It begins at the file's updates with their own rank, whatever rank is said, and only they want gradients."""
    where = here / "runs/lora/lora" / COMFY
    model = joined_lora(where=CHECKPOINT, rank=16, alpha=2.0, targets=["to_q"], lora=where)
    mine = extract(model, name=NAME)
    for name, update in read_lora(where).updates.items():
        assert torch.equal(mine.updates[name].delta, update.delta)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(trained) == 32 and all(".lora_" in name for name in trained)
    given = inputs()
    model(given["tokens"], given["times"], given["places"], given["context"], None).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == (name in trained), name


def test_a_finished_cache_needs_no_frozen_model(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With clips and captions encoded, VAE and T5 are not read again."""

    def unread(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("foresight.data.frozen.VideoVAE.from_pretrained", unread)
    monkeypatch.setattr("foresight.data.frozen.TextEncoder.from_pretrained", unread)
    words = ["train", "experiment=lora", "ltx=2b-0.9.8-distilled", f"ltx.where={CHECKPOINT}", "run=again"]
    assert main([*words, *SIZES, *SHORT, "trainer.max_steps=2", "trainer.val_check_interval=2"]) == 0


def test_a_run_goes_on_where_it_was(here: Path) -> None:
    """Longer, from its checkpoint: the LoRA of 4 steps and then 4 is that of 8, bit for bit."""
    words = ["train", "experiment=lora", "ltx=2b-0.9.8-distilled", f"ltx.where={CHECKPOINT}", *SIZES, *SHORT]
    for run, steps in (("once", 8), ("twice", 4), ("twice", 8)):
        limit = [f"trainer.max_steps={steps}", "schedule.steps=8", "objective.given.suffix_share=0.5"]
        assert main([*words, *limit, f"run={run}"]) == 0
    once, twice = (read_lora(here / run / "lora") for run in ("once", "twice"))
    for name, update in once.updates.items():
        assert torch.equal(update.delta, twice.updates[name].delta)


def test_a_reference_video_decides_what_an_ic_lora_draws(here: Path) -> None:
    """The same prompt and seed with another reference is another video."""
    words = ["generate", f"pipeline.where={CHECKPOINT}", "loras=[{file: runs/ic_lora_video/lora}]", "prompt=x"]
    for name in ("edges.mp4", "edges/train/clip1.mp4"):
        run = f"run=drawn/{Path(name).stem}"
        assert main([*words, *SMALL_VIDEO, f"references=[{name}]", run]) == 0
    one, other = (sorted(Path("drawn", name).glob("*.mp4")) for name in ("edges", "clip1"))
    assert one and [path.name for path in one] == [path.name for path in other]
    assert any(a.read_bytes() != b.read_bytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["experiment=ic_lora_video", "paths.videos=videos"], "a reference video for clip0.mp4"),
        (["experiment=lora", f"network.lora={CHECKPOINT}"], "no LoRA"),
        (["experiment=lora", "network.targets=[to_x]"], "to_x"),
        (["experiment=lora", "network.rank=0"], "rank of at least 1"),
        (["experiment=lora", "data=precomputed", "paths.videos=videos"], "preprocess_dataset.py"),
        (["experiment=lora", "objective.dropout=0.1"], "expected dropout 0"),
    ],
)
def test_a_mistake_is_one_line(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """Exit 2, and what was expected."""
    given = ["ltx=2b-0.9.8-distilled", f"ltx.where={CHECKPOINT}", f"run={tmp_path}", *SIZES, *SHORT[:3]]
    assert main(["train", *given, *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1, error
