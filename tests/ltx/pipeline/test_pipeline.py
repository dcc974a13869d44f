"""Whole runs against diffusers' pipelines: every kind of conditioning, generation, size and batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    FlowMatchEulerDiscreteScheduler,
    LTXConditionPipeline,
    LTXImageToVideoPipeline,
    LTXVideoTransformer3DModel,
)
from diffusers import LTXPipeline as TheirPipeline
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from PIL import Image
from torch import Tensor

from ltx.conditioning import ConditioningItem
from ltx.flow import GuidanceSchedule
from ltx.flow.guidance_schedule import Guidance
from ltx.pipeline import Generated, LTXPipeline, StartingVideo, find_preset
from ltx.pipeline.preset import CountedSteps, Pass
from ltx.shapes import to_tokens

Text = Callable[..., object]
GUIDED = GuidanceSchedule.constant(Guidance(scale=3.0))
# diffusers mixes the decoder's noise into un-normalised latents; without noise there is no difference.
NOISELESS = replace(find_preset("plain"), decode_noise_scale=0.0)


UNGUIDED = replace(NOISELESS, first=Pass(CountedSteps(8), GuidanceSchedule.constant(Guidance())))


def theirs(kind: type, folder: Path) -> object:
    """A pipeline of diffusers over the checkpoint."""
    pipeline = kind(
        scheduler=FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler"),
        vae=AutoencoderKLLTXVideo.from_pretrained(folder / "vae"),
        transformer=LTXVideoTransformer3DModel.from_pretrained(folder / "transformer"),
        text_encoder=None,
        tokenizer=None,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def prompts(positive: object, negative: object) -> dict[str, Tensor]:
    """Context tokens as diffusers takes them."""
    return {
        "prompt_embeds": positive.embeddings,
        "prompt_attention_mask": positive.mask,
        "negative_prompt_embeds": negative.embeddings,
        "negative_prompt_attention_mask": negative.mask,
    }


@pytest.mark.parametrize(("batch", "height", "width", "frames"), [(1, 32, 160, 9), (3, 128, 32, 17), (3, 64, 96, 1)])
def test_same_seed_same_video(batch: int, height: int, width: int, frames: int, folder: Path, text: Text) -> None:
    """Samples of seeds 3, 4, … are to 1e-5 what diffusers makes with a generator for each, narrow, tall or a still."""
    expected = theirs(LTXConditionPipeline, folder)(
        **prompts(text(1, batch), text(2, batch)),
        height=height,
        width=width,
        num_frames=frames,
        frame_rate=25,
        num_inference_steps=4,
        guidance_scale=3.0,
        generator=[torch.Generator().manual_seed(3 + row) for row in range(batch)],
        decode_timestep=0.05,
        decode_noise_scale=0.0,
        output_type="pt",
    ).frames
    got = LTXPipeline.from_pretrained(folder)(
        text(1, batch),
        negative_prompt=text(2, batch),
        frames=frames,
        height=height,
        width=width,
        frame_rate=25,
        steps=4,
        guidance=GUIDED,
        seed=3,
        preset=NOISELESS,
    )
    assert expected.std() > 0.05
    assert (shown(got) - expected).abs().max() <= 1e-5


def shown(result: Generated) -> Tensor:
    """Frames as diffusers gives them: in [0, 1], before the channels."""
    assert result.video is not None
    return (result.video / 2 + 0.5).clamp(0, 1).transpose(1, 2)


def same_noise(monkeypatch: pytest.MonkeyPatch, module: str, area: tuple[int, int]) -> None:
    """Both sides draw noise that depends on the shape alone, the same as latents and as tokens."""

    def noise(shape: tuple[int, ...]) -> Tensor:
        if len(shape) == 3:
            frames = shape[1] // (area[0] * area[1])
            return to_tokens(noise((shape[0], shape[2], frames, *area)))
        return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))

    for name in (f"diffusers.pipelines.ltx.{module}.randn_tensor", "diffusers.models.autoencoders.vae.randn_tensor"):
        monkeypatch.setattr(name, lambda shape, **_: noise(tuple(shape)))
    for name in ("ltx.pipeline.run", "ltx.conditioning.place", "ltx.conditioning.noise"):
        monkeypatch.setattr(import_module(name), "draw_noise", lambda like, _: noise(tuple(like.shape)))


def clip(frames: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def video(frames: np.ndarray) -> Tensor:
    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1


# Frames, start and strength of each item, noise on kept frames, height and width.
CASES: dict[str, tuple[list[tuple[int, int, float]], float, int, int]] = {
    "first frame": ([(1, 0, 1.0)], 0.15, 64, 96),
    "first frame without noise": ([(1, 0, 1.0)], 0.0, 32, 128),
    "weak first frame": ([(1, 0, 0.6)], 0.15, 64, 96),
    "key frame": ([(1, 20, 1.0)], 0.15, 96, 32),
    "weak key frame": ([(1, 17, 0.5)], 0.3, 64, 96),
    "continued": ([(25, 0, 1.0)], 0.15, 64, 96),
    "backwards": ([(17, 24, 1.0)], 0.05, 64, 96),
    "cut at the end": ([(25, 24, 1.0)], 0.15, 64, 32),
    "clip and first frame": ([(17, 16, 0.7), (1, 0, 1.0)], 0.15, 64, 96),
}


@pytest.mark.parametrize("case", CASES)
def test_conditioning_is_that_of_diffusers(
    case: str, folder: Path, text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same noise the latents of every kind of conditioning are those of diffusers to 1e-5."""
    items, scale, height, width = CASES[case]
    same_noise(monkeypatch, "pipeline_ltx_condition", (height // 32, width // 32))
    clips = [(clip(n, height, width, seed), s, w) for seed, (n, s, w) in enumerate(items)]
    expected = theirs(LTXConditionPipeline, folder)(
        conditions=[
            LTXVideoCondition(video=[Image.fromarray(f) for f in c], frame_index=s, strength=w) for c, s, w in clips
        ],
        **prompts(text(1), text(2)),
        height=height,
        width=width,
        num_frames=41,
        frame_rate=25,
        num_inference_steps=4,
        guidance_scale=3.0,
        image_cond_noise_scale=scale,
        output_type="latent",
    ).frames
    got = LTXPipeline.from_pretrained(folder)(
        text(1),
        negative_prompt=text(2),
        conditions=[ConditioningItem(video(c), s, w) for c, s, w in clips],
        frames=41,
        height=height,
        width=width,
        frame_rate=25,
        steps=4,
        guidance=GUIDED,
        conditioning_noise=scale,
        output="latents",
    )
    assert (got.latents - expected).abs().max() <= 1e-5


@pytest.mark.parametrize("generation", ["0.9.0", "0.9.1"])
@pytest.mark.parametrize("image", [False, True])
def test_earlier_generations(
    generation: str, image: bool, checkpoint: Callable, text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 0.9.5: shifted times, positions that are not causal, and the decoders of those releases, to pixels."""
    folder = checkpoint(generation, 2)
    kind = LTXImageToVideoPipeline if image else TheirPipeline
    same_noise(monkeypatch, "pipeline_ltx_image2video" if image else "pipeline_ltx", (3, 2))
    picture = clip(1, 96, 64)
    options = {"height": 96, "width": 64, "frame_rate": 25}
    reference, pipeline = theirs(kind, folder), LTXPipeline.from_pretrained(folder)
    torch.manual_seed(11)  # 0.9.1's decoder draws its feature noise from the global generator.
    expected = reference(
        **({"image": Image.fromarray(picture[0])} if image else {}),
        **prompts(text(1), text(2)),
        **options,
        num_frames=17,
        num_inference_steps=4,
        guidance_scale=3.0,
        decode_timestep=0.05,
        decode_noise_scale=0.0,
        output_type="pt",
    ).frames
    torch.manual_seed(11)
    if image:
        torch.randn(1, 8, 3, 3, 2)  # Decoder noise of scale 0, which that pipeline alone takes from there too.
    got = pipeline(
        text(1),
        negative_prompt=text(2),
        conditions=[ConditioningItem(video(picture), 0, 1.0)] if image else [],
        **options,
        frames=17,
        steps=4,
        guidance=GUIDED,
        conditioning_noise=0.0,
        preset=NOISELESS,
    )
    assert expected.std() > 0.05
    assert (shown(got) - expected).abs().max() <= 1e-5


@pytest.mark.parametrize("kept", [2, 4])
def test_repainting_a_video(kept: int, folder: Path, text: Text) -> None:
    """From a video at the noise level of the last steps: diffusers' denoise strength, with the same draws."""
    pipeline, frames = LTXPipeline.from_pretrained(folder), video(clip(17, 64, 96))
    generator = torch.Generator().manual_seed(5)
    vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae").eval()
    with torch.no_grad():
        posterior = vae.encode(frames).latent_dist
    drawn = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=generator)
    statistics = [tensor.view(1, -1, 1, 1, 1) for tensor in (vae.latents_mean, vae.latents_std)]
    expected = theirs(LTXConditionPipeline, folder)(
        latents=(drawn - statistics[0]) / statistics[1],
        denoise_strength=kept / 8,
        **prompts(text(1), text(2)),
        height=64,
        width=96,
        num_frames=17,
        frame_rate=25,
        num_inference_steps=8,
        guidance_scale=3.0,
        generator=generator,
        output_type="latent",
    ).frames
    got = pipeline(
        text(1),
        negative_prompt=text(2),
        start=StartingVideo(frames, {2: 0.73, 4: 0.975}[kept]),
        frames=17,
        height=64,
        width=96,
        frame_rate=25,
        steps=8,
        guidance=GUIDED,
        seed=5,
        output="latents",
    )
    assert (got.latents - expected).abs().max() <= 1e-5
    with pytest.raises(ValueError, match=r"at least 0\.42"):
        pipeline(text(1), start=StartingVideo(frames, 0.4), frames=17, height=64, width=96, steps=8, preset=UNGUIDED)
