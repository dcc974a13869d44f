"""Folders of Qwen2.5-VL: every spelling in use gives the same model; everything else is refused in words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration

from foresight.vlm.encoder import QwenEncoder

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
TEMPLATE_FILES = ("chat_template.json", "processor_config.json", "tokenizer_config.json")


def same(one: QwenEncoder, two: QwenEncoder) -> bool:
    """Whether all weights and all buffers are equal, bit by bit, and of one type."""
    ours, theirs = one.model.state_dict(), two.model.state_dict()
    ours |= dict(one.model.named_buffers())
    theirs |= dict(two.model.named_buffers())
    return ours.keys() == theirs.keys() and all(
        ours[name].dtype == theirs[name].dtype and torch.equal(ours[name], theirs[name]) for name in ours
    )


def renamed(key: str) -> str:
    """The name that today's transformers gives a tensor in memory."""
    if key.startswith("visual."):
        return f"model.{key}"
    return key.replace("model.", "model.language_model.", 1) if key.startswith("model.") else key


@pytest.mark.parametrize("dtype", [None, torch.float32, "bfloat16"])
def test_the_model_is_the_one_that_transformers_reads(saved: Path, dtype: Any, clip: Tensor) -> None:
    """Weights, frequencies, types and answers' settings equal transformers' own reading; nothing is left on meta."""
    ours = QwenEncoder.from_pretrained(saved, dtype=dtype)
    kind = getattr(torch, dtype) if isinstance(dtype, str) else dtype or torch.bfloat16
    theirs = Qwen2_5_VLForConditionalGeneration.from_pretrained(saved, dtype=kind).eval()
    theirs = QwenEncoder(model=theirs, tokenizer=ours.tokenizer, preprocessing=ours.preprocessing, layers="last")
    assert same(ours, theirs) and not ours.model.training
    assert ours.model.generation_config == theirs.model.generation_config
    assert ours.model.lm_head.weight is ours.model.model.language_model.embed_tokens.weight
    seen = [e.encode(clip[None, :, :9], ["the ball is pushed"], frame_rate=8.0).tokens for e in (ours, theirs)]
    assert torch.equal(*seen)


