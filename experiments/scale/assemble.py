"""A world model with another transformer in place of its own, all other parts the same.

    python -m experiments.scale.assemble runs/foresight-tiny runs/tiny-parts/second/small runs/foresight-tiny-small
    foresight fit-verifier model=folder model.where=runs/foresight-tiny-small to=runs/foresight-tiny-small/verifier

The second folder holds `transformer`. A verifier is tied to its model's weights: fit one to the result.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch

from foresight import WorldModel
from ltx import VideoTransformer


def main(arguments: Sequence[str]) -> None:
    """Read, replace, write in the precision that the embedded models are kept in."""
    where, parts, target = arguments
    world = WorldModel.from_pretrained(where, dtype=torch.bfloat16)
    world.replace(transformer=VideoTransformer.from_pretrained(parts, dtype=torch.bfloat16)).save_pretrained(target)


if __name__ == "__main__":
    main(sys.argv[1:])
