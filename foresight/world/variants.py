"""A world model with another adapter than its own: what adapters are compared with."""

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
    """The parts of a world model joined by an adapter that was trained for them.

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
    if not isinstance(world.vlm, QwenEncoder):
        raise UserError(
            expected="a world model with a vision-language model that an adapter can read",
            got=f"{where} without one",
            remedy="name another world model",
        )
    if world.adapter is not None:
        world.adapter.detach()
    joined = load_adapter(adapter, device=world.device, dtype=dtype_of(world.transformer))
    vlm = QwenEncoder(
        model=world.vlm.model,
        tokenizer=world.vlm.tokenizer,
        policy=world.vlm.policy,
        layers=joined.pairing.vlm_layers,
    )
    model = WorldModel(
        vae=world.vae,
        transformer=world.transformer,
        text_encoder=world.text_encoder,
        vlm=vlm,
        adapter=joined,
        plan=world.plan,
    )
    model.placement = world.placement
    return model


@contextmanager
def without_adapter(model: WorldModel) -> Iterator[WorldModel]:
    """The video model alone: no features, no conditioning, no low-rank updates."""
    adapter = model.adapter
    if adapter is not None:
        adapter.detach()
    try:
        yield WorldModel(
            vae=model.vae,
            transformer=model.transformer,
            text_encoder=model.text_encoder,
            vlm=None,
            adapter=None,
            plan=model.plan,
        )
    finally:
        if adapter is not None:
            adapter.attach(model.transformer)