def test_released_and_todays_names_and_shards_give_the_same_model(folder: Any, saved: Path) -> None:
    """Names, shards, frequencies that old programs wrote, a head beside the embedding it is tied to."""
    plain = QwenEncoder.from_pretrained(saved)
    tensors = folder.tensors
    assert any(key.startswith("visual.") for key in tensors)
    folder.write({renamed(key): tensor for key, tensor in tensors.items()})
    assert same(QwenEncoder.from_pretrained(folder.path), plain)
    for wrapper in ("module.", "_orig_mod."):
        folder.write({wrapper + key: tensor for key, tensor in tensors.items()})
        assert same(QwenEncoder.from_pretrained(folder.path), plain)
    folder.write({**tensors, "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)})
    assert same(QwenEncoder.from_pretrained(folder.path), plain)
    folder.write({**tensors, HEAD: tensors[EMBEDDING].clone()})
    assert same(QwenEncoder.from_pretrained(folder.path), plain)
    folder.without("model.safetensors")
    table = {}
    for index in range(2):
        name = f"model-{index + 1:05d}-of-00002.safetensors"
        part = {key: tensor for number, (key, tensor) in enumerate(tensors.items()) if number % 2 == index}
        save_file(part, folder.path / name, metadata={"format": "pt"})
        table.update(dict.fromkeys(part, name))
    (folder.path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": table}))
    assert same(QwenEncoder.from_pretrained(folder.path), plain)
    whole = (folder.path / "model-00002-of-00002.safetensors").read_bytes()
    (folder.path / "model-00002-of-00002.safetensors").write_bytes(whole[:-50])
    with pytest.raises(ValueError, match="00002-of-00002"):
        QwenEncoder.from_pretrained(folder.path)
    folder.without("model-00002-of-00002.safetensors")
    with pytest.raises(ValueError, match="00002-of-00002"):
        QwenEncoder.from_pretrained(folder.path)


def test_an_untied_head_is_read_as_its_own(folder: Any) -> None:
    """Where the configuration says so the head is a tensor of the file, and has to be there."""
    tensors = folder.tensors
    folder.json("config.json", tie_word_embeddings=False)
    with pytest.raises(ValueError, match=r"missing lm_head\.weight"):
        QwenEncoder.from_pretrained(folder.path)
    folder.write({**tensors, HEAD: tensors[EMBEDDING] + 1})
    model = QwenEncoder.from_pretrained(folder.path).model
    assert torch.equal(model.lm_head.weight, tensors[EMBEDDING] + 1)
    assert torch.equal(model.model.language_model.embed_tokens.weight, tensors[EMBEDDING])


BLOCK = "model.layers.0.mlp.gate_proj.weight"


def _with(key: str, value: Callable[[Tensor], Tensor]) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: {**tensors, key: value(tensors.get(key, tensors[BLOCK]).clone())}


def _nan(tensor: Tensor) -> Tensor:
    broken = tensor.clone()
    broken.view(-1)[-1] = float("nan")
    return broken


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: {k: v for k, v in t.items() if not k.startswith("visual.")}, "lacks the vision tower"),
        (lambda t: {k: v for k, v in t.items() if k.startswith("visual.")}, "lacks the language model"),
        (lambda t: {k: v for k, v in t.items() if k != BLOCK}, "missing .*layers.0.mlp.gate_proj"),
        (_with("model.layers.9.extra.weight", lambda t: t), "left over model.layers.9.extra"),
        (_with("score.weight", lambda t: t), "score.weight"),
        (_with(BLOCK, lambda t: t[:-1].contiguous()), "another shape .*gate_proj"),
        (_with(BLOCK, _nan), "NaN .*gate_proj"),
        (_with(HEAD, lambda t: t + 1), "tie_word_embeddings|another shape"),
        (_with(renamed(BLOCK), lambda t: t), "two names: .*gate_proj"),
        (lambda t: {f"base_model.model.{k}": v for k, v in t.items()}, "PEFT.*merge"),
        (lambda t: {f"language_{k}" if k[0] == "m" else k: v for k, v in t.items()}, "save_pretrained"),
        (_with("model.layers.0.mlp.up_proj.qweight", lambda t: t.int()), "AWQ or GPTQ.*Qwen/Qwen2.5-VL-3B-Instruct"),
        (_with(BLOCK, lambda t: t.to(torch.float8_e4m3fn)), "F8_E4M3"),
        (_with(BLOCK, lambda t: t.to(torch.int8)), "I8"),
        (_with(f"{BLOCK}.absmax", lambda t: t), "bitsandbytes"),
    ],
)
def test_weights_that_are_not_exactly_the_models_are_refused(folder: Any, change: Any, told: str) -> None:
    """Missing, left over, twice, misshapen, not finite, under other programs' names, or quantised."""
    folder.write(change(folder.tensors))
    with pytest.raises(ValueError, match=told):
        QwenEncoder.from_pretrained(folder.path)


def test_a_head_that_was_trained_apart_is_not_dropped(folder: Any) -> None:
    """A configuration that ties the head to the embedding, and a file in which they differ, are not of one mind."""
    folder.write({**folder.tensors, HEAD: folder.tensors[EMBEDDING] + 1})
    with pytest.raises(ValueError, match="tie_word_embeddings"):
        QwenEncoder.from_pretrained(folder.path)


def test_values_that_the_wanted_type_cannot_hold_are_refused(folder: Any) -> None:
    """1e38 is a bfloat16 and no float16."""
    tensors = folder.tensors
    tensors[BLOCK][0, 0] = 1e38
    folder.write(tensors)
    QwenEncoder.from_pretrained(folder.path)
    with pytest.raises(ValueError, match=r"infinite.*float16.*gate_proj"):
        QwenEncoder.from_pretrained(folder.path, dtype="float16")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"model_type": "qwen2_vl"}, "got a Qwen2-VL;.*Qwen2.5-VL"),
        ({"model_type": "qwen3_vl"}, "got a Qwen3-VL;"),
        ({"model_type": "qwen2"}, "reads text only"),
        ({"model_type": "qwen2_5_omni"}, "Qwen2.5-Omni"),
        ({"model_type": "llava"}, "'llava'"),
        ({"model_type": None}, "None"),
        ({"vision_config": None}, "vision_config"),
        ({"vision_config": {"depth": "many"}}, "config.json"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "AWQ.*unquantised"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "GPTQ"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "bitsandbytes"),
        ({"quantization_config": {"quant_method": "compressed-tensors"}}, "compressed-tensors"),
        ({"quantization_config": {"quant_method": "fp8"}}, "FP8"),
        ({"quantization_config": {"quant_method": "new"}}, "new"),
    ],
)
def test_relatives_are_named_as_what_they_are(folder: Any, fields: dict[str, Any], told: str) -> None:
    """Another family, a half of a model or a quantised one is told before any weight is read."""
    folder.json("config.json", **fields)
    folder.without("model.safetensors")
    with pytest.raises(ValueError, match=told):
        QwenEncoder.from_pretrained(folder.path)


