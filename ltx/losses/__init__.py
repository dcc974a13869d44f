"""Training objectives: the autoencoder's (pixel, wavelet, perceptual, adversarial, KL) and the transformer's (flow)."""

from ltx.losses.divergence import kl_loss
from ltx.losses.flow_matching import flow_matching_loss
from ltx.losses.perceptual import PerceptualFiles, PerceptualLoss
from ltx.losses.pixel import pixel_loss
from ltx.losses.reconstruction_gan import (
    DiscriminatorConfig,
    PairDiscriminator,
    discriminator_loss,
    generator_loss,
    random_order,
)
from ltx.losses.token_drop import TokenChoice, common_length, drop_tokens
from ltx.losses.wavelet import haar, wavelet_loss

__all__ = [
    "DiscriminatorConfig",
    "PairDiscriminator",
    "PerceptualFiles",
    "PerceptualLoss",
    "TokenChoice",
    "common_length",
    "discriminator_loss",
    "drop_tokens",
    "flow_matching_loss",
    "generator_loss",
    "haar",
    "kl_loss",
    "pixel_loss",
    "random_order",
    "wavelet_loss",
]
