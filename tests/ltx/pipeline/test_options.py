"""What a call may say: foreign numbers, own latents and noise, guidance, several videos; and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ltx.conditioning import ConditioningItem
from ltx.dtypes import working_dtype
from ltx.flow import Guidance, GuidanceSchedule, SkipMode
from ltx.numerals import number, whole
from ltx.pipeline import CallOptions, LTXPipeline, Options, StartingVideo, find_preset, starting_video
from ltx.pipeline.options import ELSEWHERE
from ltx.pipeline.passes import guided, passes_of
from ltx.pipeline.preset import ListedTimes
from ltx.pipeline.size import Size
from ltx.shapes import VideoShape

SMALL = {"frames": 9, "height": 32, "width": 64, "steps": 2}


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> LTXPipeline:
    """A small checkpoint without text encoder."""
    return LTXPipeline.from_pretrained(folder)


@pytest.fixture
def made(pipeline: LTXPipeline, text: Callable) -> Callable[..., Any]:
    """Makes a small video."""
    return lambda **options: pipeline(text(1), negative_prompt=text(2), **{**SMALL, **options})


def test_every_keyword_is_described() -> None:
    """The typed keywords and the record that checks them name the same options; no foreign name is one of them."""
    names = {field.name for field in fields(Options)}
    assert set(CallOptions.__annotations__) == names
    assert not names & set(ELSEWHERE)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("frame", "write frames"),
        ("num_frames", "write frames"),
        ("guidance_scale", "write guidance"),
        ("generator", "write seed"),
        ("zzz", "there are negative_prompt"),
    ],
)
def test_unknown_options_are_refused(given: str, hint: str, made: Callable[..., Any]) -> None:
    """With the name that was meant, by likeness or because another library calls it so."""
    with pytest.raises(TypeError, match=f"got {given}=; {hint}"):
        made(**{given: 3})


def test_numbers_of_other_libraries(made: Callable[..., Any]) -> None:
    """Seeds, sizes and rates of numpy, torch, fractions and text are the numbers they stand for."""
    plain = made(seed=3, frame_rate=25, output="latents").latents
    for seed in (np.int64(3), torch.tensor(3), np.array([3]), [np.int32(3)], torch.tensor([3]), 3.0):
        assert torch.equal(made(seed=seed, frame_rate="25", output="latents").latents, plain)
    sizes = {"frames": np.int64(9), "height": torch.tensor(32), "width": np.float64(64.0), "steps": np.int8(2)}
    assert torch.equal(made(seed=3, frame_rate=Fraction(25), output="latents", **sizes).latents, plain)
    assert not torch.equal(made(seed=4, frame_rate=25, output="latents").latents, plain)


def test_numerals() -> None:
    """Text is a number with or without a stroke; bools, texts that are none and infinities are refused."""
    assert number("a", "30000/1001") == 30000 / 1001 and number("a", np.float32(0.5)) == 0.5
    for wrong in (True, "1/0", "x", None, float("inf"), [1], np.bool_(True), torch.zeros(2)):
        with pytest.raises(ValueError, match="finite number for a"):
            number("a", wrong)
    assert whole("a", 2.0) == 2 and whole("a", np.uint8(7)) == 7
    for wrong in (True, 2.5, "2", None, [2], float("nan"), torch.tensor([1, 2])):
        with pytest.raises(ValueError, match="whole number for a"):
            whole("a", wrong)


def test_types_by_name(folder: Path) -> None:
    """Names and short names are types; those that no model computes in are refused with those that do."""
    assert working_dtype("bf16") is working_dtype("torch.bfloat16") is working_dtype(torch.bfloat16) is torch.bfloat16
    assert working_dtype(None) is None and working_dtype("fp16") is torch.float16
    read = LTXPipeline.from_pretrained(folder, dtype="bfloat16")
    assert next(read.transformer.parameters()).dtype is next(read.vae.parameters()).dtype is torch.bfloat16
    for wrong in (torch.float8_e4m3fn, torch.int8, "int8", "what"):
        with pytest.raises(ValueError, match="one of float32, bfloat16, float16"):
            LTXPipeline.from_pretrained(folder, dtype=wrong)


def test_latents_out_and_in(pipeline: LTXPipeline, made: Callable[..., Any], text: Callable) -> None:
    """Latents alone decode to the video of the same call, twice; given back they are refined, the less the lower."""
    whole_run = made(seed=5)
    latents = made(seed=5, output="latents")
    assert latents.video is None
    for _ in range(2):
        assert torch.equal(pipeline.decode(latents), whole_run.video)
    alone = pipeline.decode(latents.latents, seed=1)
    assert alone.shape == whole_run.video.shape
    assert not torch.equal(alone, whole_run.video)  # another seed of the decoder's noise
    assert torch.equal(alone, pipeline.decode(latents.latents, seed=1))
    options = {"latents": latents.latents, "seed": 9, "output": "latents", "steps": 8}
    far, near = (
        float((made(noise_level=level, **options).latents - latents.latents).abs().mean()) for level in (0.98, 0.73)
    )
    assert 0 < near < far
    times = made(latents=latents.latents, seed=9, output="latents", steps=None, times=[0.725, 0.421875]).latents
    assert torch.allclose(times, made(noise_level=0.73, **options).latents, atol=1e-5)
    with pytest.raises(ValueError, match="latents alone"):
        latents.numpy()


def test_own_noise(made: Callable[..., Any]) -> None:
    """The seed's own noise, given by hand, makes the same latents; other noise others."""
    noise = torch.randn(8, 2, 1, 2, generator=torch.Generator().manual_seed(5))[None]
    assert torch.equal(made(noise=noise, seed=0, output="latents").latents, made(seed=5, output="latents").latents)


