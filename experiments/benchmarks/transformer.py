"""Time of one transformer step against diffusers' forward: float32, bfloat16, and with a timestep per token."""

from __future__ import annotations

import torch

from experiments.benchmarks.arguments import Arguments, parsed
from experiments.benchmarks.counting import counted
from experiments.benchmarks.paired import Comparison, compare, report
from experiments.benchmarks.twins import TransformerTwins
from ltx.shapes import VideoShape


def cases(arguments: Arguments) -> list[Comparison]:
    """Every precision, one timestep for all tokens and one for each."""
    shape = VideoShape(arguments.frames, arguments.height, arguments.width).latent
    found = []
    for dtype in arguments.dtypes:
        for per_token in (False, True):
            twins = TransformerTwins.make(
                arguments.size,
                shape=shape,
                per_token=per_token,
                dtype=dtype,
                device=arguments.device,
                batch=arguments.batch,
            )
            ours, theirs = twins.ours(), twins.theirs()
            mine, other = counted(ours), counted(theirs)
            times = "a timestep per token" if per_token else "one timestep"
            found.append(
                compare(
                    f"{str(dtype).removeprefix('torch.')}, {times}: {mine.launches} kernels for {other.launches}",
                    ours=ours,
                    theirs=theirs,
                    device=arguments.device,
                    rounds=arguments.rounds,
                )
            )
    return found


if __name__ == "__main__":
    arguments = parsed(__doc__)
    torch.set_grad_enabled(False)
    title = f"transformer {arguments.described}"
    report(title, cases(arguments), arguments.device, arguments.folder / "transformer.json")
