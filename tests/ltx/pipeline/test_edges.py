"""Sizes, levels, passes and rows at their edges, by hand and without a model."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ltx.conditioning import ConditioningItem, ConditioningNoise, LatentItem
from ltx.conditioning.place import Grid, InContextTokens, place, reference_video
from ltx.flow import Guidance, GuidanceSchedule, seeded
from ltx.pipeline.denoiser import TransformerBranches, _repeated
from ltx.pipeline.generated import Decoding, Generated
from ltx.pipeline.latents import adain, low_size, tone_map
from ltx.pipeline.options import Options
from ltx.pipeline.passes import guided, passes_of
from ltx.pipeline.preset import CountedSteps, ListedTimes, Preset, find_preset
from ltx.pipeline.request import Request
from ltx.pipeline.run import _from_level, encode
from ltx.pipeline.size import Size
from ltx.pipeline.start import StartingVideo, check_latents, check_level, check_video, cut
from ltx.shapes import LatentShape, VideoShape
from ltx.text import TextConditioning
from ltx.vae.model import Moments


def text(rows: int) -> TextConditioning:
    return TextConditioning(torch.zeros(rows, 2, 4), torch.ones(rows, 2, dtype=torch.bool))


@pytest.mark.parametrize(
    ("asked", "padded", "origin"),
    [
        ((1, 32, 64), (1, 32, 64), (0, 0)),
        ((9, 33, 31), (9, 64, 32), (15, 0)),
        ((2, 1, 65), (9, 32, 96), (15, 15)),
        ((10, 90, 100), (17, 96, 128), (3, 14)),
    ],
)
def test_sizes_are_rounded_up(
    asked: tuple[int, int, int], padded: tuple[int, int, int], origin: tuple[int, int]
) -> None:
    """To 8k+1 frames of multiples of 32, the asked-for part in the middle."""
    size = Size(*asked)
    assert size.padded == VideoShape(*padded) and size.origin == origin
    shown = size.crop(torch.zeros(1, 3, *padded))
    assert shown.shape[2:] == asked


@pytest.mark.parametrize("size", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_nothing_is_no_size(size: tuple[int, int, int]) -> None:
    """One frame of one pixel is."""
    with pytest.raises(ValueError, match="at least 1 frame of 1×1"):
        Size(*size)
    assert Size(1, 1, 1).padded == VideoShape(1, 32, 32)


def test_frames_are_cropped_where_they_were_padded() -> None:
    """5 rows and 10 columns that differ come back from the middle."""
    size = Size(1, 5, 10)
    video = torch.arange(50.0).view(1, 1, 1, 5, 10).expand(1, 3, 1, 5, 10) / 50
    assert torch.equal(size.crop(size.fit(video, size.padded)), video)


@pytest.mark.parametrize(("frames", "whole"), [(1, 1), (2, 9), (8, 9), (9, 9), (10, 17)])
def test_the_last_frame_fills_a_latent(frames: int, whole: int) -> None:
    """Up to the next 8k+1."""
    video = torch.arange(frames).view(1, 1, frames, 1, 1).expand(1, 3, frames, 32, 32) / 20
    fitted = Size(1, 32, 32).fit_whole(video, VideoShape(1, 32, 32))[0, 0, :, 0, 0] * 20
    assert fitted.round().tolist() == [min(frame, frames - 1) for frame in range(whole)]


@pytest.mark.parametrize(
    ("size", "low"),
    [((9, 64, 64), (9, 32, 32)), ((1, 64, 128), (1, 32, 64)), ((1, 128, 64), (1, 64, 32)), ((9, 96, 160), (9, 32, 96))],
)
def test_the_first_pass_has_two_thirds(size: tuple[int, int, int], low: tuple[int, int, int]) -> None:
    """Rounded down to multiples of 32."""
    assert low_size(VideoShape(*size)) == VideoShape(*low)


@pytest.mark.parametrize("size", [(9, 32, 64), (9, 64, 32), (1, 64, 64)])
def test_too_small_for_two_passes(size: tuple[int, int, int]) -> None:
    """With the numbers, and what would do."""
    with pytest.raises(ValueError, match=f"at least 64×64 pixels .*got {size[0]} frames of {size[1]}×{size[2]}"):
        low_size(VideoShape(*size))


def test_tones_and_statistics_at_their_ends() -> None:
    """No compression changes nothing; half of the statistics is half of the way."""
    z = torch.tensor([0.5, 2.0])
    assert torch.equal(tone_map(z, 0.0), z) and tone_map(z, 1.0).shape == (2,)
    for wrong in (-0.1, 1.1):
        with pytest.raises(ValueError, match="compression"):
            tone_map(z, wrong)
    latents = torch.tensor([-1.0, 1.0]).view(1, 1, 2, 1, 1)
    reference = torch.tensor([3.0, 9.0]).view(1, 1, 2, 1, 1)
    assert adain(latents, reference, 0.5).flatten().tolist() == pytest.approx([1, 5])


@pytest.mark.parametrize("level", [0, 1, -0.5, 1.5, float("nan")])
def test_levels_lie_between(level: float) -> None:
    """Neither clean nor pure noise."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        check_level(level)
    check_level(1e-6)
    check_level(1 - 1e-6)


