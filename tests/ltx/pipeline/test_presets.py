"""Whole sampling runs of every released preset, with its steps, lists and passes, against the written-out loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.ltx.modeling_latent_upsampler import LTXLatentUpsamplerModel
from diffusers.pipelines.ltx.pipeline_ltx_condition import linear_quadratic_schedule
from torch import Tensor

from ltx.conditioning import ConditioningItem
from ltx.pipeline import LTXPipeline, presets
from ltx.pipeline.preset import Pass
from ltx.upsampler import LatentUpsampler, UpsamplerConfig

FRAME_RATE, SEED = 24.0, 7
# 17 frames of 96×160: the first of two passes has 32×96 pixels, the second 64×192.
SIZE = {"frames": 17, "height": 96, "width": 160}
WHOLE, LOW, HIGH = (3, 3, 5), (3, 1, 3), (3, 2, 6)

OFF = (1.0, 0.0, 1.0, (), False)
# The released tables: CFG, STG, rescale, perturbed blocks, CFG-star; and which entry each of the 27 steps has.
DEV = [
    (1.0, 0.0, 1.0, (), True),
    (1.0, 0.0, 1.0, (11, 25, 35, 39), True),
    (6.0, 4.0, 0.5, (22, 35, 39), True),
    (8.0, 4.0, 0.5, (28,), True),
    (6.0, 4.0, 1.0, (28,), True),
    (1.0, 2.0, 1.0, (28,), True),
    (1.0, 1.0, 1.0, (28,), True),
]
DEV_STEPS = [0, *[1] * 2, *[2] * 2, *[3] * 5, *[4] * 4, *[5] * 5, *[6] * 8]
DEV_SECOND = (1.0, 1.0, 1.0, (27,), True)
DISTILLED = [1.0, 0.9937, 0.9875, 0.9812, 0.975, 0.9094, 0.725]
DISTILLED_SECOND = [0.9094, 0.725, 0.4219]

Text = Callable[..., object]


def close(got: Tensor, expected: Tensor) -> None:
    """Equal to 1e-5, and not by being flat."""
    assert expected.std() > 0.3
    assert (got - expected).abs().max() <= 1e-5


def start(size: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """First noise as tokens: drawn in the latents' shape."""
    return torch.randn(8, *size, generator=generator).flatten(1).T[None]


def grid(tokens: Tensor, size: tuple[int, int, int]) -> Tensor:
    return tokens[0].T.reshape(1, 8, *size)


@pytest.mark.parametrize("generation", ["0.9.0", "0.9.1", "0.9.5"])
def test_2b(generation: str, checkpoint: Callable, text: Text, written_out: type, places: Callable) -> None:
    """Guidance 3, STG 1 in block 19 and rescale 0.7; times shifted by the tokens before 0.9.5; 12 of its 40 steps."""
    folder = checkpoint(generation, 20)
    generator = torch.Generator().manual_seed(SEED)
    if generation == "0.9.5":
        sigmas = linear_quadratic_schedule(12)
    else:
        scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler")
        mu = 0.95 + (3 * 3 * 5 - 1024) * (2.05 - 0.95) / (4096 - 1024)
        scheduler.set_timesteps(sigmas=torch.linspace(1, 1 / 12, 12).numpy(), mu=mu)
        sigmas = scheduler.sigmas[:-1]
    loop = written_out(folder, text(1), text(2))
    expected = loop.run(
        start(WHOLE, generator),
        [float(sigma) for sigma in sigmas],
        [(3.0, 1.0, 0.7, (19,), False)] * 12,
        places(WHOLE, FRAME_RATE, causal=generation == "0.9.5"),
        generator,
    )
    name = f"ltx-video-2b-{generation}"
    got = LTXPipeline.from_pretrained(folder)(
        text(1),
        negative_prompt=text(2),
        **SIZE,
        frame_rate=FRAME_RATE,
        seed=SEED,
        preset=name,
        steps=12,
        output="latents",
    )
    close(got.latents, grid(expected, WHOLE))


def test_2b_distilled_is_stochastic(folder: Path, text: Text, written_out: type, places: Callable) -> None:
    """0.9.6 distilled: 8 steps without guidance, each noising its prediction again with fresh noise."""
    generator = torch.Generator().manual_seed(SEED)
    expected = written_out(folder, text(1), text(2)).run(
        start(WHOLE, generator),
        [float(sigma) for sigma in linear_quadratic_schedule(8)],
        [OFF] * 8,
        places(WHOLE, FRAME_RATE, causal=True),
        generator,
        stochastic=True,
    )
    got = LTXPipeline.from_pretrained(folder)(
        text(1), **SIZE, frame_rate=FRAME_RATE, seed=SEED, preset="ltxv-2b-0.9.6-distilled", output="latents"
    )
    close(got.latents, grid(expected, WHOLE))


