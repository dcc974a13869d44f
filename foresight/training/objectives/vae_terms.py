"""Terms of the autoencoder's loss, of `foresight.training.objectives.autoencoding`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from foresight.training.objectives.autoencoding import Autoencoded
from foresight.training.objectives.vae import foreground
from ltx.losses import (
    DiscriminatorConfig,
    PairDiscriminator,
    PerceptualFiles,
    PerceptualLoss,
    discriminator_loss,
    generator_loss,
    kl_loss,
    pixel_loss,
    random_order,
    wavelet_loss,
)


class Pixel:
    """Mean squared error of pixels.

    Args:
        foreground: weight, beyond the 1 of every pixel, of those far from their frame's median colour.
    """

    def __init__(self, *, foreground: float = 0.0) -> None:
        self.foreground = foreground

    def __call__(self, result: Autoencoded, generator: torch.Generator) -> dict[str, Tensor]:
        """The error."""
        weights = 1 + self.foreground * foreground(result.video).squeeze(1) if self.foreground else None
        return {"loss": pixel_loss(result.output, result.video, weights)}


class Wavelet:
    """Mean absolute difference of the eight sub-bands of a 3-D Haar transform."""

    def __call__(self, result: Autoencoded, generator: torch.Generator) -> dict[str, Tensor]:
        """The difference."""
        return {"loss": wavelet_loss(result.output, result.video)}


class Divergence:
    """KL divergence of the posterior, with its one log-variance for all channels, from the standard normal."""

    def __call__(self, result: Autoencoded, generator: torch.Generator) -> dict[str, Tensor]:
        """The divergence in nats per latent value."""
        return {"loss": kl_loss(result.mean, result.log_variance)}


class Perceptual(nn.Module):
    """LPIPS of corresponding frames.

    Args:
        backbone: file of torchvision's VGG-16; None for its place in torch's hub folder.
        heads: file of the linear weights of LPIPS; None likewise.

    Raises:
        FileNotFoundError: if a file is missing; it says which, and where to get it.
    """

    def __init__(self, *, backbone: str | Path | None, heads: str | Path | None) -> None:
        super().__init__()
        usual = PerceptualFiles.default()
        self.network = PerceptualLoss.load(
            PerceptualFiles(
                Path(backbone) if backbone else usual.backbone,
                Path(heads) if heads else usual.heads,
            )
        )

    def forward(self, result: Autoencoded, generator: torch.Generator) -> dict[str, Tensor]:
        """The distance."""
        return {"loss": self.network(result.output, result.video)}


class Adversarial(nn.Module):
    """The reconstruction GAN: a discriminator that sees original and reconstruction together and tells which is which.

    The loss is the sum of both players'. Each one's gradient reaches only its own parameters, so one optimizer trains
    both, the discriminator under the name `objective.networks.<term>.discriminator`.

    Args:
        widths: feature channels of the discriminator after each strided convolution.
        groups: groups of its group normalisation.
    """

    def __init__(self, *, widths: Sequence[int], groups: int) -> None:
        super().__init__()
        self.discriminator = PairDiscriminator(DiscriminatorConfig(channels=3, widths=tuple(widths), groups=groups))

    def forward(self, result: Autoencoded, generator: torch.Generator) -> dict[str, Tensor]:
        """Both losses; ln 2 each where the discriminator guesses."""
        order = random_order(len(result.video), generator)
        fooling = generator_loss(self.discriminator, result.video, result.output, order)
        telling = discriminator_loss(self.discriminator, result.video, result.output, order)
        return {"loss": fooling + telling, "generator": fooling, "discriminator": telling}