def test_pickles_loras_and_other_files_are_named(folder: Any, tmp_path: Path) -> None:
    """A pickle is not opened; a LoRA, GGUF, a file and the folder of a world model are told apart."""
    torch.save(folder.tensors, folder.path / "pytorch_model.bin")
    QwenEncoder.from_pretrained(folder.path)
    folder.without("model.safetensors")
    with pytest.raises(ValueError, match=r"pytorch_model\.bin is a pickle"):
        QwenEncoder.from_pretrained(folder.path)
    folder.json("adapter_config.json", peft_type="LORA", base_model_name_or_path="Qwen/Qwen2.5-VL-7B-Instruct")
    with pytest.raises(ValueError, match=r"a LoRA \(PEFT\) of Qwen/Qwen2\.5-VL-7B-Instruct.*merge"):
        QwenEncoder.from_pretrained(folder.path)
    (tmp_path / "gguf").mkdir()
    (tmp_path / "gguf/q4.gguf").write_bytes(b"GGUF")
    for where, told in (("gguf", "GGUF files"), ("gguf/q4.gguf", "a GGUF file"), (".", r"name .*vlm"), ("no", "check")):
        with pytest.raises(ValueError, match=told):
            QwenEncoder.from_pretrained(tmp_path / where)


@pytest.mark.parametrize("name", TEMPLATE_FILES)
def test_the_chat_template_is_found_wherever_it_is_kept(folder: Any, saved: Path, name: str, clip: Tensor) -> None:
    """Beside the tokenizer, in its file, or in either of the processor's."""
    template = (folder.path / "chat_template.jinja").read_text()
    folder.without("chat_template.jinja")
    with pytest.raises(ValueError, match="a chat template"):
        QwenEncoder.from_pretrained(folder.path)
    folder.json(name, chat_template=template)
    found, plain = QwenEncoder.from_pretrained(folder.path), QwenEncoder.from_pretrained(saved)
    states = [e.encode(clip[None, :, :9], ["the ball is pushed"], frame_rate=8.0).tokens for e in (found, plain)]
    assert torch.equal(*states)


def _damaged_vocabulary(text: str) -> str:
    return text.replace('"Ġ', '"Q', 3)


