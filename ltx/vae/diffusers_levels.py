"""Group the official block lists of a VAE into diffusers' levels: the one derivation of the index maps.

The official encoder and decoder are flat lists of blocks. The diffusers classes nest the same blocks: one level is a
group of residual blocks with, in the encoder, an optional downsampler and an optional widening block after it, and in
the decoder an optional narrowing block and an optional upsampler before it. The deepest group is the `mid_block`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ltx.checkpoint.errors import CheckpointError
from ltx.vae.config import BlockSpec, VAEConfig


@dataclass(frozen=True)
class Placed:
    """A block and its index in the module list (`down_blocks.i` or `up_blocks.i`)."""

    index: int
    spec: BlockSpec


@dataclass(frozen=True)
class Level:
    """One diffusers down or up block."""

    residual: Placed
    resample: Placed | None
    change: Placed | None


@dataclass(frozen=True)
class Levels:
    """One side of a VAE in the order in which data flows."""

    mid: Placed
    levels: tuple[Level, ...]


class Module(NamedTuple):
    """The same module under its two names, and the kind of its inner names."""

    official: str
    diffusers: str
    kind: Literal["residual", "change", "strided", "resample"]


def encoder_levels(blocks: Sequence[BlockSpec]) -> Levels:
    """Group an encoder's list.

    Raises:
        CheckpointError: if diffusers has no such encoder.
    """
    *flow, mid = _placed(blocks, "encoder")
    return Levels(mid, tuple(_group(flow, "encoder")))


def decoder_levels(blocks: Sequence[BlockSpec]) -> Levels:
    """Group a decoder's list, which is stored in encoder order and built from the end.

    Raises:
        CheckpointError: if diffusers has no such decoder.
    """
    mid, *flow = _placed(tuple(reversed(blocks)), "decoder")
    # Seen from the output, a level of the decoder reads like one of the encoder.
    return Levels(mid, tuple(reversed(_group(flow[::-1], "decoder"))))


def modules(config: VAEConfig) -> tuple[Module, ...]:
    """Every block of a VAE under both names."""
    encoder, decoder = encoder_levels(config.encoder_blocks), decoder_levels(config.decoder_blocks)
    found = [Module(f"encoder.down_blocks.{encoder.mid.index}", "encoder.mid_block", "residual")]
    for number, level in enumerate(encoder.levels):
        to = f"encoder.down_blocks.{number}"
        found.append(Module(f"encoder.down_blocks.{level.residual.index}", to, "residual"))
        if level.resample:
            kind: Literal["strided", "resample"] = (
                "resample" if level.resample.spec.kind.endswith("_res") else "strided"
            )
            found.append(Module(f"encoder.down_blocks.{level.resample.index}", f"{to}.downsamplers.0", kind))
        if level.change:
            found.append(Module(f"encoder.down_blocks.{level.change.index}", f"{to}.conv_out", "change"))
    found.append(Module(f"decoder.up_blocks.{decoder.mid.index}", "decoder.mid_block", "residual"))
    for number, level in enumerate(decoder.levels):
        to = f"decoder.up_blocks.{number}"
        found.append(Module(f"decoder.up_blocks.{level.residual.index}", to, "residual"))
        if level.resample:
            found.append(Module(f"decoder.up_blocks.{level.resample.index}", f"{to}.upsamplers.0", "resample"))
        if level.change:
            found.append(Module(f"decoder.up_blocks.{level.change.index}", f"{to}.conv_in", "change"))
    return tuple(found)


def _placed(blocks: Sequence[BlockSpec], side: str) -> list[Placed]:
    if not blocks or {blocks[0].kind, blocks[-1].kind} - {"res_x"}:
        raise inexpressible(side, blocks)
    return [Placed(index, spec) for index, spec in enumerate(blocks)]


def _group(flow: Sequence[Placed], side: str) -> list[Level]:
    """Cut a list at each `res_x`; within a level come at most one resampler, then at most one change of width."""
    order = ("res_x", "compress", "res_x_y")
    groups: list[dict[str, Placed]] = []
    for block in flow:
        role = "compress" if block.spec.kind.startswith("compress") else block.spec.kind
        if role == "res_x":
            groups.append({})
        taken = groups[-1]
        if any(order.index(other) >= order.index(role) for other in taken):
            raise inexpressible(side, [placed.spec for placed in flow])
        taken[role] = block
    return [Level(group["res_x"], group.get("compress"), group.get("res_x_y")) for group in groups]


def inexpressible(side: str, blocks: Sequence[BlockSpec]) -> CheckpointError:
    """The error for block lists that the diffusers class cannot build."""
    return CheckpointError(
        f"diffusers has no VAE with these {side} blocks: {', '.join(spec.kind for spec in blocks) or 'none'}; "
        "write the official layout instead"
    )
