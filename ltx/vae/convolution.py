"""The VAE's 3-D convolution: replicated frames in time, zeros in space, causal or not."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from ltx.vae.clip import AbstractClip
from ltx.vae.kernel import KERNEL
from ltx.vae.prologue import AbstractPrologue, Plain


class CausalConv3d(nn.Module):
    """A 3×3×3 convolution whose temporal padding repeats the edge frames.

    Causal: two copies of the first frame in front. Otherwise one copy of the first in front and one of the last behind.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, causal: bool, stride: tuple[int, int, int] = (1, 1, 1)
    ) -> None:
        super().__init__()
        self.temporal_padding = (2, 0) if causal else (1, 1)
        self.temporal_stride = stride[0]
        self.conv = nn.Conv3d(in_channels, out_channels, KERNEL, stride=stride, padding=(0, 1, 1))

    def forward(
        self, x: Float[Tensor, "b c f h w"], clip: AbstractClip, prologue: AbstractPrologue | None = None
    ) -> Float[Tensor, "b d f2 h2 w2"]:
        """Length n becomes n, or floor((n−1)/2)+1 with temporal stride 2; in a stream it may be 0 at first."""
        return self.convolve(self.extend(x, clip, prologue or Plain()))

    def extend(
        self, x: Float[Tensor, "b c f h w"], clip: AbstractClip, prologue: AbstractPrologue
    ) -> Float[Tensor, "b c f3 h w"]:
        """The prologue's result with the frames around it; a caller may give up `x` before it calls `convolve`."""
        return clip.extend(self, x, prologue)

    def convolve(self, extended: Float[Tensor, "b c f3 h w"]) -> Float[Tensor, "b d f2 h2 w2"]:
        """The convolution of an extended tensor; no frames if it is shorter than the kernel."""
        if extended.shape[2] < KERNEL:
            # Only a convolution that looks ahead can have too few, and none of those has a stride.
            return extended.new_empty(extended.shape[0], self.conv.out_channels, 0, *extended.shape[3:])
        convolved: Tensor = self.conv(extended)
        return convolved
