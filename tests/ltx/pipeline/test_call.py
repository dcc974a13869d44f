"""What a call promises beyond parity: batches, references, sizes that do not fit, tiles, progress, refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLLTXVideo
from torch import Tensor

from ltx.conditioning import ConditioningItem
from ltx.flow import GuidanceSchedule
from ltx.flow.guidance_schedule import Guidance
from ltx.pipeline import LTXPipeline, Preset, find_preset
from ltx.pipeline.preset import CountedSteps, ListedTimes, Pass
from ltx.shapes import LatentShape, from_tokens
from ltx.upsampler import LatentUpsampler, UpsamplerConfig
from ltx.vae.tiling import Tiling

Text = Callable[..., object]
GUIDED = GuidanceSchedule.constant(Guidance(scale=3.0))
UNGUIDED = replace(
    find_preset("plain"), first=Pass(CountedSteps(8), GuidanceSchedule.constant(Guidance())), decode_noise_scale=0.0
)


def clip(frames: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Random pixels in [−1, 1]."""
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)
    return torch.from_numpy(pixels).permute(3, 0, 1, 2)[None].float() / 127.5 - 1


def test_samples_do_not_depend_on_their_batch(folder: Path, text: Text) -> None:
    """Three samples with CFG, STG, rescaling, a kept frame and a key frame are what each is alone."""
    pipeline = LTXPipeline.from_pretrained(folder)
    both = Guidance(scale=4.0, stg_scale=2.0, rescale=0.7, perturbed_blocks=(1,), cfg_star=True)
    options = {
        "negative_prompt": text(2),
        "conditions": [
            ConditioningItem(clip(1, 64, 96), 0, 1.0),
            ConditioningItem(clip(1, 64, 96), 9, 0.8),
        ],
        "frames": 17,
        "height": 64,
        "width": 96,
        "steps": 3,
        "guidance": GuidanceSchedule.constant(both),
        "output": "latents",
    }
    together = pipeline(text(1), seed=[8, 2, 5], **options).latents
    assert (together[0] - together[1]).abs().max() > 0.1
    for row, seed in enumerate([8, 2, 5]):
        alone = pipeline(text(1), seed=seed, **options).latents[0]
        assert (together[row] - alone).abs().max() <= 1e-5


def test_reference_videos(folder: Path, text: Text, written_out: type, places: Callable) -> None:
    """A reference's clean tokens stand first, at the video's own places, beside a kept first frame."""
    size, seed = (3, 2, 3), 9
    reference, first = clip(17, 64, 96, 1), clip(1, 64, 96, 2)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(8, *size, generator=generator)[None]
    vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae").eval()

    def drawn(frames: Tensor) -> Tensor:
        with torch.no_grad():
            posterior = vae.encode(frames).latent_dist
        sample = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=generator)
        return (sample - vae.latents_mean.view(1, -1, 1, 1, 1)) / vae.latents_std.view(1, -1, 1, 1, 1)

    noise[:, :, :1] = drawn(first)
    tokens = torch.cat([drawn(reference).flatten(2).mT, noise.flatten(2).mT], dim=1)
    kept = torch.cat([torch.ones(1, 18), torch.ones(1, 6), torch.zeros(1, 12)], dim=1)
    where = places(size, 25.0, causal=True)
    result = written_out(folder, text(1), text(2)).run(
        tokens,
        [1.0, 0.9, 0.5],
        [(3.0, 0.0, 1.0, (), False)] * 3,
        torch.cat([where, where], dim=2),
        generator,
        kept=kept,
        kept_noise=0.15,
    )
    pipeline = LTXPipeline.from_pretrained(folder)
    preset = _listed(1.0, 0.9, 0.5)
    got = pipeline(
        text(1),
        negative_prompt=text(2),
        references=[reference],
        conditions=[ConditioningItem(first, 0, 1.0)],
        frames=17,
        height=64,
        width=96,
        frame_rate=25,
        seed=seed,
        preset=preset,
        output="latents",
    )
    expected = from_tokens(result[:, 18:], LatentShape(*size))
    assert (got.latents - expected).abs().max() <= 1e-5


def _listed(*times: float) -> Preset:
    return replace(find_preset("plain"), first=Pass(ListedTimes(times), GUIDED))


def test_sizes_that_do_not_fit_are_padded_and_cropped(folder: Path, text: Text) -> None:
    """10 frames of 90×100 are asked for, 17 of 96×128 made, and the first 10 of the middle given back."""
    pipeline = LTXPipeline.from_pretrained(folder)
    options = {"steps": 2, "guidance": GuidanceSchedule.constant(Guidance()), "seed": 1}
    small = pipeline(text(1), frames=10, height=90, width=100, **options)
    whole = pipeline(text(1), frames=17, height=96, width=128, **options)
    assert torch.equal(small.latents, whole.latents)
    assert small.video is not None and whole.video is not None
    assert torch.equal(small.video, whole.video[:, :, :10, 3:93, 14:114])


def test_two_passes_have_the_size_asked_for(folder: Path, text: Text) -> None:
    """A multi-scale video is resized and cropped to the request, and does not depend on its batch either."""
    pipeline = LTXPipeline.from_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"in_channels": 8, "mid_channels": 32, "num_blocks_per_stage": 1, "dims": 3}
    pipeline.upsampler = LatentUpsampler(UpsamplerConfig.from_dict(sizes)).eval()
    options = {"frames": 10, "height": 90, "width": 100, "preset": "ltxv-13b-0.9.8-distilled"}
    both = pipeline(text(1), seed=[3, 4], **options)
    assert both.video is not None and both.video.shape == (2, 3, 10, 90, 100)
    assert both.latents.shape == (2, 8, 3, 2, 4) and both.video.isfinite().all()
    assert (pipeline(text(1), seed=4, **options).latents[0] - both.latents[1]).abs().max() <= 1e-5


