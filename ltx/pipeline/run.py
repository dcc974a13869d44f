"""One sampling run at one size: given frames are encoded and placed, noise is integrated to latents."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ltx.conditioning import ConditioningNoise, Grid, InContextTokens, LatentItem, place, reference_video
from ltx.flow import (
    GuidanceSchedule,
    GuidedDenoiser,
    StochasticStep,
    draw_noise,
    euler_step,
    interpolate,
    sample,
)
from ltx.flow.sampler import EPSILON
from ltx.offload import at_work, device_of, dtype_of
from ltx.pipeline.denoiser import TransformerBranches
from ltx.pipeline.request import Request
from ltx.pipeline.start import StartingLatents, StartingNoise, StartingVideo
from ltx.shapes import LatentShape, VideoShape, from_tokens, to_tokens
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE


@torch.no_grad()
def encode(vae: VideoVAE, video: Float[Tensor, "b 3 f h w"], request: Request) -> Float[Tensor, "b c f2 h2 w2"]:
    """Normalised float32 latents of each sample, drawn from the posterior with the sample's own noise."""
    moments = vae.moments(video.to(device_of(vae), dtype_of(vae)))
    mean = moments.mean.float().expand(len(request.generators), -1, -1, -1, -1)
    spread = torch.exp(0.5 * moments.log_variance.float())
    with at_work(vae):
        return vae.per_channel_statistics.normalize(mean + spread * draw_noise(mean, request.generators))


def run_pass(
    request: Request,
    shape: VideoShape,
    *,
    transformer: VideoTransformer,
    vae: VideoVAE,
    sigmas: Float[Tensor, " step"],
    guidance: GuidanceSchedule,
    stochastic: bool,
    latents: Float[Tensor, "batch channel frame height width"] | None,
) -> Float[Tensor, "batch channel frame height width"]:
    """Latents of one pass.

    Args:
        request: what to generate.
        shape: the size of this pass.
        transformer: the model.
        vae: encodes given frames.
        sigmas: times of the run.
        guidance: its guidance.
        stochastic: noise the prediction again at each step.
        latents: normalised latents to begin with, noised to the first time; None begins with noise or with what the
            request starts from.

    Raises:
        ValueError: if something does not fit the size, or no time lies below the starting noise level.
    """
    grid = Grid(shape.latent, request.frame_rate, transformer.config.causal_temporal_positioning)
    size = request.size
    if latents is None and isinstance(request.start, StartingVideo):
        latents = encode(vae, size.fit_whole(request.start.video, shape), request)
        sigmas = _from_level(sigmas, request.start.noise_level)
    elif latents is None and isinstance(request.start, StartingLatents):
        latents = _fitting("latents", request.start.latents, shape, request)
        sigmas = _from_level(sigmas, request.start.noise_level)
    device = device_of(transformer)
    if latents is None and isinstance(request.start, StartingNoise):
        initial = _fitting("noise", request.start.noise, shape, request).to(device)
    else:
        initial = _noised(request, shape, sigmas, latents, transformer.config.in_channels, device)
    items = [
        LatentItem(encode(vae, size.fit(given.frames, shape), request), given.start, given.strength)
        for given in request.conditions
    ]
    extras: list[InContextTokens] = [
        reference_video(encode(vae, size.fit_whole(video, shape), request), grid) for video in request.references
    ]
    placed = place(initial, items, grid=grid, generator=request.generators, in_context=extras)
    branches = TransformerBranches(transformer, placed.coordinates, placed.strength, request.positive, request.negative)
    noise = ConditioningNoise(placed.tokens, placed.strength, request.conditioning_noise, request.generators)
    tokens = sample(
        GuidedDenoiser(branches, guidance),
        placed.tokens,
        sigmas,
        strength=placed.strength,
        step=StochasticStep(request.generators) if stochastic else euler_step,
        before_step=noise if request.conditioning_noise and bool((placed.strength > 1 - EPSILON).any()) else None,
        on_step=request.on_step,
    )
    return from_tokens(placed.video_tokens(tokens), shape.latent)


def _fitting(name: str, given: Float[Tensor, "b c f h w"], shape: VideoShape, request: Request) -> Tensor:
    """Given latents in float32, one for each sample."""
    if LatentShape.of(given) != shape.latent:
        wanted, got = (f"{s.frames}×{s.height}×{s.width}" for s in (shape.latent, LatentShape.of(given)))
        raise ValueError(
            f"expected {name} of {wanted} (frames × height × width), the size of the first pass, got {got}; a preset "
            "of one pass, such as plain or distilled, begins at the full size"
        )
    return given.float().expand(len(request.generators), -1, -1, -1, -1)


def _from_level(sigmas: Float[Tensor, " step"], level: float | None) -> Float[Tensor, " kept"]:
    if level is None:
        if float(sigmas[0]) > 1 - EPSILON:
            raise ValueError(
                "expected noise_level between 0 and 1 beside latents, because sampling from time 1 would leave nothing "
                "of them; noise= takes noise to begin with"
            )
        return sigmas
    kept = sigmas[sigmas <= level + EPSILON]
    if not len(kept):
        raise ValueError(
            f"expected a noise level of at least {float(sigmas[-1]):.4g}, the last time at which this preset begins a "
            f"step, got {level}; raise it, or list times that go lower in times="
        )
    return kept


def _noised(
    request: Request,
    shape: VideoShape,
    sigmas: Float[Tensor, " step"],
    latents: Float[Tensor, "b c f h w"] | None,
    channels: int,
    device: torch.device,
) -> Float[Tensor, "b c f h w"]:
    """Pure noise, or latents noised to the first time."""
    size = shape.latent
    empty = torch.empty(len(request.generators), channels, size.frames, size.height, size.width, device=device)
    noise = draw_noise(empty, request.generators)
    if latents is None:
        return noise
    clean = to_tokens(latents.to(noise))
    times = sigmas[:1].to(noise).expand(clean.shape[:2])
    return from_tokens(interpolate(clean, to_tokens(noise), times), size)
