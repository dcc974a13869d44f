"""The adapters by name, and their configurations as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from adapters.base import AbstractAdapter
from adapters.compose import ComposeConfig, ComposedAdapter
from adapters.ic_lora import ICLoRAAdapter, ICLoRAConfig
from adapters.latent import LatentAdapter, LatentConfig
from adapters.linear import LinearAdapter, LinearConfig
from adapters.lora import LoRAConfig
from adapters.mlp import MLPAdapter, MLPConfig
from adapters.model_pair import ModelPair
from adapters.queries import QueriesAdapter, QueriesConfig

CONFIGS: dict[str, type] = {
    "linear": LinearConfig,
    "mlp": MLPConfig,
    "queries": QueriesConfig,
    "latent": LatentConfig,
    "ic_lora": ICLoRAConfig,
    "compose": ComposeConfig,
}
_CLASSES: dict[type, Callable[[Any], AbstractAdapter]] = {
    LinearConfig: LinearAdapter,
    MLPConfig: MLPAdapter,
    QueriesConfig: QueriesAdapter,
    LatentConfig: LatentAdapter,
    ICLoRAConfig: ICLoRAAdapter,
}


def build_adapter(config: Any) -> AbstractAdapter:
    """A fresh adapter of a configuration out of `CONFIGS`.

    Raises:
        ValueError: if the configuration is of no adapter, or does not fit together.
    """
    if isinstance(config, ComposeConfig):
        return ComposedAdapter(config, [build_adapter(part) for part in config.parts])
    if type(config) not in _CLASSES:
        raise ValueError(f"expected the configuration of an adapter ({', '.join(CONFIGS)}), got {type(config)}")
    return _CLASSES[type(config)](config)


def config_to_dict(config: Any) -> dict[str, Any]:
    """The content of `adapter_config.json`."""
    kind = next(name for name, cls in CONFIGS.items() if cls is type(config))
    if isinstance(config, ComposeConfig):
        return {"type": kind, "parts": [config_to_dict(part) for part in config.parts]}
    return {"type": kind, **asdict(config)}


def config_from_dict(values: Mapping[str, Any]) -> Any:
    """Inverse of `config_to_dict`.

    Raises:
        ValueError: if the type is unknown, or fields are missing, unknown or of wrong value.
    """
    kind = values.get("type")
    if not isinstance(kind, str) or kind not in CONFIGS:
        raise ValueError(f"expected an adapter of type {', '.join(CONFIGS)}; got {kind!r}")
    given = {name: value for name, value in values.items() if name != "type"}
    if kind == "compose":
        _check_fields(ComposeConfig, given)
        return ComposeConfig(tuple(config_from_dict(part) for part in given["parts"]))
    return _record(CONFIGS[kind], given)


_NESTED = {"pairing": ModelPair, "lora": LoRAConfig}


def _record(cls: type, values: Mapping[str, Any]) -> Any:
    _check_fields(cls, values)
    read = {
        name: _record(_NESTED[name], value) if name in _NESTED else tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return cls(**read)


def _check_fields(cls: type, values: Mapping[str, Any]) -> None:
    known = {f.name for f in fields(cls)}
    needed = {f.name for f in fields(cls) if f.default is MISSING}
    missing, unknown = sorted(needed - values.keys()), sorted(values.keys() - known)
    if missing or unknown:
        raise ValueError(f"expected the fields {sorted(known)} of {cls.__name__}; missing {missing}, unknown {unknown}")
