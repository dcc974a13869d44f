"""8-bit files, wrappers and what lies beside the models: read exactly, named, or refused by name."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ltx.checkpoint import CheckpointError, save_official
from ltx.checkpoint.save import save_model
from ltx.transformer.model import VideoTransformer
from ltx.transformer.part import TRANSFORMER
from tests.ltx.checkpoint.test_load import same, tiny_transformer

PREFIX = "model.diffusion_model."
LAYER = f"{PREFIX}transformer_blocks.0.attn1.to_q"
State = dict[str, Tensor]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An official file of one transformer."""
    save_official(tmp_path / "a.safetensors", [(TRANSFORMER, tiny_transformer())])
    return tmp_path / "a.safetensors"


def changed(file: Path, change: Callable[[State], State]) -> Path:
    """The same file with other tensors."""
    with safe_open(file, "pt") as handle:
        metadata = handle.metadata()
    save_file(change(load_file(file)), file.with_name("b.safetensors"), metadata=metadata)
    return file.with_name("b.safetensors")


def weight(file: Path, **options: object) -> Tensor:
    model = VideoTransformer.from_pretrained(file, **options)  # type: ignore[arg-type]
    return model.get_parameter("transformer_blocks.0.attn1.to_q.weight")


@pytest.mark.parametrize("spelling", ["scale_weight", "weight_scale"])
@pytest.mark.parametrize("shape", [(), (1,), (32,), (32, 1)])
@pytest.mark.parametrize("float8", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_scaled_float8_is_weight_times_scale(
    spelling: str, shape: tuple[int, ...], float8: torch.dtype, file: Path
) -> None:
    """One scale, or one for each output channel; exact in float32, rounded once in bfloat16; inputs' scales unused."""
    draws = torch.Generator().manual_seed(0)
    stored = torch.randn(32, 32, generator=draws).mul(100).to(float8)
    scale = torch.rand(shape, generator=draws) + 0.01
    beside = {
        f"{LAYER}.{spelling}": scale,
        f"{LAYER}.{'scale_input' if spelling == 'scale_weight' else 'input_scale'}": torch.tensor(3.0),
        f"{PREFIX}scaled_fp8": torch.zeros(2, dtype=float8),
    }
    quantised = changed(file, lambda state: {**state, f"{LAYER}.weight": stored, **beside})
    expected = stored.float() * (scale.reshape(-1, 1) if scale.numel() > 1 else scale)
    assert torch.equal(weight(quantised, dtype="float32"), expected)
    assert torch.equal(weight(quantised, dtype="bf16"), expected.bfloat16())


def test_formats_of_single_layers_are_read_past_or_refused(file: Path) -> None:
    """ComfyUI's note of a format says float8, or something that is refused by its name."""

    def note(value: str) -> State:
        return {f"{LAYER}.comfy_quant": torch.tensor(list(json.dumps({"format": value}).encode()), dtype=torch.uint8)}

    scale = {f"{LAYER}.weight_scale": torch.tensor(2.0)}
    known = changed(file, lambda state: {**state, **scale, **note("float8_e4m3fn")})
    assert torch.equal(weight(known), 2 * weight(file))
    with pytest.raises(CheckpointError, match=r"quantised as nvfp4, which is not read; take the bfloat16 file"):
        weight(changed(file, lambda state: {**state, **scale, **note("nvfp4")}))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (f"{LAYER}.weight_scale_2", torch.ones(1), "NVFP4"),
        (f"{LAYER}.weight.absmax", torch.ones(1), "bitsandbytes"),
        (f"{LAYER}.qweight", torch.ones(1), "GPTQ or AWQ"),
        (f"{LAYER}.weight._data", torch.ones(1), "optimum-quanto"),
        (f"{LAYER}.weight", torch.zeros(32, 32, dtype=torch.int8), "is stored as I8, quantised"),
        (f"{LAYER}.weight_scale", torch.ones(8, 2), r"one for each of its 32 output channels, got \(8, 2\)"),
        (f"{LAYER}.weight_scale", torch.tensor(float("nan")), "NaN or infinite values.*attn1.to_q.weight"),
        (f"{PREFIX}transformer_blocks.9.attn1.to_q.weight_scale", torch.ones(1), "left over.*weight_scale"),
    ],
)
def test_other_quantised_formats_are_named(key: str, value: Tensor, message: str, file: Path) -> None:
    """The tool or type is named with what to take instead; a scale without its weight is left over."""
    with pytest.raises(CheckpointError, match=message):
        weight(changed(file, lambda state: {**state, key: value}))