def test_a_tokenizer_that_loses_letters_is_damaged(folder: Any) -> None:
    """A vocabulary without one of its bytes reads on without a word, and would drop that byte from every text."""
    file = folder.path / "tokenizer.json"
    values = json.loads(file.read_text())
    byte = "ç"
    assert not any(byte in str(merge) for merge in values["model"]["merges"])
    values["model"]["vocab"] = {"QQ" if word == byte else word: n for word, n in values["model"]["vocab"].items()}
    file.write_text(json.dumps(values))
    with pytest.raises(ValueError, match="damaged: it reads"):
        QwenEncoder.from_pretrained(folder.path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: f.without("tokenizer.json"), r"tokenizer\.json, or vocab\.json"),
        (lambda f: (f.path / "tokenizer.json").write_text("{"), "tokenizer"),
        (
            lambda f: (f.path / "tokenizer.json").write_text(
                _damaged_vocabulary((f.path / "tokenizer.json").read_text())
            ),
            "tokenizer",
        ),
        (lambda f: f.json("config.json", video_token_id=3), r"<\|video_pad\|> is \d+, not 3"),
        (lambda f: f.without("preprocessor_config.json", "video_preprocessor_config.json"), "preprocessor_config"),
        (lambda f: (f.path / "preprocessor_config.json").write_text("[]"), "preprocessor_config"),
        (lambda f: f.json("video_preprocessor_config.json", patch_size=16), "patch_size 16, where the model has 14"),
        (lambda f: f.json("preprocessor_config.json", temporal_patch_size=1), "temporal_patch_size 1"),
        (lambda f: f.json("preprocessor_config.json", merge_size="two"), "merge_size two"),
        (lambda f: f.json("preprocessor_config.json", do_normalize=False), "do_normalize False"),
        (lambda f: f.json("preprocessor_config.json", rescale_factor=1.0), "rescale_factor"),
        (lambda f: f.json("video_preprocessor_config.json", image_mean=[0.1, 0.5, 0.5]), "image_mean"),
        (lambda f: f.json("video_preprocessor_config.json", fps=-1), "frames_per_second"),
        (lambda f: f.json("video_preprocessor_config.json", size={"height": 56, "width": 56}), "shortest_edge"),
        (lambda f: f.json("preprocessor_config.json", min_pixels="few"), "few"),
        (lambda f: f.json("preprocessor_config.json", min_pixels=100, max_pixels=50), "smallest and a largest"),
    ],
)
def test_files_beside_the_weights_are_there_and_belong_to_the_model(folder: Any, change: Any, told: str) -> None:
    """A missing, damaged or foreign tokenizer or processor file is told before any weight is read."""
    change(folder)
    folder.without("model.safetensors")
    with pytest.raises(ValueError, match=told):
        QwenEncoder.from_pretrained(folder.path)


def test_sizes_of_pictures_are_those_of_the_folder(folder: Any) -> None:
    """Areas under the released names and today's, colours and rates are read and used."""
    colours = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
    folder.json("preprocessor_config.json", size=None, min_pixels=784, max_pixels=1568, **colours)
    folder.json("video_preprocessor_config.json", size={"shortest_edge": 3136, "longest_edge": 6272}, fps=3, **colours)
    preprocessing = QwenEncoder.from_pretrained(folder.path).preprocessing
    assert (preprocessing.image_pixels, preprocessing.video_pixels) == ((784, 1568), (3136, 6272))
    assert (preprocessing.frames_per_second, preprocessing.mean, preprocessing.std) == (
        3.0,
        (0.1, 0.2, 0.3),
        (0.4, 0.5, 0.6),
    )
    folder.without("video_preprocessor_config.json")
    assert QwenEncoder.from_pretrained(folder.path).preprocessing.video_pixels == (784, 1568)


def test_a_hub_id_is_read_from_the_cache_at_its_commit(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also under `@commit`; a branch warns of the commit that was found; nothing but the cache is asked."""
    commit = "c" * 40
    repository = tmp_path / "models--someone--vlm"
    shutil.copytree(saved, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    plain = QwenEncoder.from_pretrained(saved)
    with pytest.warns(UserWarning, match=commit):
        assert same(QwenEncoder.from_pretrained("someone/vlm"), plain)
    assert same(QwenEncoder.from_pretrained(f"someone/vlm@{commit}"), plain)
    with pytest.raises(ValueError, match="check the name and the connection"):
        QwenEncoder.from_pretrained("someone/else")


def test_reading_and_saving_print_nothing(saved: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A host program sees no bars; what is saved is read again, bit by bit."""
    encoder = QwenEncoder.from_pretrained(saved)
    encoder.save_pretrained(tmp_path / "again")
    again = QwenEncoder.from_pretrained(tmp_path / "again")
    assert capfd.readouterr() == ("", "")
    assert same(encoder, again) and again.preprocessing == encoder.preprocessing


@pytest.mark.parametrize("dtype", ["int8", "float64", "fast", torch.int32, 3])
def test_a_type_that_is_none_for_weights_is_refused(saved: Path, dtype: Any) -> None:
    """Only the three types that a Qwen2.5-VL computes in."""
    with pytest.raises(ValueError, match="float32, bfloat16 or float16"):
        QwenEncoder.from_pretrained(saved, dtype=dtype)
