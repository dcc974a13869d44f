"""Keys as the tools write them: read as one and the same update, or refused by the name of what they are."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ltx.bundle.content import content_of
from ltx.checkpoint.errors import CheckpointError
from ltx.lora import LoRA, LowRank, read_lora, write_lora

MODULE = "transformer_blocks.0.attn1.to_q"
FLAT = MODULE.replace(".", "_")
SPELLINGS = [
    (f"{MODULE}.lora_A.weight", f"{MODULE}.lora_B.weight"),
    (f"{MODULE}.lora_A.default.weight", f"{MODULE}.lora_B.default.weight"),
    (f"transformer.{MODULE}.lora_A", f"transformer.{MODULE}.lora_B"),
    (f"transformer.{MODULE}.lora.down.weight", f"transformer.{MODULE}.lora.up.weight"),
    (f"transformer.{MODULE}_lora.down.weight", f"transformer.{MODULE}_lora.up.weight"),
    (f"unet.{MODULE}.lora_down.weight", f"unet.{MODULE}.lora_up.weight"),
    (f"diffusion_model.{MODULE}.lora_A.weight", f"diffusion_model.{MODULE}.lora_B.weight"),
    (f"model.diffusion_model.{MODULE}.lora_A.weight", f"model.diffusion_model.{MODULE}.lora_B.weight"),
    (f"base_model.model._orig_mod.{MODULE}.lora_A.weight", f"base_model.model._orig_mod.{MODULE}.lora_B.weight"),
    (f"transformer.base_model.model.{MODULE}.lora.down.weight", f"module.{MODULE}.lora_B.default_0.weight"),
    (f"lora_unet_{FLAT}.lora_down.weight", f"lora_unet_{FLAT}.lora_up.weight"),
    (f"lora_unet_model_{FLAT}.lora_down.weight", f"lora_unet_model_{FLAT}.lora_up.weight"),
    (f"lora_transformer_{FLAT}.lora_down.weight", f"lora_transformer_{FLAT}.lora_up.weight"),
    (f"lycoris_{FLAT}.lora_down.weight", f"lycoris_transformer_{FLAT}.lora_up.weight"),
    (f"pipe.dit.{MODULE}.lora_A.default.weight", f"pipe.dit.{MODULE}.lora_B.default.weight"),
    (
        "transformer_blocks.0._checkpoint_wrapped_module.attn1.to_q.lora_A.weight",
        "_fsdp_wrapped_module.transformer_blocks.0.attn1.to_q.lora_B.weight",
    ),
    (
        "transformer.transformer_blocks.0._orig_mod.attn1.to_q.lora_A.weight",
        "lora_unet_transformer_blocks_0__orig_mod_attn1_to_q.lora_up.weight",
    ),
]
OTHER_NAMES = [
    ("transformer.proj_in", "patchify_proj"),
    ("lora_unet_proj_in", "patchify_proj"),
    ("lycoris_time_embed_emb_timestep_embedder_linear_1", "adaln_single.emb.timestep_embedder.linear_1"),
    ("diffusion_model.adaln_single.linear", "adaln_single.linear"),
    ("lora_unet_transformer_blocks_11_ff_net_0_proj", "transformer_blocks.11.ff.net.0.proj"),
]


def factors() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 24, generator=generator), torch.randn(32, 4, generator=generator)


def read(tensors: dict[str, Tensor], folder: Path) -> LoRA:
    save_file(tensors, folder / "lora.safetensors")
    return read_lora(folder / "lora.safetensors", alpha=4.0)


@pytest.mark.parametrize(("down", "up"), SPELLINGS)
def test_every_spelling_is_the_same_update(down: str, up: str, tmp_path: Path) -> None:
    """Factors under the names of any tool, wrapped or not, are the update of one module, and the file is a LoRA."""
    a, b = factors()
    found = read({down: a, up: b}, tmp_path)
    assert list(found.updates) == [MODULE]
    assert torch.equal(found.updates[MODULE].down, a) and torch.equal(found.updates[MODULE].up, b)
    assert content_of(tmp_path / "lora.safetensors") == "LoRA"


@pytest.mark.parametrize(("name", "official"), OTHER_NAMES)
def test_layers_have_their_official_names(name: str, official: str, tmp_path: Path) -> None:
    """Layers that diffusers names otherwise are found by either name, with dots and with underscores."""
    a, b = factors()
    assert list(read({f"{name}.lora_down.weight": a, f"{name}.lora_up.weight": b}, tmp_path).updates) == [official]


def test_linear_layers_written_as_pixels_are_matrices(tmp_path: Path) -> None:
    """Factors of shape (rank, input, 1, 1) are those of a linear layer; larger kernels are refused."""
    a, b = factors()
    keys = f"{MODULE}.lora_down.weight", f"{MODULE}.lora_up.weight"
    found = read({keys[0]: a[:, :, None, None], keys[1]: b[:, :, None, None]}, tmp_path).updates[MODULE]
    assert torch.equal(found.down, a) and torch.equal(found.up, b)
    with pytest.raises(CheckpointError, match="convolution"):
        read({keys[0]: torch.zeros(4, 24, 3, 3), keys[1]: b[:, :, None, None]}, tmp_path)


TEXT_KEYS = [
    "text_encoder.encoder.block.0.layer.0.SelfAttention.q.lora_A.weight",
    "lora_te_encoder_block_0_layer_0_SelfAttention_q.lora_down.weight",
    "lora_te1_text_model_encoder_layers_0_mlp_fc1.hada_w1_a",
    "text_encoders.transformer.vision_model.encoder.layers.18.mlp.fc1.lora_up.weight",
    "t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.lora_up.weight",
]


@pytest.mark.parametrize("key", TEXT_KEYS)
def test_the_part_of_a_text_encoder_is_left_out_with_a_word(key: str, tmp_path: Path) -> None:
    """The transformer's updates are read and a warning names what is not; a text encoder's alone are refused."""
    a, b = factors()
    with pytest.warns(UserWarning, match=r"1 tensors for a text encoder.*left out") as said:
        found = read({f"{MODULE}.lora_A.weight": a, f"{MODULE}.lora_B.weight": b, key: torch.zeros(4, 24)}, tmp_path)
    assert list(found.updates) == [MODULE] and len(said) == 1
    with pytest.raises(CheckpointError, match="text encoder alone"):
        read({key: torch.zeros(4, 24)}, tmp_path)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (f"lycoris_{FLAT}.hada_w1_a", "a LoHa"),
        (f"lycoris_{FLAT}.lokr_w1", "a LoKr"),
        (f"diffusion_model.{MODULE}.dora_scale", "a DoRA"),
        (f"base_model.model.{MODULE}.lora_magnitude_vector.weight", "a DoRA"),
        (f"lora_unet_{FLAT}.oft_blocks", "an OFT or BOFT"),
        (f"lycoris_{FLAT}.a1.weight", "a GLoRA"),
        (f"lycoris_{FLAT}.on_input", "an (IA)³"),
        (f"lora_unet_{FLAT}.lora_mid.weight", "convolutions"),
        (f"diffusion_model.{MODULE}.set_weight", "whole weights"),
        (f"base_model.model.{MODULE}.base_layer.bias", "whole weights"),
        (f"diffusion_model.{MODULE}.scale_weight", "quantised"),
    ],
)
def test_other_kinds_of_updates_are_refused_by_name(key: str, kind: str, tmp_path: Path) -> None:
    """What is no low-rank update is named, with its key and what to do, also beside low-rank updates."""
    a, b = factors()
    other = "transformer.transformer_blocks.1.attn1.to_q"
    with pytest.raises(CheckpointError) as error:
        read({f"{other}.lora_A.weight": a, f"{other}.lora_B.weight": b, key: torch.ones(24)}, tmp_path)
    assert kind in str(error.value) and key in str(error.value) and "merge it" in str(error.value)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("transformer.transformer_blocks.0.audio_attn1.to_q.lora_A.weight", "no LoRA of an LTX-Video.*audio_attn1"),
        (f"{MODULE.replace('to_q', 'q_norm')}.lora_A.weight", "no LoRA of an LTX-Video.*q_norm"),
        (f"{MODULE}.lora_A.bias", "no LoRA of an LTX-Video.*lora_A.bias"),
        (f"{MODULE}.alpha", "lack one of their two factors.*to_q"),
    ],
)
def test_unknown_and_lonely_keys_are_named(key: str, message: str, tmp_path: Path) -> None:
    """Keys of another model, factors of a norm, a bias that is none, and an alpha without factors."""
    with pytest.raises(CheckpointError, match=message):
        read({key: torch.ones(1)}, tmp_path)


@pytest.mark.parametrize(
    ("down", "up", "message"),
    [
        ((4, 24), (24, 3), r"one rank ≥ 1, got \(4, 24\) and \(24, 3\)$"),
        ((24, 4), (4, 32), r"they look transposed"),
        ((0, 24), (32, 0), "one rank ≥ 1"),
        ((4,), (32, 4), "one rank ≥ 1"),
    ],
)
def test_shapes_that_are_no_pair_are_refused(
    down: tuple[int, ...], up: tuple[int, ...], message: str, tmp_path: Path
) -> None:
    """Ranks that differ, transposed factors, rank 0 and a vector each have a line with the module's name."""
    with pytest.raises(CheckpointError, match=rf"{MODULE}.*{message}"):
        read({f"{MODULE}.lora_A.weight": torch.ones(down), f"{MODULE}.lora_B.weight": torch.ones(up)}, tmp_path)


