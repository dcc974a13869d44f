"""Adapters from VLM states to LTX conditioning and latents."""

from adapters.base import AbstractAdapter
from adapters.compose import ComposeConfig, ComposedAdapter
from adapters.ic_lora import ICLoRAAdapter, ICLoRAConfig
from adapters.kinds import build_adapter, config_from_dict, config_to_dict
from adapters.latent import LatentAdapter, LatentConfig
from adapters.linear import LinearAdapter, LinearConfig
from adapters.lora import LoRAConfig
from adapters.mlp import MLPAdapter, MLPConfig
from adapters.model_pair import ModelPair
from adapters.queries import QueriesAdapter, QueriesConfig
from adapters.storage import load_adapter, push_adapter, save_adapter
from adapters.types import Conditioning, ContextTokens, LatentForecast, ReferenceChanges, ReferenceTokens, VLMFeatures

__all__ = [
    "AbstractAdapter",
    "ComposeConfig",
    "ComposedAdapter",
    "Conditioning",
    "ContextTokens",
    "ICLoRAAdapter",
    "ICLoRAConfig",
    "LatentAdapter",
    "LatentConfig",
    "LatentForecast",
    "LinearAdapter",
    "LinearConfig",
    "LoRAConfig",
    "MLPAdapter",
    "MLPConfig",
    "ModelPair",
    "QueriesAdapter",
    "QueriesConfig",
    "ReferenceChanges",
    "ReferenceTokens",
    "VLMFeatures",
    "build_adapter",
    "config_from_dict",
    "config_to_dict",
    "load_adapter",
    "push_adapter",
    "save_adapter",
]
