"""Arguments of every benchmark."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from experiments.benchmarks.twins import TRANSFORMERS

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Arguments:
    """Size of the models, of the clips, and how often to measure."""

    size: str
    batch: int
    frames: int
    height: int
    width: int
    dtypes: tuple[torch.dtype, ...]
    device: torch.device
    rounds: int
    folder: Path

    @property
    def described(self) -> str:
        """The sizes, for a title."""
        return f"{self.size}, {self.batch} × {self.frames} × {self.height} × {self.width}"


def parsed(description: str | None) -> Arguments:
    """From the command line; 49 × 256 × 384 is 672 tokens. On a CPU one thread, whose time is the code's alone."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--size", choices=TRANSFORMERS, default="small", help="2b: the released sizes")
    for name, value in (("batch", 1), ("frames", 49), ("height", 256), ("width", 384), ("rounds", 15)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmarks"), help="where the JSON goes")
    given = vars(parser.parse_args())
    if given["device"].type == "cpu":
        torch.set_num_threads(1)
    given["dtypes"] = tuple(DTYPES[name] for name in given["dtypes"])
    return Arguments(**given)