@pytest.mark.parametrize("shape", [(3, 9, 4, 4), (1, 4, 9, 4, 4), (1, 3, 0, 4, 4)])
def test_what_is_no_video_is_refused(shape: tuple[int, ...]) -> None:
    """Without a batch, of other colours, of no frames."""
    with pytest.raises(ValueError, match=r"expected a \(batch, 3, frame, height, width\)"):
        check_video("a", torch.zeros(shape))


@pytest.mark.parametrize("latents", [[0.0], torch.zeros(8, 1, 1, 1), torch.zeros(1, 4, 1, 1, 1), None])
def test_what_is_no_latents_is_refused(latents: Any) -> None:
    """No tensor, no batch, other channels; whole numbers by their type."""
    with pytest.raises(ValueError, match=r"expected x \(batch, 8, frame, height, width\)"):
        check_latents("x", latents, 8)
    with pytest.raises(ValueError, match=r"expected floating x, got torch\.int64"):
        check_latents("x", torch.zeros(1, 8, 1, 1, 1, dtype=torch.int64), 8)
    check_latents("x", torch.zeros(1, 8, 1, 1, 1), 8)


def test_only_what_is_cut_is_said(recwarn: pytest.WarningsRecorder) -> None:
    """As many frames as asked for are neither too many nor too few."""
    video = torch.zeros(1, 3, 4, 2, 2)
    assert cut("a", video, 4).shape[2] == 4 and StartingVideo(video, 0.5).lasting(4).video.shape[2] == 4
    assert not list(recwarn)


def test_sampling_begins_at_the_level() -> None:
    """At the first time that is not above it, a rounding apart; a level below all is refused with the last."""
    sigmas = torch.tensor([1.0, 0.75, 0.25])
    assert _from_level(sigmas, 0.75).tolist() == [0.75, 0.25]
    assert _from_level(sigmas, 0.75 - 1e-7).tolist() == [0.75, 0.25]
    assert _from_level(sigmas, 0.7).tolist() == [0.25]
    with pytest.raises(ValueError, match=r"at least 0\.25, .*got 0\.2"):
        _from_level(sigmas, 0.2)
    assert _from_level(sigmas[1:], None).tolist() == [0.75, 0.25]
    with pytest.raises(ValueError, match="noise_level between 0 and 1"):
        _from_level(sigmas, None)


def test_steps_keep_their_share() -> None:
    """Half as many leave out half as many, rounded down."""
    assert CountedSteps(30, 17, 3).resized(15) == CountedSteps(15, 8, 1)
    assert CountedSteps(30, 17, 3).resized(60) == CountedSteps(60, 34, 6)
    with pytest.raises(ValueError, match="lists its 2 times, got 3"):
        ListedTimes((1.0, 0.5)).resized(3)


@pytest.mark.parametrize(
    ("times", "kept"), [([1.0], (1.0,)), ([1, 0.5, 0], (1.0, 0.5)), ([0.0], (0.0,)), ([[1.0, 0.25]], (1.0, 0.25))]
)
def test_times_of_one_pass(times: list[Any], kept: tuple[float, ...]) -> None:
    """As a list or a list of one; an end that is written out goes, unless it is all there is."""
    (found,) = passes_of(find_preset("plain"), Options(times=times))
    assert found.times == ListedTimes(kept)


@pytest.mark.parametrize("times", [[1.01, 0.5], [[1.0], 0.5], [[1.0], [0.5]], []])
def test_other_times_are_refused(times: list[Any]) -> None:
    """Above 1, of mixed kinds, of more passes, of none."""
    with pytest.raises(ValueError, match=r"expected .*times"):
        passes_of(find_preset("plain"), Options(times=times))[0].times.sigmas(SimpleNamespace(check=id), 1)  # type: ignore[arg-type]


