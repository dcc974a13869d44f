"""Adapters as folders: configuration, weights, LoRA in the ecosystem's own format, and a model card."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import torch
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from adapters.base import AbstractAdapter
from adapters.card import model_card
from adapters.kinds import build_adapter, config_from_dict, config_to_dict
from adapters.lora import LowRankUpdates
from ltx.files import replacing, write_text
from ltx.values import not_finite

CONFIG = "adapter_config.json"
WEIGHTS = "adapter.safetensors"
# The name under which diffusers' pipelines and PEFT look for a LoRA.
LORA = "pytorch_lora_weights.safetensors"
CARD = "README.md"


def save_adapter(adapter: AbstractAdapter, folder: str | Path) -> None:
    """Write an adapter into a folder, which is made if need be; each file is replaced in one step.

    Low-rank updates of the transformer go into a file of their own that diffusers and PEFT load as it is.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    updates = _updates(adapter)
    skipped = tuple(f"{name}." for name, _ in updates)
    state = {
        name: value.detach().contiguous()
        for name, value in adapter.state_dict().items()
        if not name.startswith(skipped)
    }
    with replacing(folder / WEIGHTS) as temporary:
        save_file(state, temporary, metadata={"format": "pt"})
    for _, update in updates:
        with replacing(folder / LORA) as temporary:
            tensors = {name: value.contiguous() for name, value in update.export().items()}
            save_file(tensors, temporary, metadata={"format": "pt", **update.strength})
    write_text(folder / CARD, model_card(adapter))
    write_text(folder / CONFIG, json.dumps(config_to_dict(adapter.config), indent=2) + "\n")


def load_adapter(
    where: str | Path, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
) -> AbstractAdapter:
    """Read an adapter of any kind, in evaluation mode.

    Args:
        where: a folder, or the id of a hub repository.
        device: where to put the weights.
        dtype: type of the weights; None keeps the stored one.

    Raises:
        ValueError: if there is no adapter, or its weights are not finite or not exactly those its configuration
            describes.
    """
    folder = Path(where) if Path(where).is_dir() else _download(str(where))
    try:
        config = config_from_dict(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        state = load_file(folder / WEIGHTS)
    except (OSError, json.JSONDecodeError, RecursionError, SafetensorError) as error:
        raise ValueError(f"expected an adapter ({CONFIG} and {WEIGHTS}) in {folder}: {error}") from error
    adapter = build_adapter(config)
    updates = _updates(adapter)
    for _, update in updates:
        try:
            tensors = load_file(folder / LORA)
            if broken := not_finite(tensors):
                raise ValueError(f"NaN or infinite values in {folder / LORA}: {', '.join(sorted(broken)[:4])}")
            update.read(tensors)
        except (OSError, SafetensorError) as error:
            raise ValueError(f"expected the adapter's LoRA {LORA} in {folder}: {error}") from error
    own = {name for name in adapter.state_dict() if not name.startswith(tuple(f"{name}." for name, _ in updates))}
    missing, left = sorted(own - state.keys()), sorted(state.keys() - own)
    if missing or left:
        raise ValueError(f"{folder / WEIGHTS} is not this adapter: missing {missing[:4]}, left over {left[:4]}")
    if broken := not_finite(state):
        raise ValueError(
            f"NaN or infinite values in {folder / WEIGHTS}: {', '.join(sorted(broken)[:4])}; train it again"
        )
    try:
        adapter.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise ValueError(f"{folder / WEIGHTS} is not this adapter: {' '.join(str(error).split())}") from error
    return adapter.to(device=device, dtype=dtype).eval()


def push_adapter(adapter: AbstractAdapter, repository: str, *, private: bool, token: str | None) -> str:
    """Upload an adapter with its card to the Hugging Face hub, making the repository if need be.

    Args:
        adapter: what to upload.
        repository: `owner/name`.
        private: whether a repository that is made now is private.
        token: access token; None takes the stored one.

    Returns:
        The address of the commit.
    """
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        save_adapter(adapter, folder)
        api = huggingface_hub.HfApi(token=token)
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Upload adapter")
    return str(commit.commit_url)


def _updates(adapter: AbstractAdapter) -> list[tuple[str, LowRankUpdates]]:
    return [(name, module) for name, module in adapter.named_modules() if isinstance(module, LowRankUpdates)]


def _download(repository: str) -> Path:
    try:
        return Path(huggingface_hub.snapshot_download(repository, allow_patterns=[CONFIG, WEIGHTS, LORA, CARD]))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ValueError(
            f"expected the folder of an adapter or a hub repository that can be reached, got {repository!r}: {error}"
        ) from error