@pytest.fixture(scope="module")
def upsampler() -> LatentUpsampler:
    """A small spatial upsampler."""
    torch.manual_seed(5)
    sizes = {"in_channels": 8, "mid_channels": 32, "num_blocks_per_stage": 1, "dims": 3}
    return LatentUpsampler(UpsamplerConfig.from_dict(sizes)).eval()


@torch.no_grad()
def enlarged(folder: Path, upsampler: LatentUpsampler, latents: Tensor) -> Tensor:
    """Between the passes: un-normalise, upsample with diffusers' model, normalise, AdaIN to the small latents."""
    vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae")
    mean, std = vae.latents_mean.view(1, -1, 1, 1, 1), vae.latents_std.view(1, -1, 1, 1, 1)
    theirs = LTXLatentUpsamplerModel(**upsampler.config.to_dict()).eval()
    theirs.load_state_dict(upsampler.state_dict())
    large = (theirs(latents * std + mean) - mean) / std
    axes, keep = (2, 3, 4), {"keepdim": True}
    centred = (large - large.mean(axes, **keep)) / large.std(axes, **keep)
    return centred * latents.std(axes, **keep) + latents.mean(axes, **keep)


def two_passes(
    loop: object,
    folder: Path,
    upsampler: LatentUpsampler,
    places: Callable,
    first: tuple[list, list],
    second: tuple[list, list],
) -> tuple[Tensor, torch.Generator]:
    """Latents of the second pass, which starts from the enlarged first ones noised to its first time."""
    generator = torch.Generator().manual_seed(SEED)
    low = loop.run(start(LOW, generator), *first, places(LOW, FRAME_RATE, causal=True), generator)
    large = enlarged(folder, upsampler, grid(low, LOW)).flatten(2).mT
    sigma = second[0][0]
    noised = sigma * start(HIGH, generator) + (1 - sigma) * large
    return grid(loop.run(noised, *second, places(HIGH, FRAME_RATE, causal=True), generator), HIGH), generator


