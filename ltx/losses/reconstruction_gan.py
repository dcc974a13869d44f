"""Reconstruction GAN: a discriminator that sees both videos and says which is the original (arXiv 2501.00103).

An ordinary discriminator judges one video alone and must know what real videos look like in general. This one gets the
original and its reconstruction side by side, in random order, so it judges the reconstruction of *this* video.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.func import functional_call


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Size of a `PairDiscriminator`.

    Attributes:
        channels: colour channels of one video.
        widths: feature channels after each strided convolution. The first halves height and width, each further one
            also the frames, so one output judges a patch that roughly doubles with every entry.
        groups: groups of the group normalisation; divides every width.
    """

    channels: int
    widths: tuple[int, ...]
    groups: int

    def __post_init__(self) -> None:
        if not self.widths or any(width % self.groups for width in self.widths):
            raise ValueError(f"expected at least one width, each a multiple of {self.groups} groups, got {self.widths}")


class PairDiscriminator(nn.Module):
    """Patch discriminator of pairs of videos: a positive logit says that the first of the two is the original."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        inputs = 2 * config.channels
        for depth, width in enumerate(config.widths):
            stride = (1 if depth == 0 else 2, 2, 2)
            layers += [
                nn.Conv3d(inputs, width, 3, stride, padding=1),
                nn.GroupNorm(config.groups, width) if depth else nn.Identity(),
                nn.LeakyReLU(0.2),
            ]
            inputs = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Conv3d(inputs, 1, 3, padding=1)

    def forward(
        self,
        first: Float[Tensor, "batch channel frame height width"],
        second: Float[Tensor, "batch channel frame height width"],
    ) -> Float[Tensor, "batch patch_frame patch_height patch_width"]:
        """One logit for each patch."""
        pair = torch.cat([first, second], dim=1)
        if first.shape != second.shape or pair.shape[1] != 2 * self.config.channels:
            raise ValueError(
                f"expected two videos of one shape with {self.config.channels} channels each, "
                f"got {tuple(first.shape)} and {tuple(second.shape)}"
            )
        patches: Tensor = self.head(self.features(pair)).squeeze(1)
        return patches


def random_order(batch: int, generator: torch.Generator) -> Bool[Tensor, " batch"]:
    """A fair coin for each sample: True puts the original first. On the device of the generator."""
    return torch.rand(batch, generator=generator, device=generator.device) < 0.5


def discriminator_loss(
    discriminator: PairDiscriminator,
    original: Float[Tensor, "batch channel frame height width"],
    reconstruction: Float[Tensor, "batch channel frame height width"],
    original_first: Bool[Tensor, " batch"],
) -> Float[Tensor, ""]:
    """Cross-entropy of the discriminator's answers; no gradient flows to the reconstruction. ln 2 is guessing."""
    logits = _judge(discriminator, original, reconstruction.detach(), original_first)
    return F.binary_cross_entropy_with_logits(logits, _labels(original_first, logits))


def generator_loss(
    discriminator: PairDiscriminator,
    original: Float[Tensor, "batch channel frame height width"],
    reconstruction: Float[Tensor, "batch channel frame height width"],
    original_first: Bool[Tensor, " batch"],
) -> Float[Tensor, ""]:
    """Cross-entropy against the *wrong* answer (non-saturating): small once the reconstruction passes for the original.

    No gradient flows to the discriminator's parameters, so that both losses can be added and stepped together.
    """
    fixed = {name: parameter.detach() for name, parameter in discriminator.named_parameters()}

    def judge(first: Tensor, second: Tensor) -> Tensor:
        judged: Tensor = functional_call(discriminator, fixed, (first, second))
        return judged

    logits = _judge(judge, original, reconstruction, original_first)
    return F.binary_cross_entropy_with_logits(logits, _labels(~original_first, logits))


def _judge(
    discriminator: Callable[[Tensor, Tensor], Tensor], original: Tensor, reconstruction: Tensor, original_first: Tensor
) -> Tensor:
    if original.shape != reconstruction.shape:
        raise ValueError(
            f"expected two videos of one shape, got {tuple(original.shape)} and {tuple(reconstruction.shape)}"
        )
    swap = original_first.view(-1, 1, 1, 1, 1)
    return discriminator(torch.where(swap, original, reconstruction), torch.where(swap, reconstruction, original))


def _labels(first: Tensor, logits: Tensor) -> Tensor:
    return first.to(logits.dtype).view(-1, 1, 1, 1).expand_as(logits)
