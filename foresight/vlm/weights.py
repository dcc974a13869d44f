"""The weights of a Qwen2.5-VL, read strictly: every tensor of the model exactly once, nothing left over, all finite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from transformers import GenerationConfig, Qwen2_5_VLForConditionalGeneration
from transformers.utils import logging

from foresight.vlm.folder import QwenFolder, quantised
from ltx.checkpoint.errors import CheckpointError, listed
from ltx.checkpoint.read import Weights
from ltx.checkpoint.weight_files import weight_files
from ltx.values import is_finite

SPELLINGS = (
    ("model.visual.", "model.visual."),
    ("model.language_model.", "model.language_model."),
    ("lm_head.", "lm_head."),
    ("visual.", "model.visual."),
    ("model.layers.", "model.language_model.layers."),
    ("model.embed_tokens.", "model.language_model.embed_tokens."),
    ("model.norm.", "model.language_model.norm."),
)
"""How keys begin in files, today's and the released ones', and in the model."""

FOREIGN = {
    "base_model.": "PEFT writes them: merge the LoRA (merge_and_unload) and save the merged model",
    "_fsdp_wrapped_module.": "FSDP writes them: save the full state dict of the model inside",
    "thinker.": "Qwen2.5-Omni writes them, which is another model",
    "language_model.": "other programs write them: save the model with transformers' save_pretrained",
}
"""Beginnings of keys that other programs write, and what to do about each."""

QUANTISED = (
    (".qweight", "AWQ or GPTQ"),
    (".qzeros", "AWQ or GPTQ"),
    (".absmax", "bitsandbytes"),
    (".SCB", "bitsandbytes"),
    (".weight_packed", "compressed-tensors"),
    (".weight_scale", "FP8 or int8"),
    (".weight_scale_inv", "FP8"),
)
"""Ends of keys that only quantised models have."""

UNUSED = ("rotary_emb.inv_freq", "rotary_pos_emb.inv_freq")
"""Ends of keys that old programs wrote and that follow from the configuration."""

HALVES = {"vision tower": "model.visual.", "language model": "model.language_model."}
HEAD, EMBEDDING = "lm_head.weight", "model.language_model.embed_tokens.weight"
TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_model(
    folder: QwenFolder, *, dtype: torch.dtype | None = None, device: torch.device | str = "cpu"
) -> Qwen2_5_VLForConditionalGeneration:
    """Build a Qwen2.5-VL without memory for its weights and assign what its safetensors hold.

    Args:
        folder: of the model.
        dtype: of all weights; None is the type that most of them are stored in.
        device: where to put them.

    Returns:
        The model in evaluation mode.

    Raises:
        CheckpointError: naming the tensors that are missing, left over, twice there, of another shape or not finite;
            or saying why a file cannot be read.
        UserError: if the weights are quantised.
    """
    weights = Weights(weight_files(folder.path))
    _refuse_quantised(weights, folder)
    model = _build(folder)
    names = _named(weights)
    tied = HEAD in model.all_tied_weights_keys
    _check(weights, names, model, tied=tied)
    target = dtype or _stored_type(weights)
    state = _read(weights, names, target, device)
    if tied:
        if HEAD in state and not torch.equal(state[HEAD], state[EMBEDDING]):
            raise CheckpointError(
                f"{weights.where} holds an {HEAD} of its own, but its configuration says that it is the embedding "
                "(tie_word_embeddings): set that to false if the head was trained, or save the model again"
            )
        state[HEAD] = state[EMBEDDING]
    model.load_state_dict(state, assign=True)
    model.tie_weights()
    model.config.dtype = target
    # What is no weight, the rotary frequencies, was computed on the processor in float32 and stays in float32.
    model.to(device)  # type: ignore[arg-type]  # transformers wants less
    model.eval()
    return model


def write_model(model: Qwen2_5_VLForConditionalGeneration, folder: Path) -> None:
    """Write safetensors, config.json and generation_config.json, without transformers' bar in the host's terminal."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model.save_pretrained(str(folder))
    finally:
        if shown:
            logging.enable_progress_bar()


