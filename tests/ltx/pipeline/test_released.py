"""A checkpoint is sampled as its release is, however it is named; where nothing says which, one warning does."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from ltx.bundle.checkpoint import Checkpoint
from ltx.bundle.convert import convert
from ltx.checkpoint.identity import RELEASES, identify
from ltx.checkpoint.read import Weights
from ltx.pipeline import LTXPipeline
from ltx.pipeline import parts as pipeline_parts
from ltx.pipeline.preset import presets
from ltx.pipeline.released import preset_of
from ltx.text import small_text_encoder
from ltx.upsampler import LatentUpsampler

TIMES = [1.0, 0.9937, 0.9875, 0.9812, 0.975, 0.9094, 0.725, 0.4219]
DISTILLED = "ltxv-2b-0.9.6-distilled"


@pytest.fixture
def official(folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes an official file of a name, with or without a list of times."""
    made = tmp_path / "made.safetensors"
    Checkpoint.from_pretrained(folder).save_official(made)

    def file(name: str, times: list[float] | None = None, **fields: object) -> Path:
        config = {**Weights((made,)).config(), **fields}
        if times is not None:
            config["allowed_inference_steps"] = times
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(load_file(made), path, metadata={"config": json.dumps(config)})
        return path

    return file


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A folder with a small text encoder."""
    encoder = small_text_encoder(["a ball"], width=16, layers=1, max_tokens=8, vocabulary=128, seed=0)
    encoder.save_pretrained(tmp_path / "t5")
    return tmp_path / "t5"


def read(where: Path, text: Path) -> tuple[LTXPipeline, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipeline = LTXPipeline.from_pretrained(where, text_encoder=text)
    return pipeline, [str(each.message) for each in caught]


def test_the_release_follows_a_file_into_every_format(official: Callable, text: Path, tmp_path: Path) -> None:
    """Known by its name, then written down: the folder, and the file made of the folder, keep the preset."""
    file = official(f"{DISTILLED}-04-25.safetensors")
    convert(file, tmp_path / "folder")
    convert(tmp_path / "folder", tmp_path / "renamed.safetensors")
    shutil.move(tmp_path / "folder", tmp_path / "anything")
    for where in (file, tmp_path / "anything", tmp_path / "renamed.safetensors"):
        pipeline, said = read(where, text)
        assert (pipeline.preset.name, said) == (DISTILLED, [])


def test_metadata_comes_before_names(official: Callable, text: Path) -> None:
    """A name that the file gives itself is believed before that of the file; a list of times before either."""
    stated = official("ltxv-2b-0.9.6-dev.safetensors", _name_or_path=f"somewhere/{DISTILLED}")
    assert read(stated, text)[0].preset.name == DISTILLED
    pipeline, said = read(official("ltxv-2b-0.9.6-dev.safetensors", TIMES), text)
    assert pipeline.preset.name == DISTILLED
    assert any("which its content contradicts" in each for each in said)


@pytest.mark.parametrize(("times", "preset"), [(None, "plain"), (TIMES, "distilled")])
def test_where_nothing_says_which(times: list[float] | None, preset: str, official: Callable, text: Path) -> None:
    """One warning with the choices; what lists its times runs them all, once, without guidance."""
    pipeline, said = read(official("model.safetensors", times), text)
    assert pipeline.preset.name == preset
    assert len(said) == 1 and "does not say which release it is" in said[0]
    assert "ltxv-13b-0.9.8-distilled" in said[0] and preset in said[0]
    if times is not None:
        steps: list[int] = []
        pipeline(
            "a ball", frames=9, height=32, width=32, output="latents", on_step=lambda each: steps.append(each.step)
        )
        assert len(steps) == len(TIMES)


def test_a_chosen_preset_needs_no_warning(official: Callable, text: Path) -> None:
    """It is what the user says it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline = LTXPipeline.from_pretrained(official("model.safetensors"), text_encoder=text, preset="plain")
    assert pipeline.preset.name == "plain"


def test_releases_that_are_sampled_alike_need_none() -> None:
    """0.9.5 and 0.9.6 dev have the same settings, so nobody has to say which."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = identify(layers=28, generation="0.9.5", listed_times=False, names=["dev.safetensors"])
        assert set(both.choices) == {"ltx-video-2b-0.9.5", "ltxv-2b-0.9.6-dev"}
        assert preset_of(both, None, "x").name == "ltxv-2b-0.9.6-dev"


def test_every_release_has_a_preset_of_its_kind() -> None:
    """The distilled ones have no guidance, and more than one time each."""
    for name, traits in RELEASES.items():
        guided = any(entry.scale != 1 for entry in presets()[name].first.guidance.entries)
        assert guided == (traits.kind == "dev")


def test_an_upsampler_that_cannot_be_had(official: Callable, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said when reading, and a call says what to do instead; one that was named is an error at once."""

    def offline(*args: object, **options: object) -> LatentUpsampler:
        raise pipeline_parts.CheckpointError("no connection")

    monkeypatch.setattr(pipeline_parts, "_upsampler", offline)
    file = official("ltxv-2b-0.9.8-distilled.safetensors", TIMES)
    pipeline, said = read(file, text)
    assert pipeline.preset.name == "ltxv-2b-0.9.8-distilled" and len(said) == 1
    assert "latent upsampler between them cannot be had" in said[0] and "no connection" in said[0]
    with pytest.raises(ValueError, match=r"upsampler=.*preset of one pass, 'distilled'"):
        pipeline("a ball", frames=9, height=64, width=64)
    with pytest.raises(pipeline_parts.CheckpointError):
        LTXPipeline.from_pretrained(file, text_encoder=text, upsampler="someone/upsampler")
