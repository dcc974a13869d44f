"""World models with another adapter than their own, or with none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from adapters import load_adapter
from foresight.errors import UserError
from foresight.vlm.encoder import QwenEncoder
from foresight.world.world_model import WorldModel
from ltx.offload import dtype_of


def adapted_world_model(
    *,
    where: str | Path,
    adapter: str | Path,
    device: torch.device | str = "auto",
    dtype: torch.dtype | str | None = "auto",
    offload: str = "auto",
    storage: str = "stored",
) -> WorldModel:
    """World model with its adapter replaced by another that was trained for its parts.

    Args:
        where: the world model: "foresight-tiny", a folder, or a hub id.
        adapter: folder or hub id of the adapter.
        device: where to put both; this and what follows as in `WorldModel.from_pretrained`.
        dtype: to compute in.
        offload: what may leave the device.
        storage: how the transformer's matrices are kept.

    Raises:
        UserError: if the world model has no vision-language model.
        ValueError: if the adapter was made for other models.
    """
    world = WorldModel.from_pretrained(where, device=device, dtype=dtype, offload=offload, storage=storage)
    vlm = world.vlm
    if not isinstance(vlm, QwenEncoder):
        raise UserError(
            expected="a world model with a vision-language model that an adapter can read",
            got=f"{where} without one",
            remedy="name another world model",
        )
    joined = load_adapter(adapter, device=world.device, dtype=dtype_of(world.transformer))
    layers = joined.pairing.vlm_layers
    reader = QwenEncoder(model=vlm.model, tokenizer=vlm.tokenizer, preprocessing=vlm.preprocessing, layers=layers)
    return world.replace(vlm=reader, adapter=joined)


@contextmanager
def without_adapter(model: WorldModel) -> Iterator[WorldModel]:
    """Video model alone: no features, no conditioning, no low-rank updates; the adapter is back afterwards."""
    adapter = model.adapter
    try:
        yield model.replace(vlm=None, adapter=None)
    finally:
        if adapter is not None:
            adapter.attach(model.transformer)