def _build(folder: QwenFolder) -> Qwen2_5_VLForConditionalGeneration:
    config = folder.config
    try:
        with _parameters_without_values():
            model = Qwen2_5_VLForConditionalGeneration(config)
        if (folder.path / "generation_config.json").is_file():
            model.generation_config = GenerationConfig.from_pretrained(folder.path)
    except Exception as error:  # torch and transformers have many words for sizes that do not fit each other
        raise CheckpointError(
            f"config.json and generation_config.json in {folder.path} describe no Qwen2.5-VL: "
            f"{type(error).__name__}: {error}; copy them from the release"
        ) from error
    return model


@contextmanager
def _parameters_without_values() -> Iterator[None]:
    """Modules that this thread builds have parameters on the meta device; buffers are computed as ever."""
    thread = get_ident()

    def emptied(module: nn.Module, name: str, parameter: nn.Parameter) -> nn.Parameter | None:
        if get_ident() != thread:
            return None
        return nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)

    handle = register_module_parameter_registration_hook(emptied)  # type: ignore[arg-type]  # torch says it returns None
    try:
        yield
    finally:
        handle.remove()


def _refuse_quantised(weights: Weights, folder: QwenFolder) -> None:
    for key in weights:
        for end, method in QUANTISED:
            if key.endswith(end):
                raise quantised(f"{method} (tensor {key})", folder.path, folder.fields)
        if (stored := weights.dtype(key)) not in TYPES and not key.endswith(UNUSED):
            raise quantised(f"{stored} (tensor {key})", folder.path, folder.fields)


def _named(weights: Weights) -> dict[str, str]:
    """Key in the files by name in the model."""
    names: dict[str, str] = {}
    unknown, twice = [], []
    for key in weights:
        if key.endswith(UNUSED):
            continue
        spelling = next(((old, new) for old, new in SPELLINGS if key.startswith(old)), None)
        if spelling is None:
            unknown.append(key)
            continue
        name = spelling[1] + key.removeprefix(spelling[0])
        if name in names:
            twice += [key, names[name]]
        names[name] = key
    if unknown:
        advice = next((text for start, text in FOREIGN.items() if unknown[0].startswith(start)), "")
        raise CheckpointError(
            f"{weights.where} holds keys that no Qwen2.5-VL has: {listed(unknown)}" + (f"; {advice}" if advice else "")
        )
    if twice:
        raise CheckpointError(f"{weights.where} holds the same tensors under two names: {listed(twice)}")
    return names


def _check(weights: Weights, names: dict[str, str], model: torch.nn.Module, *, tied: bool) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    problems = []
    if missing := expected.keys() - names.keys() - ({HEAD} if tied else set()):
        gone = [part for part, start in HALVES.items() if not any(name.startswith(start) for name in names)]
        problems.append(f"it lacks the {' and the '.join(gone)}" if gone else f"missing {listed(missing)}")
    if left := names.keys() - expected.keys():
        problems.append(f"left over {listed(names[name] for name in left)}")
    wrong = [
        f"{key} (expected {expected[name]}, got {shape})"
        for name, key in names.items()
        if name in expected and (shape := weights.shape(key)) != expected[name]
    ]
    if wrong:
        problems.append(f"of another shape {listed(wrong)}")
    if problems:
        raise CheckpointError(
            f"{weights.where} does not hold the Qwen2.5-VL that its config.json describes: {'; '.join(problems)}; "
            "download or save it again"
        )


def _stored_type(weights: Weights) -> torch.dtype:
    return TYPES[Counter(weights.dtype(key) for key in weights if not key.endswith(UNUSED)).most_common(1)[0][0]]


def _read(weights: Weights, names: dict[str, str], dtype: torch.dtype, device: torch.device | str) -> dict[str, Tensor]:
    state, broken = {}, []
    for name, key in names.items():
        tensor = weights[key]
        # Finite as stored, and still so in the type asked for.
        stored, state[name] = tensor, tensor.to(device, dtype)
        if not (is_finite(stored) and is_finite(state[name])):
            broken.append(key)
    if broken:
        raise CheckpointError(f"NaN or infinite values in {weights.where} (as {dtype}): {listed(broken)}")
    return state