def test_changes_of_guidance_have_something_to_change() -> None:
    """Blocks or a rescale need STG; STG needs blocks; both may be given or the preset's."""
    plain = GuidanceSchedule.constant(Guidance())
    perturbing = GuidanceSchedule.constant(Guidance(stg_scale=1, perturbed_blocks=(3,)))
    for change in ({"rescale": 0.5}, {"perturbed_blocks": 3}):
        with pytest.raises(ValueError, match="expected stg_scale beside"):
            guided(plain, change)
        guided(perturbing, change)
    with pytest.raises(ValueError, match="expected perturbed_blocks beside stg_scale 2"):
        guided(plain, {"stg_scale": 2})
    assert guided(plain, {"stg_scale": 0}) == plain
    assert guided(perturbing, {"stg_scale": 2}).entries[0].stg_scale == 2
    assert guided(perturbing, {"perturbed_blocks": 5}).entries[0].perturbed_blocks == (5,)
    with pytest.raises(ValueError, match="expected true or false for cfg_star"):
        guided(plain, {"cfg_star": 1})
    with pytest.raises(ValueError, match=r"among scale, .*got zzz$"):
        guided(plain, {"zzz": 1})


@pytest.mark.parametrize("change", [{"videos": 0}, {"frame_rate": 0}, {"frame_rate": -1}, {"conditioning_noise": -0.1}])
def test_options_at_their_ends(change: dict[str, Any]) -> None:
    """One video, any rate above 0, and no noise are taken."""
    with pytest.raises(ValueError, match="at least 1 video, a frame rate above 0 and a conditioning noise ≥ 0"):
        Options(**change)
    Options(videos=1, frame_rate=1e-3, conditioning_noise=0, seed=2**63 - 1)
    assert Options(negative_prompt=None).negative_prompt == ""


def request(rows: int = 1, **options: Any) -> Request:
    return Request.of(Options(**{"frames": 9, **options}), positive=text(rows), negative=None, channels=8)


def test_rows_of_a_request() -> None:
    """A prompt for each seed, one for all, or each prompt several times."""
    assert len(request(2).generators) == 2 and len(request(2, videos=3).positive) == 6
    assert len(request(1, seed=[1, 2]).positive) == 2
    for rows, seed in ((2, [1, 2, 3]), (1, [])):
        with pytest.raises(ValueError, match=f"as many prompts as seeds \\({len(seed)}\\), got {rows}"):
            request(rows, seed=seed)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_given_frames_are_for_one_or_for_each(rows: int) -> None:
    """Of two samples, three are too many."""
    given = {
        "conditions": [ConditioningItem(torch.zeros(rows, 3, 1, 4, 4), 0, 1.0)],
        "references": [torch.zeros(rows, 3, 1, 4, 4)],
        "start": StartingVideo(torch.zeros(rows, 3, 9, 4, 4), 0.5),
    }
    for name, value in given.items():
        if rows == 3:
            with pytest.raises(ValueError, match="for all samples or one for each of 2, got 3"):
                request(2, **{name: value})
        else:
            request(2, **{name: value})


def test_branches_have_prompts() -> None:
    """As many negative ones as positive, and one where it is asked for."""
    with pytest.raises(ValueError, match="expected 2 negative prompts, one for each prompt, got 1"):
        TransformerBranches(None, None, None, text(2), text(1))  # type: ignore[arg-type]
    same, other = torch.ones(2, 3), torch.tensor([[1.0], [2.0]])
    assert _repeated(same, 2).shape == (1, 3) and _repeated(other, 2).flatten().tolist() == [1, 2, 1, 2]


def test_arrays_are_in_the_unit_range() -> None:
    """−1 is 0, 1 is 1, and frames come before colours."""
    video = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1, 1)
    decoding = Decoding(find_preset("plain"), Size(1, 1, 1), [])
    assert Generated(video, video, decoding).numpy().flatten().tolist() == [0, 0.5, 1]


def test_a_preset_needs_its_fields() -> None:
    """Missing and unknown ones are named."""
    guidance = {"scale": 1, "stg_scale": 0, "rescale": 1, "skip_blocks": [], "cfg_star": False, "from_times": [1.0]}
    first = {"steps": 4, "guidance": guidance}
    preset = Preset.from_dict("a", {"first": first})
    assert preset.first.times == CountedSteps(4) and preset.refinement is None
    assert Preset.from_dict("a", {"first": {"times": [1.0, 0.5], "guidance": guidance}}).first.times == ListedTimes(
        (1.0, 0.5)
    )
    for fields, message in (
        ({}, "lacks 'first'"),
        ({"first": first, "more": 1}, "unknown"),
        ({"first": {**first, "x": 1}}, "x"),
    ):
        with pytest.raises(ValueError, match=message):
            Preset.from_dict("a", fields)


def test_noise_on_given_tokens_falls_with_the_square_of_time() -> None:
    """Tokens of strength 1 are initial + scale · t² · ε; weaker ones are left alone."""
    initial, tokens = torch.full((1, 2, 1), 3.0), torch.full((1, 2, 1), 7.0)
    noise = ConditioningNoise(initial, torch.tensor([[1.0, 0.99]]), 0.5, torch.Generator().manual_seed(0))
    drawn = torch.randn(1, 2, 1, generator=torch.Generator().manual_seed(0))
    expected = torch.tensor([3 + 0.5 * 0.25 * float(drawn[0, 0, 0]), 7.0])
    torch.testing.assert_close(noise(tokens, 0.5).flatten(), expected)


