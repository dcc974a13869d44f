"""Reconstruction of simulated clips: what trains the small VAE.

Bodies cover a tenth of the picture, and drawing only what is behind them is a stable solution of the plain mean
squared error; so pixels that differ from their frame's median colour weigh more. The decoder is shown latents noised
to the levels it is told, as the releases' denoising decoders are (arXiv 2501.00103 §2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from foresight.data.batch import ClipBatch
from foresight.metrics.picture import mse, psnr
from ltx.losses.divergence import kl_loss
from ltx.vae import VideoVAE

Video = Float[Tensor, "batch rgb=3 frame height width"]

UNUSUAL = 0.4
"""Difference from the frame's median in a colour channel of [−1, 1]: bodies exceed it, textures hardly do."""


@dataclass(frozen=True)
class Stage:
    """A part of training with its own clip lengths and weights."""

    until: int
    """Training batch at which the next stage begins."""
    lengths: tuple[int, ...]
    """Clip lengths in frames, 8k+1; one is drawn per batch."""
    foreground: float
    """Weight of a foreground pixel beyond the background's 1."""
    absolute: float
    """Weight of the mean absolute error beside the mean squared error."""


class Reconstruction(nn.Module):
    """Foreground-balanced reconstruction through noised latents.

    loss = MSE_w + a·L1_w + k·KL. The posterior is sampled, normalised by running per-channel statistics, and mixed with
    noise of half the level that the decoder is told. While the encoder trains, the VAE's statistics follow its latents.

    Args:
        stages: in order; the last one lasts for ever.
        divergence: k.
        level: largest noise level told to the decoder; half of the batches stay below a quarter of it.
        momentum: of the running statistics.
    """

    batches: Tensor

    def __init__(self, *, stages: Sequence[Stage], divergence: float, level: float, momentum: float) -> None:
        super().__init__()
        if not stages:
            raise ValueError("expected at least one stage, got none")
        self.stages = tuple(stages)
        self.divergence, self.level, self.momentum = divergence, level, momentum
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def forward(self, model: VideoVAE, batch: ClipBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Loss of a training batch; reconstruction quality of a validation batch."""
        if not model.training:
            return quality(model, batch.video)
        seen = int(self.batches)
        stage = next((stage for stage in self.stages if seen < stage.until), self.stages[-1])
        self.batches += 1

        # Windows of one length, mirrored at random in space and time.
        length = stage.lengths[draw(len(stage.lengths), generator)]
        video = mirrored(windows(batch.video, length, generator), generator)

        # Encode, follow the latents' statistics, noise to a level the decoder is told.
        moments = model.moments(video)
        mean, log_variance = moments.mean.float(), moments.log_variance.float()
        latents = mean + torch.exp(0.5 * log_variance) * noise(mean, generator)
        if any(parameter.requires_grad for parameter in model.encoder.parameters()):
            follow(model, mean.detach(), 1.0 if seen == 0 else self.momentum)
        levels = self._levels(len(video), generator)
        normalised = model.per_channel_statistics.normalize(latents)
        noisy = torch.lerp(normalised, noise(normalised, generator), (levels / 2).view(-1, 1, 1, 1, 1))
        output = model.decoder(model.per_channel_statistics.denormalize(noisy), levels).float()

        # Compare, the foreground counting more.
        weights = 1 + stage.foreground * foreground(video)
        weights = weights / weights.mean()
        squared = ((video - output).square() * weights).mean()
        absolute = ((video - output).abs() * weights).mean()
        divergence = kl_loss(mean, log_variance)
        loss = squared + stage.absolute * absolute + self.divergence * divergence
        return {"loss": loss, "mse": squared, "l1": absolute, "kl": divergence}

    def _levels(self, count: int, generator: torch.Generator) -> Tensor:
        top = self.level if draw(2, generator) else self.level / 4
        return top * torch.rand(count, generator=generator, device=generator.device)


def windows(video: Video, length: int, generator: torch.Generator) -> Float[Tensor, "window rgb=3 length height width"]:
    """Every clip cut into as many windows of one length as fit side by side, from a random first frame."""
    frames = video.shape[2]
    if not 1 <= length <= frames:
        raise ValueError(f"expected windows of 1 to {frames} frames, got {length}")
    count = frames // length
    start = draw(frames - count * length + 1, generator)
    cut = video[:, :, start : start + count * length]
    return rearrange(cut, "b c (n f) h w -> (b n) c f h w", n=count).contiguous()


def mirrored(video: Video, generator: torch.Generator) -> Video:
    """The batch mirrored left-right, upside-down and in time, each with probability ½."""
    axes = [axis for axis in (2, 3, 4) if draw(2, generator)]
    return video.flip(axes) if axes else video


def foreground(video: Video) -> Float[Tensor, "batch 1 frame height width"]:
    """1 where a pixel or its neighbour is `UNUSUAL` in its frame, else 0: bodies, whatever is behind them."""
    usual = video.flatten(3).median(dim=3).values[..., None, None]
    mask = ((video - usual).abs().amax(1, keepdim=True) > UNUSUAL).float()
    return F.max_pool3d(mask, (1, 3, 3), 1, (0, 1, 1))


def quality(model: VideoVAE, video: Video) -> dict[str, Tensor]:
    """Mean squared error (the loss) and PSNR of whole pictures and of their foreground, as at inference."""
    output = model.decode(model.encode(video), timestep=0.05, noise_scale=0.0).float().clamp(-1, 1)
    mask = foreground(video)
    error = ((video - output) / 2).square().mean(1, keepdim=True)
    whole = mse(output, video).mean()
    return {"loss": whole, "psnr": psnr(whole), "psnr_foreground": psnr((error * mask).sum() / mask.sum().clamp(min=1))}


@torch.no_grad()
def follow(model: VideoVAE, latents: Tensor, momentum: float) -> None:
    """Move the per-channel statistics towards those of a batch of latents by the share `momentum`."""
    statistics = model.per_channel_statistics
    axes = (0, 2, 3, 4)
    statistics.get_buffer("mean-of-means").lerp_(latents.mean(axes), momentum)
    statistics.get_buffer("std-of-means").lerp_(latents.std(axes).clamp(min=1e-3), momentum)


def noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal values in the shape of a tensor."""
    return torch.randn(like.shape, generator=generator, device=generator.device)


def draw(count: int, generator: torch.Generator) -> int:
    """A number from 0 to count − 1."""
    return int(torch.randint(count, (), generator=generator, device=generator.device))