@pytest.mark.parametrize("layers", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_13b_dev(
    layers: int, checkpoint: Callable, text: Text, written_out: type, places: Callable, upsampler: LatentUpsampler
) -> None:
    """27 of 30 steps with the per-step lists, ×2 in space, then the last 13 of 30 with STG in block 27.

    With two layers, which is fast, block 28 stands for the second one and the others for both.
    """
    folder = checkpoint("0.9.5", layers)

    def blocks(table: tuple) -> tuple:
        few = (1,) if table[3] == (28,) else (0, 1)[: len(table[3])]
        return table if layers == 40 else (*table[:3], few, table[4])

    sigmas = [float(sigma) for sigma in linear_quadratic_schedule(30)]
    first = (sigmas[:27], [blocks(DEV[entry]) for entry in DEV_STEPS])
    second = (sigmas[17:], [blocks(DEV_SECOND)] * 13)
    expected, _ = two_passes(written_out(folder, text(1), text(2)), folder, upsampler, places, first, second)
    pipeline = LTXPipeline.from_pretrained(folder)
    pipeline.upsampler = upsampler
    preset = presets()["ltxv-13b-0.9.8-dev"]
    if layers == 2:
        run = preset.refinement.run
        preset = replace(
            preset, first=_few(preset.first, blocks), refinement=replace(preset.refinement, run=_few(run, blocks))
        )
    got = pipeline(
        text(1), negative_prompt=text(2), **SIZE, frame_rate=FRAME_RATE, seed=SEED, preset=preset, output="latents"
    )
    close(got.latents, expected)


def _few(run: Pass, blocks: Callable) -> Pass:
    """The pass with its perturbed blocks in a model of two layers."""
    entries = tuple(
        replace(entry, perturbed_blocks=blocks((0.0, 0.0, 0.0, entry.perturbed_blocks, True))[3])
        for entry in run.guidance.entries
    )
    return replace(run, guidance=replace(run.guidance, entries=entries))


@pytest.mark.parametrize("name", ["ltxv-13b-0.9.7-distilled", "ltxv-13b-0.9.8-distilled", "ltxv-2b-0.9.8-distilled"])
def test_distilled(
    name: str, folder: Path, text: Text, written_out: type, places: Callable, upsampler: LatentUpsampler
) -> None:
    """Seven and three listed times without guidance; 13B 0.9.8 compresses the latents' tones before decoding."""
    first, second = (DISTILLED, [OFF] * 7), (DISTILLED_SECOND, [OFF] * 3)
    expected, generator = two_passes(written_out(folder, text(1), text(2)), folder, upsampler, places, first, second)
    pipeline = LTXPipeline.from_pretrained(folder)
    pipeline.upsampler = upsampler
    result = pipeline(text(1), **SIZE, frame_rate=FRAME_RATE, seed=SEED, preset=name)
    close(result.latents, expected)

    # As released and unlike diffusers: the noise is mixed into normalised latents, and before the tones.
    noisy = 0.975 * expected + 0.025 * torch.randn(expected.shape[1:], generator=generator)
    if name == "ltxv-13b-0.9.8-distilled":
        kappa = 0.75 * 0.6
        noisy = noisy * (1 - 0.8 * kappa * torch.sigmoid(4 * kappa * (noisy.abs() - 1)))
    vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae").eval()
    with torch.no_grad():
        raw = noisy * vae.latents_std.view(1, -1, 1, 1, 1) + vae.latents_mean.view(1, -1, 1, 1, 1)
        video = vae.decode(raw, torch.tensor([0.05]), return_dict=False)[0]
    frames = video[0].permute(1, 0, 2, 3).clamp(-1, 1)
    resized = torch.nn.functional.interpolate(frames, (96, 160), mode="bilinear", align_corners=False)
    assert result.video is not None
    assert (result.video[0].permute(1, 0, 2, 3) - resized).abs().max() <= 1e-5


def test_given_frames_in_both_passes(
    folder: Path, text: Text, written_out: type, places: Callable, upsampler: LatentUpsampler
) -> None:
    """A first frame is resized to each pass, encoded anew there, kept, and noised while sampling."""
    frame = torch.rand(1, 3, 1, 96, 160, generator=torch.Generator().manual_seed(3)) * 2 - 1
    generator = torch.Generator().manual_seed(SEED)
    loop = written_out(folder, text(1), text(2))
    vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae").eval()

    def sampled(size: tuple[int, int, int], tokens: Tensor, times: list[float]) -> Tensor:
        pixels = (32 * size[1], 32 * size[2])
        resized = torch.nn.functional.interpolate(frame[:, :, 0], pixels, mode="bilinear", align_corners=False)
        with torch.no_grad():
            posterior = vae.encode(resized[:, :, None]).latent_dist
        drawn = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=generator)
        latents = (drawn - vae.latents_mean.view(1, -1, 1, 1, 1)) / vae.latents_std.view(1, -1, 1, 1, 1)
        count, kept = size[1] * size[2], torch.zeros(tokens.shape[:2])
        kept[:, :count] = 1
        tokens = torch.cat([latents.flatten(2).mT, tokens[:, count:]], dim=1)
        where = places(size, FRAME_RATE, causal=True)
        return loop.run(tokens, times, [OFF] * len(times), where, generator, kept=kept, kept_noise=0.15)

    low = sampled(LOW, start(LOW, generator), DISTILLED)
    large = enlarged(folder, upsampler, grid(low, LOW)).flatten(2).mT
    noised = DISTILLED_SECOND[0] * start(HIGH, generator) + (1 - DISTILLED_SECOND[0]) * large
    expected = grid(sampled(HIGH, noised, DISTILLED_SECOND), HIGH)
    pipeline = LTXPipeline.from_pretrained(folder)
    pipeline.upsampler = upsampler
    got = pipeline(
        text(1),
        conditions=[ConditioningItem(frame, 0, 1.0)],
        **SIZE,
        frame_rate=FRAME_RATE,
        seed=SEED,
        preset="ltxv-13b-0.9.7-distilled",
        output="latents",
    )
    close(got.latents, expected)


def test_an_upsampler_of_time_is_refused_between_passes(folder: Path, text: Text) -> None:
    """The second pass has the frames of the first."""
    pipeline = LTXPipeline.from_pretrained(folder)
    sizes = {"in_channels": 8, "mid_channels": 32, "num_blocks_per_stage": 1, "dims": 3}
    temporal = {"spatial_upsample": False, "temporal_upsample": True}
    pipeline.upsampler = LatentUpsampler(UpsamplerConfig.from_dict({**sizes, **temporal}))
    with pytest.raises(ValueError, match="doubles height and width alone"):
        pipeline(text(1), **SIZE, preset="ltxv-13b-0.9.7-distilled")


def test_no_preset_is_left_out() -> None:
    """The structures above are all there are: every preset equals one of them or the three that are not released."""
    tested = {
        "ltx-video-2b-0.9.5",
        "ltxv-2b-0.9.6-distilled",
        "ltxv-13b-0.9.7-dev",
        "ltxv-13b-0.9.8-dev",
        "ltxv-13b-0.9.7-distilled",
        "ltxv-13b-0.9.8-distilled",
        "ltxv-2b-0.9.8-distilled",
        "plain",
        "distilled",
        "foresight-tiny",
    }
    structures = [_structure(presets()[name]) for name in tested]
    assert all(_structure(preset) in structures for preset in presets().values())
    # 0.9.7 and 0.9.8 dev differ in the upsampler's file alone.
    assert _structure(presets()["ltxv-13b-0.9.7-dev"]) == _structure(presets()["ltxv-13b-0.9.8-dev"])


def _structure(preset: object) -> tuple:
    run = preset.refinement.run if preset.refinement else None
    return (preset.first, run, preset.stochastic, preset.tone_map, preset.decode_timestep, preset.decode_noise_scale)