def test_decoding_in_tiles(folder: Path, text: Text) -> None:
    """With a margin as wide as the picture two tiles give what the whole does; the latents are the same anyway."""
    pipeline = LTXPipeline.from_pretrained(folder)
    options = {"frames": 9, "height": 32, "width": 128, "preset": UNGUIDED, "steps": 2}
    whole, tiled = pipeline(text(1), **options), pipeline(text(1), **options, tiling=Tiling(size=2, margin=4))
    assert whole.video is not None and tiled.video is not None
    assert torch.equal(whole.latents, tiled.latents)
    assert (whole.video - tiled.video).abs().max() <= 1e-5
    coarse = pipeline(text(1), **options, tiling=Tiling(size=2, margin=0)).video
    assert coarse is not None and (whole.video - coarse).abs().max() > 1e-3


def test_progress_is_told(folder: Path, text: Text) -> None:
    """Every step of every pass is told once, with its time, and a step knows how many there are."""
    told = []
    pipeline = LTXPipeline.from_pretrained(folder)
    pipeline(text(1), frames=9, height=32, width=32, preset=_listed(1.0, 0.5), negative_prompt=text(2),
             on_step=lambda step: told.append((step.step, step.steps, step.sigma)), output="latents")  # fmt: skip
    assert told == [(1, 2, 1.0), (2, 2, 0.5)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": 0}, "at least 1 frame"),
        ({"frames": 9.5}, "whole number for frames, got 9.5"),
        ({"frames": None}, "whole number for frames, got None"),
        ({"frame_rate": "fast"}, "finite number for frame_rate, got 'fast'"),
        ({"frame_rate": float("nan")}, "finite number for frame_rate"),
        ({"seed": None}, "whole number for seed, got None"),
        ({"seed": -1}, "a seed in 0"),
        ({"seed": 2**63}, "a seed in 0"),
        ({"videos": 0}, "at least 1 video"),
        ({"output": "np"}, "'video' or 'latents', got 'np'; .*numpy"),
        ({"output": None}, "'video' or 'latents', got None"),
        ({"conditions": [torch.zeros(3, 64, 96)]}, "ConditioningItem .*got Tensor"),
        ({"conditions": [ConditioningItem(torch.zeros(3, 3, 1, 64, 96), 0, 1.0)]}, "one condition .* each of 2, got 3"),
        ({"start": torch.zeros(1, 3, 9, 64, 96)}, "start=starting_video"),
        ({"noise_level": 0.5}, "latents with noise_level"),
        ({"latents": torch.zeros(1, 8, 2, 2, 3)}, "noise_level between 0 and 1 beside latents"),
        ({"latents": torch.zeros(1, 8, 2, 2, 2), "noise_level": 0.5}, "size of the first pass"),
        ({"latents": torch.zeros(1, 4, 2, 2, 3), "noise_level": 0.5}, "expected latents .batch, 8"),
        ({"latents": torch.full((1, 8, 2, 2, 3), torch.nan), "noise_level": 0.5}, "finite values in latents"),
        ({"noise": torch.zeros(1, 8, 2, 2, 3), "latents": torch.zeros(1, 8, 2, 2, 3)}, "one thing to begin with"),
        ({"steps": 3, "times": [1.0, 0.5]}, "steps or times"),
        ({"times": [1000, 500]}, "divide timesteps by 1000"),
        ({"times": [[1.0], [0.5]]}, "1 list.s. of times"),
        ({"times": [0.5, 1.0]}, "strictly descending"),
        ({"guidance": {"scal": 3}}, "got scal; write scale"),
        ({"guidance": {"stg_scale": 1}}, "perturbed_blocks beside stg_scale"),
        ({"guidance": {"perturbed_blocks": [1]}}, "stg_scale beside perturbed_blocks"),
        ({"guidance": {"stg_scale": 1, "perturbed_blocks": [1], "skip_mode": "none"}}, "an STG mode, one of"),
        ({"guidance": {"stg_scale": 1, "perturbed_blocks": [7]}}, "blocks below 2"),
        ({"guidance": "much"}, "finite number for guidance scale"),
        ({"conditioning_noise": -1.0}, "conditioning noise"),
        ({"seed": [1, 2, 3]}, "2 prompts|as many prompts as seeds"),
        ({"preset": "nothing"}, "name of a preset"),
        ({"preset": "ltxv-13b-0.9.8-distilled"}, "needs a latent upsampler"),
        ({"preset": "ltxv-13b-0.9.8-distilled", "steps": 3}, "lists its 7 times"),
    ],
)
def test_mistakes_are_refused(change: dict, message: str, folder: Path, text: Text) -> None:
    """What is out of range or does not fit is one ValueError before any step."""
    pipeline = LTXPipeline.from_pretrained(folder)
    options = {"frames": 9, "height": 64, "width": 96, "negative_prompt": text(2, 2), **change}
    with pytest.raises(ValueError, match=message):
        pipeline(text(1, 2), **options)
    with pytest.raises(ValueError, match="no text encoder"):
        pipeline("a prompt in words", frames=9, height=64, width=96)
