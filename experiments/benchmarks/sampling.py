"""Time of a whole sampling run, text and positions prepared within it, against a loop over diffusers' transformer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from experiments.benchmarks.arguments import Arguments, parsed
from experiments.benchmarks.paired import Comparison, compare, report
from experiments.benchmarks.twins import TransformerTwins
from ltx.flow import sample
from ltx.flow.schedule import uniform
from ltx.shapes import VideoShape

STEPS = 8


def our_run(twins: TransformerTwins) -> Tensor:
    """Prepare once, then a step for each time."""
    cache = twins.model.prepare(twins.coordinates, twins.context, twins.mask)

    def denoiser(tokens: Tensor, timesteps: Tensor) -> Tensor:
        return twins.model.denoise(tokens, timesteps, cache)

    return sample(denoiser, twins.tokens, uniform(STEPS))


def their_run(twins: TransformerTwins) -> Tensor:
    """The Euler steps of diffusers' pipeline around its forward, a timestep per token as image conditioning uses."""
    tokens = twins.tokens
    times = [*uniform(STEPS).tolist(), 0.0]
    for t, s in pairwise(times):
        per_token = torch.full(tokens.shape[:2], 1000 * t, device=tokens.device)
        velocity = twins.forward_other(tokens, per_token)
        tokens = (tokens.float() - (t - s) * velocity.float()).to(tokens.dtype)
    return tokens


def cases(arguments: Arguments) -> list[Comparison]:
    """Every precision."""
    shape = VideoShape(arguments.frames, arguments.height, arguments.width).latent
    found = []
    for dtype in arguments.dtypes:
        twins = TransformerTwins.make(
            arguments.size,
            shape=shape,
            per_token=True,
            dtype=dtype,
            device=arguments.device,
            batch=arguments.batch,
        )
        runs: tuple[Callable[[], Tensor], ...] = (lambda t=twins: our_run(t), lambda t=twins: their_run(t))
        case = f"{str(dtype).removeprefix('torch.')}, {STEPS} steps"
        rounds = max(3, arguments.rounds // 3)
        found.append(compare(case, ours=runs[0], theirs=runs[1], device=arguments.device, rounds=rounds))
    return found


if __name__ == "__main__":
    arguments = parsed(__doc__)
    torch.set_grad_enabled(False)
    title = f"sampling {arguments.described}"
    report(title, cases(arguments), arguments.device, arguments.folder / "sampling.json")
