"""The causal video VAE of LTX-Video: 32×32×8 compression into 128 channels, all three generations from one config."""

from ltx.vae.config import VAEConfig
from ltx.vae.model import VideoVAE
from ltx.vae.streaming import StreamingDecoder, StreamingEncoder, decode_in_pieces
from ltx.vae.tiling import TiledVAE, Tiling

__all__ = [
    "StreamingDecoder",
    "StreamingEncoder",
    "TiledVAE",
    "Tiling",
    "VAEConfig",
    "VideoVAE",
    "decode_in_pieces",
]