def test_too_large_for_float16(file: Path) -> None:
    """A cast that makes infinities is refused."""
    big = changed(file, lambda state: {**state, f"{LAYER}.weight": torch.full((32, 32), 1e6)})
    with pytest.raises(CheckpointError, match=r"too large for float16.*attn1\.to_q\.weight"):
        weight(big, dtype="fp16")


@pytest.mark.parametrize("name", ["bfloat16", "bf16", "torch.bfloat16", torch.bfloat16, "BF16"])
def test_types_by_name(name: str | torch.dtype, file: Path) -> None:
    """A type may be named; "auto" and None are the stored one."""
    assert weight(file, dtype=name).dtype is torch.bfloat16
    assert weight(file, dtype="auto").dtype is torch.float32


@pytest.mark.parametrize("name", [torch.float8_e4m3fn, torch.int8, "int8", "fp8", "nonsense", 16])
def test_types_without_arithmetic_are_refused(name: object, file: Path) -> None:
    """Before anything is read."""
    with pytest.raises(ValueError, match=r"expected a type to compute in, one of float32, .*got"):
        weight(file, dtype=name)


@pytest.mark.parametrize("wrapper", ["_orig_mod.", "module.", "module._orig_mod."])
def test_wrapped_names_are_read(wrapper: str, tmp_path: Path) -> None:
    """What `torch.compile` and parallel training put before names, or into those of blocks, is no part of them."""
    model = tiny_transformer()
    save_model(model, TRANSFORMER, tmp_path / "transformer")
    path = tmp_path / "transformer" / "diffusion_pytorch_model.safetensors"
    state = load_file(path)
    save_file({wrapper + key: tensor for key, tensor in state.items()}, path)
    assert same(VideoTransformer.from_pretrained(tmp_path), model)
    save_file({key.replace("blocks.0.", "blocks.0._orig_mod."): tensor for key, tensor in state.items()}, path)
    assert same(VideoTransformer.from_pretrained(tmp_path), model)
    save_file({**state, f"{wrapper}proj_in.bias": torch.zeros(32)}, path)
    with pytest.raises(CheckpointError, match=r"there twice, wrapped and plain.*proj_in\.bias"):
        VideoTransformer.from_pretrained(tmp_path)


def test_compiled_models_are_saved_under_their_names(tmp_path: Path) -> None:
    """Whole or block by block, in both formats."""
    model = tiny_transformer()
    whole = torch.compile(tiny_transformer(), backend="eager")
    blocks = tiny_transformer()
    for index, block in enumerate(blocks.transformer_blocks):
        blocks.transformer_blocks[index] = torch.compile(block, backend="eager")
    for number, compiled in enumerate((whole, blocks)):
        save_model(compiled, TRANSFORMER, tmp_path / str(number))  # type: ignore[arg-type]
        save_official(tmp_path / f"{number}.safetensors", [(TRANSFORMER, compiled)])  # type: ignore[list-item]
        for written in (tmp_path / str(number), tmp_path / f"{number}.safetensors"):
            assert same(VideoTransformer.from_pretrained(written), model)


def test_what_is_not_read_is_named_once(file: Path) -> None:
    """Averaged weights and a text encoder beside the models: one warning with both, and the models as they are."""
    beside = {
        "model_ema.diffusion_model.x": torch.zeros(1),
        "text_encoders.t5xxl.transformer.shared.weight": torch.zeros(4, 4),
        "vae.decoder.x": torch.zeros(1),
    }
    full = changed(file, lambda state: {**state, **beside})
    with pytest.warns(UserWarning, match=r"not read: averaged weights \(EMA\).*a text encoder.*text_encoder=") as said:
        assert torch.equal(weight(full), weight(file))
    assert len([each for each in said if "not read" in str(each.message)]) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weight(file)
