"""The memory model against the tensors that are really alive, and the choice of tiles within a budget."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ltx.shapes import LatentShape
from ltx.vae import TiledVAE, VAEConfig, VideoVAE
from ltx.vae.budget import fitting, plan_decoding
from ltx.vae.diffusers_fields import official
from ltx.vae.memory import decoding_peak, encoding_peak
from ltx.vae.temporal import AtOnce, Streamed
from ltx.vae.tiling import Tiling

WHOLE = Tiling(100, 0)
WIDE = {
    "V90": {
        "block_out_channels": (128, 256, 512, 512),
        "decoder_block_out_channels": (128, 256, 512, 512),
        "layers_per_block": (4, 3, 3, 3, 4),
        "decoder_layers_per_block": (4, 3, 3, 3, 4),
    },
    "V95": {
        "block_out_channels": (128, 256, 512, 1024, 2048),
        "decoder_block_out_channels": (256, 512, 1024),
        "layers_per_block": (4, 6, 6, 2, 2),
        "decoder_layers_per_block": (5, 5, 5, 5),
    },
}


@pytest.fixture(scope="module")
def released(fields) -> Callable[[str], VAEConfig]:
    """Configurations of the released sizes."""
    return lambda name: VAEConfig.from_dict(official({**fields[name], "latent_channels": 128, **WIDE[name]}))


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of every storage made while it is on, until it is freed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {x.untyped_storage()._cdata for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)}
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._made(tensor.untyped_storage(), given)
        return result

    def _made(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in given or key in self.known:
            return
        self.known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._freed, key, size)

    def _freed(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.now -= size


def measured(run: Callable[[], Any]) -> int:
    with torch.no_grad(), LiveBytes() as count:
        result = run()
    del result
    return count.peak


CASES = [("V90y", None), ("V91", None), ("V95", None), ("V90y", 1), ("V95", 1), ("V95", 2)]


@pytest.mark.parametrize(("name", "frames"), CASES)
def test_the_model_is_what_is_alive(ours: Any, name: Any, frames: Any) -> None:
    """The predicted peak is never below the measured one and at most a fifth above it, both ways."""
    vae, shape = ours(name), LatentShape(8 if frames else 2, 2, 3)
    temporal = Streamed(frames) if frames else AtOnce()
    vae_in_tiles = TiledVAE(vae, WHOLE, temporal)
    latents = torch.randn(1, 8, shape.frames, shape.height, shape.width)
    video = torch.zeros(1, 3, shape.video.frames, shape.video.height, shape.video.width)
    for run, predict, result in (
        (lambda: vae_in_tiles.decode(latents, 0.1, 0.0), decoding_peak, video.numel()),
        (lambda: vae_in_tiles.moments(video), encoding_peak, 9 * shape.tokens),
    ):
        predicted = predict(vae.config, shape, batch=1, itemsize=4, frames=frames) + (4 * result if frames else 0)
        assert measured(run) <= predicted <= 1.2 * measured(run), (predicted, measured(run))


def test_less_memory_takes_more_work(released: Any) -> None:
    """As the budget falls: at once, streamed in ever shorter pieces, faded tiles, and an error that names a budget that
    does fit."""
    budget, plans = 10**12, []
    while True:
        try:
            plans.append(plan_decoding(released("V95"), LatentShape(12, 8, 9), batch=1, itemsize=2, budget=budget))
        except ValueError as error:
            assert f"at least {plans[-1].peak} bytes" in str(error)
            break
        assert plans[-1].peak <= budget
        budget = plans[-1].peak - 1
    assert isinstance(plans[0].temporal, AtOnce) and plans[0].exact and isinstance(plans[1].temporal, Streamed)
    assert not plans[-1].exact and plans[-1].tiling.size == 2
    assert [plan.exact for plan in plans] == sorted((plan.exact for plan in plans), reverse=True)


def test_wide_pictures_are_cut_exactly(released: Any) -> None:
    """A picture far wider than the reach takes tiles with the reach as margin before it takes faded ones."""
    shape = LatentShape(1, 4, 300)
    whole = plan_decoding(released("V95"), shape, batch=1, itemsize=2, budget=10**12)
    half = plan_decoding(released("V95"), shape, batch=1, itemsize=2, budget=whole.peak // 2)
    assert whole.tiling.margin == 0 and half.exact and half.tiling.margin == 22


@pytest.mark.filterwarnings("ignore:the video is decoded in tiles")
@pytest.mark.parametrize(("size", "share"), [((8, 4, 7), 1.0), ((8, 4, 7), 0.6), ((1, 8, 8), 0.65)])
def test_a_budget_is_kept(released: Any, size: Any, share: float) -> None:
    """At the sizes of 0.9.0, on the meta device, no more is alive than the budget allows: at once, streamed, and in
    faded tiles."""
    config, shape = released("V90"), LatentShape(*size)
    with torch.device("meta"):
        vae = VideoVAE(config).requires_grad_(False)
        latents = torch.empty(1, 128, shape.frames, shape.height, shape.width)
    whole = decoding_peak(config, shape, batch=1, itemsize=4, frames=None) + 8 * latents.numel()
    budget = int(share * whole)
    limited = fitting(vae, latents, budget)
    assert measured(lambda: limited.decode(latents)) <= budget


def test_a_budget_changes_nothing_but_memory(ours: Any) -> None:
    """Where an exact plan fits, the result is that of the VAE."""
    vae = ours("V95")
    latents = torch.randn(1, 8, 8, 1, 1)
    with torch.no_grad():
        expected = vae.decode(latents, 0.1, 0.0)
        found = fitting(vae, latents, 10**7).decode(latents, 0.1, 0.0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
