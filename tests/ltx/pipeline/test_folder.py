"""A whole pipeline on disk: written, read again, read by diffusers, and refused where its parts do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
import torch
from diffusers import LTXConditionPipeline
from safetensors.torch import load_file

from ltx.bundle.checkpoint import Checkpoint, read_scheduler
from ltx.bundle.convert import convert
from ltx.checkpoint import CheckpointError
from ltx.checkpoint.read import Weights
from ltx.flow import GuidanceSchedule, SchedulerConfig
from ltx.flow.guidance_schedule import Guidance
from ltx.pipeline import LTXPipeline
from ltx.text import CachedTextEncoder, TextEncoder, small_text_encoder
from ltx.upsampler import LatentUpsampler, UpsamplerConfig

SENTENCES = ("a red ball rolls left", "a blue ball falls down")
OPTIONS = {"frames": 9, "height": 64, "width": 64, "output": "latents"}


def encoder(width: int = 16) -> TextEncoder:
    return small_text_encoder(SENTENCES, width=width, layers=1, max_tokens=8, vocabulary=128, seed=0)


def upsampler(channels: int = 8) -> LatentUpsampler:
    torch.manual_seed(1)
    sizes = {"in_channels": channels, "mid_channels": 32, "num_blocks_per_stage": 1, "dims": 3}
    return LatentUpsampler(UpsamplerConfig.from_dict(sizes)).eval()


@pytest.fixture
def pipeline(folder: Path) -> LTXPipeline:
    """Every part, and a preset of two passes."""
    made = LTXPipeline.from_pretrained(folder)
    made.text_encoder, made.upsampler = encoder(), upsampler()
    return made


def test_everything_comes_back(pipeline: LTXPipeline, tmp_path: Path) -> None:
    """Weights, scheduler, text encoder, upsampler, preset and sources; the words give the same latents again."""
    pipeline.sources = {"vae": f"someone/model@{'a' * 40}"}
    pipeline.preset = LTXPipeline.from_pretrained(_saved(pipeline, tmp_path / "first"), preset=DISTILLED).preset
    read = LTXPipeline.from_pretrained(_saved(pipeline, tmp_path / "second"))
    assert (read.preset.name, read.sources) == (DISTILLED, pipeline.sources)
    assert read.scheduler == pipeline.scheduler
    before, after = (each(SENTENCES[0], seed=4, **OPTIONS).latents for each in (pipeline, read))
    assert torch.equal(before, after)


DISTILLED = "ltxv-2b-0.9.8-distilled"


def _saved(pipeline: LTXPipeline, folder: Path) -> Path:
    pipeline.save_pretrained(folder)
    return folder


def test_diffusers_reads_it(pipeline: LTXPipeline, tmp_path: Path) -> None:
    """diffusers' pipeline loads every part from the folder, text encoder too, and makes the same latents of words."""
    theirs = LTXConditionPipeline.from_pretrained(_saved(pipeline, tmp_path))
    theirs.set_progress_bar_config(disable=True)
    expected = theirs(
        prompt=SENTENCES[0],
        negative_prompt=SENTENCES[1],
        height=64,
        width=64,
        num_frames=9,
        frame_rate=30,
        num_inference_steps=3,
        max_sequence_length=8,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(2),
        output_type="latent",
    ).frames
    got = pipeline(
        SENTENCES[0],
        negative_prompt=SENTENCES[1],
        seed=2,
        steps=3,
        guidance=GuidanceSchedule.constant(Guidance(scale=3.0)),
        **OPTIONS,
    )
    assert (got.latents - expected).abs().max() <= 1e-5


def stored(file: Path) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in load_file(file).items()}


@pytest.mark.parametrize("generation", ["0.9.0", "0.9.1", "0.9.5"])
def test_a_folder_of_diffusers_survives_every_format(generation: str, checkpoint: Callable, tmp_path: Path) -> None:
    """diffusers' folder → official file → folder → official file: equal bytes for each tensor, at each stage."""
    folder = checkpoint(generation, 2)
    file, again, last = tmp_path / "a.safetensors", tmp_path / "folder", tmp_path / "b.safetensors"
    convert(folder, file)
    convert(file, again)
    convert(again, last)
    for part in ("transformer", "vae"):
        name = "diffusion_pytorch_model.safetensors"
        assert stored(folder / part / name) == stored(again / part / name)
    assert stored(file) == stored(last)
    assert Weights((file,)).config() == Weights((last,)).config()
    assert read_scheduler(file) == read_scheduler(folder) == read_scheduler(again)


