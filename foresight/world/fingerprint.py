"""Fingerprint of a world model, to know again the one that a verifier was fitted for."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from foresight.reproducibility.fingerprint import fingerprint, weights_fingerprint
from foresight.world.world_model import WorldModel
from ltx.offload import at_rest

UNSEEN = ("estimate", "domain_warning", "domain_limit")
"""Fields of a sampling configuration that change neither candidates nor signals."""

_KNOWN: WeakKeyDictionary[WorldModel, tuple[tuple[object, ...], str]] = WeakKeyDictionary()


def model_fingerprint(model: WorldModel) -> str:
    """SHA-256 of the parts of a world model that its predictions and signals depend on.

    Hashing billions of weights takes minutes, so it is done once per model and again when a weight was written.
    """
    text = None if model.text_encoder is None else model.text_encoder.model
    parts = (model.vae, model.transformer, text, model.adapter)
    for part in parts:
        if part is not None:
            at_rest(part)
    tensors = [tensor for part in parts if part is not None for tensor in part.state_dict().values()]
    state = (tuple((tensor.data_ptr(), tensor._version) for tensor in tensors), model.sampling_config)
    known = _KNOWN.get(model)
    if known is None or known[0] != state:
        known = (state, _hash(model))
        _KNOWN[model] = known
    return known[1]


def _hash(model: WorldModel) -> str:
    return fingerprint(
        {
            "vae": weights_fingerprint(model.vae),
            "transformer": weights_fingerprint(model.transformer),
            "text_encoder": None if model.text_encoder is None else weights_fingerprint(model.text_encoder.model),
            "adapter": None if model.adapter is None else weights_fingerprint(model.adapter),
            "plan": {name: value for name, value in model.sampling_config.to_dict().items() if name not in UNSEEN},
        }
    )