def test_arrays_and_pictures(made: Callable[..., Any]) -> None:
    """The same video as arrays in [0, 1] and as pictures, frame by frame."""
    result = made()
    arrays, pictures = result.numpy(), result.images()
    assert arrays.shape == (1, 9, 32, 64, 3) and arrays.dtype == np.float32
    assert np.allclose(arrays[0, 3, 4, 5], result.video[0, :, 3, 4, 5].numpy() / 2 + 0.5)
    assert arrays.min() >= 0 and arrays.max() <= 1
    assert [len(frames) for frames in pictures] == [9] and pictures[0][0].size == (64, 32)
    assert np.abs(np.asarray(pictures[0][3]) / 255 - arrays[0, 3]).max() <= 0.5 / 255 + 1e-6


def test_several_videos_of_several_prompts(pipeline: LTXPipeline, text: Callable) -> None:
    """Two prompts with a picture each and two videos each are four runs of one, those of a prompt together."""
    pictures = torch.rand(2, 3, 1, 32, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    options = {**SMALL, "output": "latents", "negative_prompt": text(2)}
    both = text(1, 2)
    items = [ConditioningItem(pictures, 0, 1.0)]
    made = pipeline(both, videos=2, seed=3, conditions=items, **options).latents
    assert made.shape[0] == 4
    for row in range(4):
        one = type(both)(both.embeddings[row // 2][None], both.mask[row // 2][None])
        item = ConditioningItem(pictures[row // 2][None], 0, 1.0)
        alone = pipeline(one, seed=3 + row, conditions=[item], **options).latents
        assert (alone[0] - made[row]).abs().max() <= 1e-5


def test_guidance_changes() -> None:
    """A number or some fields go into every entry of the preset's schedule; whole records replace it."""
    schedule = find_preset("ltxv-13b-0.9.8-dev").first.guidance
    number = guided(schedule, 2.5)
    assert {entry.scale for entry in number.entries} == {2.5} and number.from_times == schedule.from_times
    assert [entry.stg_scale for entry in number.entries] == [entry.stg_scale for entry in schedule.entries]
    some = guided(schedule, {"skip_mode": "stg_as", "perturbed_blocks": [3], "rescale": np.float32(0.5)})
    assert {entry.skip_mode for entry in some.entries} == {SkipMode.ATTENTION_SKIP}
    assert {entry.perturbed_blocks for entry in some.entries} == {(3,)} and some.entries[2].scale == 6
    one = Guidance(scale=2.0)
    assert (
        guided(schedule, one) == GuidanceSchedule.constant(one)
        and guided(schedule, some) is some
        and guided(schedule, None) is schedule
    )


@pytest.mark.parametrize("mode", SkipMode)
def test_every_mode_is_reached(mode: SkipMode, made: Callable[..., Any]) -> None:
    """Each mode of STG has its own effect, and the residual one none."""
    options = {"seed": 1, "output": "latents"}
    plain = made(**options).latents
    got = made(guidance={"stg_scale": 2, "perturbed_blocks": [1], "skip_mode": mode.value}, **options).latents
    assert torch.equal(got, plain) == (mode is SkipMode.RESIDUAL)
    if mode is not SkipMode.ATTENTION_VALUES:
        values = made(guidance={"stg_scale": 2, "perturbed_blocks": [1]}, **options).latents
        assert not torch.equal(got, values)


def test_times_for_each_pass() -> None:
    """A list for one pass, a list of lists for two; a written-out end is dropped."""
    times = torch.tensor([1.0, 0.5, 0.0])
    assert [each.times for each in passes_of(find_preset("plain"), Options(times=times))] == [ListedTimes((1.0, 0.5))]
    two = passes_of(find_preset("ltxv-2b-0.9.8-distilled"), Options(times=[[1, 0.7], np.array([0.5])]))
    assert [each.times for each in two] == [ListedTimes((1.0, 0.7)), ListedTimes((0.5,))]
    with pytest.raises(ValueError, match=r"2 list.s. of times"):
        passes_of(find_preset("ltxv-2b-0.9.8-distilled"), Options(times=[1, 0.7]))


def test_references_as_long_as_they_are(made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """9 frames of reference in a video of 17 have half the tokens; longer ones are cut and a warning says so."""
    counted: list[int] = []
    original = LTXPipeline._sample

    def sampling(self: LTXPipeline, request: Any, *rest: Any) -> Tensor:
        counted.append(request.references[0].shape[2])
        return original(self, request, *rest)

    monkeypatch.setattr(LTXPipeline, "_sample", sampling)
    reference = torch.rand(1, 3, 33, 32, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    short = made(frames=17, references=[reference[:, :, :9]], output="latents").latents
    repeated = torch.cat([reference[:, :, :9], reference[:, :, 8:9].expand(-1, -1, 8, -1, -1)], dim=2)
    assert not torch.equal(short, made(frames=17, references=[repeated], output="latents").latents)
    with pytest.warns(UserWarning, match="of the 33 frames of a reference the first 17 are used"):
        made(frames=17, references=[reference], output="latents")
    assert counted == [9, 17, 17]


def test_a_video_to_repaint_is_cut_or_continued_with_a_word() -> None:
    """Its last frame is repeated where it is short, and frames behind the end are dropped."""
    video = torch.arange(5.0).view(1, 1, 5, 1, 1).expand(1, 3, 5, 2, 2) / 8
    with pytest.warns(UserWarning, match="has 5 of the 7 frames"):
        assert StartingVideo(video, 0.5).lasting(7).video[0, 0, :, 0, 0].mul(8).tolist() == [0, 1, 2, 3, 4, 4, 4]
    with pytest.warns(UserWarning, match="of the 5 frames of a video to repaint the first 3"):
        assert StartingVideo(video, 0.5).lasting(3).video.shape[2] == 3
    made = starting_video(video[0].repeat(1, 1, 20, 30), height=32, width=64, noise_level=0.5)
    assert made.video.shape == (1, 3, 5, 32, 64)


def test_given_frames_are_padded_in_proportion() -> None:
    """A picture of twice the asked-for size is padded by twice the margin, evenly, with zeros, and resized once."""
    size = Size(1, 50, 60)
    fitted = size.fit(torch.ones(1, 3, 1, 100, 120), VideoShape(1, 64, 64))[0, 0, 0]
    rows, columns = (fitted[:, 32] > 0.5).nonzero().flatten(), (fitted[32] > 0.5).nonzero().flatten()
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (7, 56, 2, 61)
    assert fitted[0].abs().max() == 0 and size.origin == (7, 2)


def test_pixels_are_clamped_before_the_last_resize() -> None:
    """A pixel far out of range does not spread over its neighbours."""
    video = torch.zeros(1, 3, 1, 64, 64)
    video[..., 10, 10] = 100
    assert Size(1, 32, 32).crop(video).max() <= 0.25
    assert replace(Size(1, 32, 32), height=20).crop(video).shape[-2:] == (20, 32)