@pytest.mark.parametrize(
    "scheduler",
    [
        SchedulerConfig("uniform"),
        SchedulerConfig("uniform", "tokens", 0.1),
        SchedulerConfig("linear-quadratic", "tokens"),
        SchedulerConfig("linear-quadratic", None, None, (1.0, 0.725)),
    ],
)
def test_every_scheduler_survives(scheduler: SchedulerConfig, folder: Path, tmp_path: Path) -> None:
    """Also spacings that diffusers' own fields cannot say."""
    read = Checkpoint.from_pretrained(folder)
    Checkpoint(read.transformer, read.vae, scheduler).save_pretrained(tmp_path / "folder")
    assert read_scheduler(tmp_path / "folder") == scheduler
    convert(tmp_path / "folder", tmp_path / "a.safetensors")
    assert read_scheduler(tmp_path / "a.safetensors") == scheduler


def test_a_folder_without_scheduler_has_that_of_its_release(folder: Path, checkpoint: Callable, tmp_path: Path) -> None:
    """Told by whether its positions are causal, as for files; what holds no transformer is refused."""
    for generation, expected in (("0.9.5", SchedulerConfig()), ("0.9.0", SchedulerConfig("uniform", "tokens", 0.1))):
        bare = tmp_path / generation
        Checkpoint.from_pretrained(checkpoint(generation, 2)).save_pretrained(bare)
        (bare / "scheduler" / "scheduler_config.json").unlink()
        assert read_scheduler(bare) == expected
    with pytest.raises(CheckpointError, match=r"expected scheduler/scheduler_config\.json"):
        read_scheduler(tmp_path)


def test_an_official_file_needs_its_text_encoder_named(folder: Path, pipeline: LTXPipeline, tmp_path: Path) -> None:
    """A file and a text encoder from elsewhere make a pipeline; so does a folder without one, for context tokens."""
    convert(folder, tmp_path / "a.safetensors")
    encoder().save_pretrained(tmp_path / "words")
    read = LTXPipeline.from_pretrained(tmp_path / "a.safetensors", text_encoder=tmp_path / "words")
    options = {**OPTIONS, "steps": 2}
    assert torch.equal(read(SENTENCES[0], **options).latents, pipeline(SENTENCES[0], **options).latents)
    assert LTXPipeline.from_pretrained(folder).text_encoder is None


def test_downloads_are_recorded(pipeline: LTXPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from the hub's cache at a commit, every part says where it came from, also after saving."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "cache" / "models--someone--model"
    pipeline.upsampler = None
    _saved(pipeline, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    read = LTXPipeline.from_pretrained(f"someone/model@{commit}")
    source = f"someone/model@{commit}"
    assert read.sources == {"transformer": source, "vae": source, "text_encoder": source}
    _saved(read, tmp_path / "local")
    assert LTXPipeline.from_pretrained(tmp_path / "local").sources == read.sources
    with pytest.warns(UserWarning, match=f"someone/model was read at main.*{commit}"):
        assert LTXPipeline.from_pretrained("someone/model").sources == read.sources
    with pytest.raises(CheckpointError, match="not in the local cache"):
        LTXPipeline.from_pretrained("someone/model@v2")


def test_parts_of_different_models_are_refused(pipeline: LTXPipeline, folder: Path, tmp_path: Path) -> None:
    """Other latent channels or another caption width are named before anything runs."""
    with pytest.raises(ValueError, match=r"equally many latent channels.*'latent upsampler': 16"):
        LTXPipeline(pipeline.transformer, pipeline.vae, pipeline.scheduler, None, upsampler(16), pipeline.preset)
    encoder(32).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"text encoder of width 16.*got 32"):
        LTXPipeline.from_pretrained(folder, text_encoder=tmp_path)
    with pytest.raises(ValueError, match="name of a preset"):
        LTXPipeline.from_pretrained(folder, preset="nothing")


def test_what_cannot_be_written_is_refused(pipeline: LTXPipeline, tmp_path: Path) -> None:
    """A wrapped text encoder has no files of its own; nothing is written."""
    pipeline.text_encoder = CachedTextEncoder(encoder(), tmp_path / "cache")
    with pytest.raises(CheckpointError, match="expected a TextEncoder to write"):
        pipeline.save_pretrained(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_damaged_index_is_named(pipeline: LTXPipeline, tmp_path: Path) -> None:
    """Notes of another type than ours, and an unknown preset, are refused."""
    index = _saved(pipeline, tmp_path) / "model_index.json"
    fields = json.loads(index.read_text())
    for change, message in (({"_sources": [1]}, "_sources"), ({"_preset": "nothing"}, "name of a preset")):
        index.write_text(json.dumps({**fields, **change}))
        with pytest.raises(ValueError, match=message):
            LTXPipeline.from_pretrained(tmp_path)


def test_a_pipeline_that_stays_on_a_device_may_be_moved(pipeline: LTXPipeline, folder: Path) -> None:
    """Of models that were given, and of models that were read without offloading; offloaded ones are refused."""
    assert pipeline.to("cpu") is pipeline
    read = LTXPipeline.from_pretrained(folder, offload="none")
    assert read.to("cpu") is read
    with pytest.raises(ValueError, match="offload=parts"):
        LTXPipeline.from_pretrained(folder, offload="parts").to("cpu")
