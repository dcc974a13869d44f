"""Finding a T5 and its tokenizer in the layouts people have, and reading the encoder strictly.

A folder with `text_encoder/` and `tokenizer/`, as diffusers writes; one folder with configuration, weights and
tokenizer; or one file (`t5xxl_fp16.safetensors`, also inside an all-in-one file of ComfyUI), whose sizes come from its
shapes. A file has no tokenizer: it lies beside it, is named, or is the published one, which all files of T5 v1.1 share.

transformers, which takes seconds to import, is imported where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub.errors import StrictDataclassError

from ltx.checkpoint import CheckpointError
from ltx.checkpoint.hub import resolve, source_of
from ltx.checkpoint.load import check_names, read_state
from ltx.checkpoint.quantised import scales_in
from ltx.checkpoint.read import Weights, read_object
from ltx.checkpoint.weight_files import weight_files

if TYPE_CHECKING:
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

MODEL_FOLDER, TOKENIZER_FOLDER = "text_encoder", "tokenizer"
# Where the official configurations take T5 from; their checkpoint files hold no text encoder.
PUBLISHED = "PixArt-alpha/PixArt-XL-2-1024-MS"
VOCABULARIES = ("tokenizer.json", "spiece.model")
ANCHOR = "encoder.block.0.layer.0.SelfAttention.q.weight"
SHARED, EMBEDDED = "shared.weight", "encoder.embed_tokens.weight"
# The other half of a whole T5, and a tokenizer that ComfyUI puts among the weights.
DROPPED = ("decoder.", "lm_head.", "spiece_model")


@dataclass(frozen=True)
class TextFiles:
    """Files of a text encoder.

    Attributes:
        weights: its files.
        config: its `config.json`; None for a single file.
        tokenizer: the folder of its tokenizer.
        source: hub id and commit of what was downloaded; None for local files.
    """

    weights: tuple[Path, ...]
    config: Path | None
    tokenizer: Path
    source: str | None


def find_text(where: str | Path, revision: str | None, tokenizer: str | Path | None) -> TextFiles:
    """Find weights and tokenizer.

    Raises:
        CheckpointError: if one of them is not there, with the layouts that are read.
    """
    path = resolve(where, MODEL_FOLDER, revision)
    source = source_of(path)
    if path.is_file():
        return TextFiles((path,), None, _tokenizer(path, (path.parent,), tokenizer), source)
    folder = path / MODEL_FOLDER if (path / MODEL_FOLDER).is_dir() else path
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"cannot read a T5 text encoder from {where}: expected folders {MODEL_FOLDER}/ and {TOKENIZER_FOLDER}/ in "
            f"{path}, one folder with config.json, weights and tokenizer, or one file such as t5xxl_fp16.safetensors "
            "(official files hold no text encoder)"
        )
    return TextFiles(
        weight_files(folder), folder / "config.json", _tokenizer(folder, (folder, folder.parent), tokenizer), source
    )


def _tokenizer(of: Path, around: tuple[Path, ...], named: str | Path | None) -> Path:
    """The folder of a tokenizer: the one that is named, or lies around the weights."""
    if named is not None:
        path = resolve(named, TOKENIZER_FOLDER)
        around = (path if path.is_dir() else path.parent,)
    folders = [each for folder in around for each in (folder, folder / TOKENIZER_FOLDER)]
    found = next((each for each in folders if any((each / name).is_file() for name in VOCABULARIES)), None)
    if found is not None:
        return found
    if named is None and of.is_file():
        try:
            return resolve(PUBLISHED, TOKENIZER_FOLDER) / TOKENIZER_FOLDER
        except CheckpointError as error:
            cause = f"; the published one cannot be had either ({error})"
    else:
        cause = ""
    raise CheckpointError(
        f"expected a tokenizer ({' or '.join(VOCABULARIES)}) for {of} in {', '.join(map(str, folders))}; put it beside "
        f"the weights, name a folder that has {MODEL_FOLDER}/ and {TOKENIZER_FOLDER}/ instead, or call "
        f"TextEncoder.from_pretrained(…, tokenizer=FOLDER){cause}"
    )


def read_model(files: TextFiles, dtype: torch.dtype | None, device: torch.device | str) -> T5EncoderModel:
    """The encoder half of a T5, every weight used once.

    Raises:
        CheckpointError: if the weights are not exactly those of its configuration.
    """
    from transformers import T5EncoderModel

    weights = Weights(files.weights, device)
    prefix = next((key.removesuffix(ANCHOR) for key in weights if key.endswith(ANCHOR)), None)
    if prefix is None:
        raise CheckpointError(f"{weights.where} does not hold a T5 text encoder: it has no key {ANCHOR}")
    scales = scales_in(weights)
    names = {
        key.removeprefix(prefix): key
        for key in weights
        if key.startswith(prefix) and key not in scales.beside and not key.removeprefix(prefix).startswith(DROPPED)
    }
    config = _config(files.config) if files.config is not None else _from_shapes(weights, names)
    with torch.device("meta"):
        model = T5EncoderModel(config)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    # One embedding under two names, of which files have either or both.
    tied = [name for name in (SHARED, EMBEDDED) if name in names]
    check_names(
        weights,
        names,
        expected,
        what="the text encoder that its configuration describes",
        optional=(SHARED, EMBEDDED) if tied else (),
    )
    state = read_state(weights, names, scales, dtype)
    if len(tied) == 2 and not torch.equal(state[SHARED], state[EMBEDDED]):
        raise CheckpointError(f"{weights.where} has two different embeddings, {SHARED} and {EMBEDDED}; expected one")
    for name in (SHARED, EMBEDDED):
        state[name] = state[tied[0]]
    if state[ANCHOR].dtype is torch.float16:
        # These products leave the range of float16; T5 computes them in float32.
        state |= {name: tensor.float() for name, tensor in state.items() if name.endswith(".wo.weight")}
    model.load_state_dict(state, assign=True)
    model.set_input_embeddings(model.shared)
    model.config.dtype = state[ANCHOR].dtype
    return model


def read_tokenizer(files: TextFiles) -> T5Tokenizer:
    """Read the tokenizer of a T5.

    Raises:
        CheckpointError: if it is damaged.
    """
    from transformers import T5Tokenizer

    try:
        tokenizer: T5Tokenizer = T5Tokenizer.from_pretrained(str(files.tokenizer))
    except Exception as error:  # tokenizers raises plain exceptions for damaged files
        raise CheckpointError(f"cannot read a T5 tokenizer from {files.tokenizer}: {error}") from error
    return tokenizer


def _config(path: Path) -> T5Config:
    fields = read_object(path)
    if fields.get("model_type", "t5") != "t5":
        raise CheckpointError(f"expected a T5 in {path.parent}, as every LTX-Video reads, got {fields['model_type']}")
    if "quantization_config" in fields:
        raise CheckpointError(f"{path.parent} holds a quantised T5, which is not read; take the one of {PUBLISHED}")
    from transformers import T5Config

    try:
        return T5Config.from_dict(fields)
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise CheckpointError(f"the configuration {path} is none of a T5: {' '.join(str(error).split())}") from error


def _from_shapes(weights: Weights, names: dict[str, str]) -> T5Config:
    """The configuration of weights without one: all sizes from shapes, the rest as in T5 v1.1."""

    def shape(name: str) -> tuple[int, ...]:
        if name not in names:
            raise CheckpointError(f"{weights.where} is not a whole T5 encoder: it lacks {name}")
        return weights.shape(names[name])

    vocabulary, width = shape(SHARED if SHARED in names else EMBEDDED)
    buckets, heads = shape("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight")
    gated = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight" in names
    wide = shape(f"encoder.block.0.layer.1.DenseReluDense.{'wi_0' if gated else 'wi'}.weight")[0]
    blocks = {name.split(".")[2] for name in names if name.startswith("encoder.block.")}
    fields: dict[str, Any] = {
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": shape(ANCHOR)[0] // heads,
        "d_ff": wide,
        "num_layers": len(blocks),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu" if gated else "relu",
        "is_encoder_decoder": False,
        "use_cache": False,
    }
    from transformers import T5Config

    return T5Config(**fields)