GRID = Grid(LatentShape(3, 2, 2), frame_rate=8.0, causal=True)


def put(item: LatentItem | None = None, *extra: InContextTokens) -> Any:
    items = [] if item is None else [item]
    return place(torch.zeros(2, 1, 3, 2, 2), items, grid=GRID, generator=torch.Generator(), in_context=extra)


@pytest.mark.parametrize(
    ("frames", "start", "fits"), [(3, 0, True), (2, 8, True), (1, 16, True), (2, 9, False), (1, 17, False)]
)
def test_items_end_with_the_video(frames: int, start: int, fits: bool) -> None:
    """The last of its 17 frames is the last of theirs."""
    latents = torch.zeros(1, 1, frames, 2, 2)
    if fits:
        put(LatentItem(latents, start, 1.0))
    else:
        with pytest.raises(ValueError, match=r"trim the item|multiple of 8"):
            put(LatentItem(latents, start, 1.0))


@pytest.mark.parametrize("size", [(1, 2), (2, 1)])
def test_other_sizes_are_refused(size: tuple[int, int]) -> None:
    """Height and width each."""
    latents = torch.zeros(1, 1, 1, *size)
    with pytest.raises(ValueError, match=f"of 2×2, got {size[0]}×{size[1]}"):
        put(LatentItem(latents, 0, 1.0))
    with pytest.raises(ValueError, match="expected a reference"):
        reference_video(latents, GRID)


@pytest.mark.parametrize(("rows", "channels", "fits"), [(1, 1, True), (2, 1, True), (3, 1, False), (2, 2, False)])
def test_tokens_in_context_are_of_the_video(rows: int, channels: int, fits: bool) -> None:
    """One row for all or one for each, of its channels."""
    extra = InContextTokens(torch.ones(rows, 1, channels), torch.zeros(1, 3, 1), 1.0)
    if fits:
        assert put(None, extra).tokens.shape == (2, 13, 1)
    else:
        with pytest.raises(ValueError, match=r"in-context tokens \(2, token, 1\)"):
            put(None, extra)


@pytest.mark.parametrize("change", [{"start": -1}, {"strength": -0.1}, {"strength": 1.1}])
def test_items_at_their_ends(change: dict[str, Any]) -> None:
    """From frame 0 on, from 0 to 1; a picture at any frame, a clip at multiples of 8."""
    with pytest.raises(ValueError, match=r"expected a (start frame|strength)"):
        replace(LatentItem(torch.zeros(1, 1, 1, 1, 1), 0, 1.0), **change)
    LatentItem(torch.zeros(1, 1, 1, 1, 1), 3, 0.0)
    LatentItem(torch.zeros(1, 1, 2, 1, 1), 16, 1.0)


@pytest.mark.parametrize("shape", [(3, 1, 4, 4), (1, 4, 1, 4, 4), (1, 3, 0, 4, 4)])
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    """No batch, other colours, no frame."""
    with pytest.raises(ValueError, match=r"expected frames \(batch, 3, frame, height, width\)"):
        ConditioningItem(torch.zeros(shape), 0, 1.0)


@pytest.mark.parametrize(
    ("count", "start", "used"),
    [(12, 0, "the first 9 are"), (18, 4, "the 9 after the first 4 are"), (8, 8, "the first alone is")],
)
def test_what_is_used_of_a_clip_is_said(count: int, start: int, used: str) -> None:
    """In numbers of its own frames."""
    with pytest.warns(UserWarning, match=f"of the {count} frames .* at frame {start} of a video of 41, {used} used"):
        ConditioningItem(torch.zeros(1, 3, count, 4, 4), start, 1.0).trimmed(41)


def test_given_frames_are_drawn_from_their_posterior() -> None:
    """The mean and half of the log-variance, with each sample's own noise: 1 + 3 ε of log-variance 2 · ln 3."""
    moments = Moments(torch.ones(1, 2, 1, 1, 1), torch.full((1, 1, 1, 1, 1), 2 * torch.tensor(3.0).log()))
    vae: Any = torch.nn.Linear(1, 1)
    vae.moments = lambda _: moments
    vae.per_channel_statistics = SimpleNamespace(normalize=lambda latents: latents)
    given: Any = SimpleNamespace(generators=seeded([4, 5]))
    drawn = torch.cat([torch.randn(2, generator=generator) for generator in seeded([4, 5])])
    torch.testing.assert_close(encode(vae, torch.zeros(1), given).flatten(), 1 + 3 * drawn)
