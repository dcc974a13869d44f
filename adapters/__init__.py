"""Adapters from VLM states to LTX conditioning and latents."""

from adapters.action_modulation import ActionModulationAdapter, ActionModulationConfig
from adapters.action_reference import ActionReferenceAdapter, ActionReferenceConfig
from adapters.action_tokens import ActionTokensAdapter, ActionTokensConfig
from adapters.actions import ActionSequence, ActionSpace
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
from adapters.types import (
    Conditioning,
    ContextTokens,
    LatentForecast,
    ReferenceChanges,
    ReferenceTokens,
    TargetOffsets,
    VLMFeatures,
)

__all__ = [
    "AbstractAdapter",
    "ActionModulationAdapter",
    "ActionModulationConfig",
    "ActionReferenceAdapter",
    "ActionReferenceConfig",
    "ActionSequence",
    "ActionSpace",
    "ActionTokensAdapter",
    "ActionTokensConfig",
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
    "TargetOffsets",
    "VLMFeatures",
    "build_adapter",
    "config_from_dict",
    "config_to_dict",
    "load_adapter",
    "push_adapter",
    "save_adapter",
]