def test_factors_of_whole_numbers_are_refused(tmp_path: Path) -> None:
    """Quantised to int8 they mean nothing without their scales."""
    tensors = {f"{MODULE}.lora_A.weight": torch.ones(4, 24, dtype=torch.int8), f"{MODULE}.lora_B.weight": factors()[1]}
    with pytest.raises(CheckpointError, match=r"floating type, got torch\.int8"):
        read(tensors, tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_factors_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    """As files and as records, so before they are merged: the update is named."""
    a, b = factors()
    b[3, 1] = value
    with pytest.raises(CheckpointError, match=rf"lora\.safetensors: NaN or infinite.*{MODULE}\.up"):
        read({f"{MODULE}.lora_A.weight": a.half(), f"{MODULE}.lora_B.weight": b.half()}, tmp_path)
    with pytest.raises(CheckpointError, match=r"to_q\.bias"):
        LoRA({}, {f"{MODULE}.bias": torch.tensor([value])})
    with pytest.raises(CheckpointError, match="finite alpha"):
        LowRank(*factors(), value)


def test_whole_differences_are_read_and_written(tmp_path: Path) -> None:
    """`.diff`, `.diff_b`, norms and a bias of the second factor (scaled by alpha / rank) by parameter, and back."""
    a, b = factors()
    table, norm, bias = torch.randn(6, 24), torch.randn(24), torch.randn(32)
    tensors = {
        f"diffusion_model.{MODULE}.lora_A.weight": a,
        f"diffusion_model.{MODULE}.lora_B.weight": b,
        f"diffusion_model.{MODULE}.lora_B.bias": bias,
        f"diffusion_model.{MODULE}.alpha": torch.tensor(2.0),
        "lora_unet_transformer_blocks_0_attn1_norm_k.w_norm": norm,
        "diffusion_model.transformer_blocks.1.scale_shift_table.diff": table,
        "transformer.proj_in.diff_b": bias + 1,
    }
    save_file(tensors, tmp_path / "a.safetensors")
    with warnings.catch_warnings(action="error"):
        found = read_lora(tmp_path / "a.safetensors")
    expected = {
        f"{MODULE}.bias": 0.5 * bias,
        "transformer_blocks.0.attn1.k_norm.weight": norm,
        "transformer_blocks.1.scale_shift_table": table,
        "patchify_proj.bias": bias + 1,
    }
    assert found.differences.keys() == expected.keys()
    assert all(torch.equal(found.differences[name], tensor) for name, tensor in expected.items())
    again = read_lora(write_lora(found, tmp_path / "b.safetensors", "comfy"))
    assert all(torch.equal(again.differences[name], tensor) for name, tensor in expected.items())
    assert f"diffusion_model.{MODULE}.diff_b" in load_file(tmp_path / "b.safetensors")
    with pytest.raises(CheckpointError, match="cannot hold; write it as 'comfy'"):
        write_lora(found, tmp_path / "c", "diffusers")


@pytest.mark.parametrize("alpha", ["4", True, [4.0]])
def test_an_alpha_that_is_no_number_is_refused(alpha: object, tmp_path: Path) -> None:
    """As what it is, before the file is read."""
    with pytest.raises(CheckpointError, match="expected alpha= a number, got"):
        read_lora(tmp_path, alpha=alpha)  # type: ignore[arg-type]
