"""Small tokenizers and encoders at their edges, and rows of context."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ltx.text import TextConditioning, TextEncoder, small_text_encoder, train_tokenizer
from ltx.text.cache import CachedTextEncoder

WORDS = [f"word{number}" for number in range(100)]


def made(**options: Any) -> TextEncoder:
    return small_text_encoder(
        WORDS, **{"width": 32, "layers": 2, "max_tokens": 4, "vocabulary": 130, "seed": 0, **options}
    )


@pytest.mark.parametrize("vocabulary", [128, 140])
def test_a_vocabulary_is_filled(vocabulary: int) -> None:
    """With three marks, every character and the most frequent words, to the last piece."""
    assert len(train_tokenizer([" ".join(WORDS)], vocabulary=vocabulary)) == vocabulary


@pytest.mark.parametrize(("sentences", "vocabulary"), [([], 128), (["a"], 127)])
def test_nothing_to_learn_from_is_refused(sentences: list[str], vocabulary: int) -> None:
    """Neither sentences nor room."""
    with pytest.raises(ValueError, match=f"got {len(sentences)} and {vocabulary}"):
        train_tokenizer(sentences, vocabulary=vocabulary)


@pytest.mark.parametrize("width", [0, 8, 24])
def test_widths_are_multiples_of_sixteen(width: int) -> None:
    """From 16 on: so many channels a head, twice as many inside."""
    with pytest.raises(ValueError, match=f"multiple of 16, got {width}"):
        made(width=width)
    config = made(width=48).model.config
    assert (config.num_heads, config.d_kv, config.d_ff) == (3, 16, 96)


def test_a_tokenizer_fits_the_embedding() -> None:
    """As many pieces as it has rows are the most."""
    one = made()
    with pytest.raises(ValueError, match=r"a tokenizer of at most 130 tokens, .*got 131"):
        TextEncoder(one.model, train_tokenizer(WORDS, vocabulary=131), max_tokens=4)
    TextEncoder(one.model, one.tokenizer, max_tokens=1)


@pytest.mark.parametrize("count", [30, 8])
def test_long_rests_are_shortened(count: int) -> None:
    """What is lost is shown up to 80 characters: of words with 5 and a space, thirteen and a half."""
    one = made()
    prompt = " ".join(WORDS[:count])
    with pytest.warns(UserWarning, match=f"{count + 1} tokens, .*, is cut to 4") as said:
        one.warn_of_cuts([prompt])
    lost = " ".join(WORDS[3:count])
    shown = lost if len(lost) <= 80 else f"{lost[:80]}…"
    assert f"not read: {shown!r}" in str(said[0].message)


def test_sizes_of_a_bare_file_come_from_its_shapes(tmp_path: Path) -> None:
    """Width, heads and what is inside of them; gated or not."""
    made().save_pretrained(tmp_path / "t5")
    tensors = load_file(tmp_path / "t5" / "text_encoder" / "model.safetensors")
    save_file(tensors, tmp_path / "bare.safetensors")
    config = TextEncoder.from_pretrained(tmp_path / "bare.safetensors", tokenizer=tmp_path / "t5").model.config
    assert (config.d_model, config.num_heads, config.d_kv, config.d_ff, config.num_layers) == (32, 2, 16, 64, 2)
    assert config.vocab_size == 130 and config.is_gated_act
    # One embedding under either name, or under both.
    for name in ("shared.weight", "encoder.embed_tokens.weight"):
        rest = {key: value for key, value in tensors.items() if "embed" not in key and "shared" not in key}
        save_file({**rest, name: tensors["shared.weight"]}, tmp_path / "one.safetensors")
        TextEncoder.from_pretrained(tmp_path / "one.safetensors", tokenizer=tmp_path / "t5")
    both = {"shared.weight": tensors["shared.weight"], "encoder.embed_tokens.weight": tensors["shared.weight"].clone()}
    save_file({**tensors, **both}, tmp_path / "both.safetensors")
    TextEncoder.from_pretrained(tmp_path / "both.safetensors", tokenizer=tmp_path / "t5")


def test_a_cache_encodes_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each prompt once, however often it is asked for; the same words with other whitespace are the same."""
    cached = CachedTextEncoder(made(), tmp_path)
    asked: list[list[str]] = []
    encode = cached.encoder.encode
    monkeypatch.setattr(cached.encoder, "encode", lambda prompts: asked.append(list(prompts)) or encode(prompts))
    cached.encode(["word1", "word1"])
    found = cached.encode(["word1", "word2", " word1 "])
    assert asked == [["word1"], ["word2"]]
    assert torch.equal(found.embeddings[0], found.embeddings[2])


@pytest.mark.parametrize(
    "mask", [torch.ones(1, 2), torch.ones(1, 3, dtype=torch.bool), torch.ones(2, 2, dtype=torch.bool)]
)
def test_masks_belong_to_their_tokens(mask: torch.Tensor) -> None:
    """Boolean, and of one for each."""
    with pytest.raises(ValueError, match=r"expected a boolean mask \(1, 2\)"):
        TextConditioning(torch.zeros(1, 2, 4), mask)


def test_shorter_rows_are_filled() -> None:
    """On the right, with zeros that are masked; and rows are repeated in a row."""
    one = TextConditioning(torch.ones(1, 1, 2), torch.ones(1, 1, dtype=torch.bool))
    two = TextConditioning(torch.full((1, 3, 2), 2.0), torch.ones(1, 3, dtype=torch.bool))
    stacked = TextConditioning.stack([one, two])
    assert stacked.embeddings[:, :, 0].tolist() == [[1, 0, 0], [2, 2, 2]]
    assert stacked.mask.tolist() == [[True, False, False], [True, True, True]]
    assert stacked.repeat(2).embeddings[:, 0, 0].tolist() == [1, 1, 2, 2]
    assert len(TextConditioning.empty(3, 4)) == 3
