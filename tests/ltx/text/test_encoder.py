from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import T5Config, T5EncoderModel

from ltx.checkpoint import CheckpointError
from ltx.text.cache import CachedTextEncoder
from ltx.text.conditioning import TextConditioning
from ltx.text.encoder import TextEncoder
from ltx.text.small import small_text_encoder, train_tokenizer

SENTENCES = ("a red ball rolls left", "a blue ball falls down")


def encoder(max_tokens: int = 12, seed: int = 0) -> TextEncoder:
    return small_text_encoder(SENTENCES, width=32, layers=2, max_tokens=max_tokens, vocabulary=128, seed=seed)


def test_padding_does_not_change_kept_states() -> None:
    """T5 itself is given the mask: the states of a prompt are the same with and without padding."""
    padded, exact = encoder(12).encode(["a red ball"]), encoder(4).encode(["a red ball"])
    assert exact.mask.all()
    assert padded.mask.tolist() == [[True] * 4 + [False] * 8]
    torch.testing.assert_close(padded.embeddings[:, :4], exact.embeddings)


def test_outer_whitespace() -> None:
    """Whitespace around a prompt does not count."""
    one = encoder()
    assert torch.equal(one.encode(["  a red ball\n"]).embeddings, one.encode(["a red ball"]).embeddings)


def test_long_prompts_are_cut_with_a_word(tmp_path: Path) -> None:
    """A prompt longer than the limit keeps the limit's tokens, and what is lost is said, from a cache as well."""
    one, prompt = encoder(4), "a red ball rolls left"
    cached = CachedTextEncoder(one, tmp_path)
    for encodes in (one, cached, cached):
        with pytest.warns(UserWarning, match="6 tokens, .*, is cut to 4; not read: 'rolls left'") as said:
            assert encodes.encode([prompt]).embeddings.shape == (1, 4, 32)
        assert len(said) == 1


def test_prompts_that_fit_are_read_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    """The end mark counts as a token: at the limit nothing is lost and nothing is said."""
    assert encoder(4).encode(["a red ball"]).mask.all()
    assert not list(recwarn)


def test_round_trip(tmp_path: Path) -> None:
    """A saved encoder is read back with the same states and the same limit."""
    one = encoder()
    one.save_pretrained(tmp_path)
    read = TextEncoder.from_pretrained(tmp_path)
    assert read.max_tokens == 12
    before, after = one.encode(SENTENCES), read.encode(SENTENCES)
    assert torch.equal(before.embeddings, after.embeddings)
    assert torch.equal(before.mask, after.mask)


def test_cache_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt is encoded once for all encoders of equal weights, and its states are the encoder's own."""
    expected = encoder().encode(SENTENCES)
    CachedTextEncoder(encoder(), tmp_path).encode(SENTENCES)
    second = CachedTextEncoder(encoder(), tmp_path)

    def refuse(prompts: Sequence[str]) -> TextConditioning:
        raise AssertionError(f"encoded again: {prompts}")

    monkeypatch.setattr(second.encoder, "encode", refuse)
    found = second.encode(SENTENCES)
    torch.testing.assert_close(found.embeddings, expected.embeddings)
    assert torch.equal(found.mask, expected.mask)


def test_cache_of_another_model(tmp_path: Path) -> None:
    """Other weights or another length never find a file."""
    paths = {CachedTextEncoder(each, tmp_path).path("a") for each in (encoder(), encoder(seed=1), encoder(4))}
    assert len(paths) == 3


def test_whole_words() -> None:
    """The small tokenizer keeps the words it has seen and spells others."""
    tokenizer = train_tokenizer(SENTENCES, vocabulary=128)
    assert tokenizer.tokenize("a red ball") == ["▁a", "▁red", "▁ball"]
    spelled = tokenizer.tokenize("green")
    assert "".join(spelled) == "▁green"
    assert tokenizer.unk_token not in spelled


def test_refuses(tmp_path: Path) -> None:
    """A single string, no prompt, impossible sizes, masks and tokenizers, and an empty folder are refused."""
    one = encoder()
    for prompts in ("a red ball", []):
        with pytest.raises(ValueError, match="list of at least one prompt"):
            one.encode(prompts)
        with pytest.raises(ValueError, match="list of at least one prompt"):
            CachedTextEncoder(one, tmp_path).encode(prompts)
    with pytest.raises(ValueError, match="at least 1 token"):
        encoder(0)
    with pytest.raises(ValueError, match=r"tokenizer of at most 8 tokens, .* got \d+"):
        TextEncoder(T5EncoderModel(T5Config(vocab_size=8, d_model=16, num_layers=1)), one.tokenizer, max_tokens=4)
    for mask in (torch.ones(1, 2), torch.ones(1, 3, dtype=torch.bool)):
        with pytest.raises(ValueError, match=r"expected a boolean mask \(1, 2\)"):
            TextConditioning(torch.zeros(1, 2, 4), mask)
    with pytest.raises(ValueError, match="multiple of 16"):
        small_text_encoder(SENTENCES, width=20, layers=1, max_tokens=4, vocabulary=128, seed=0)
    with pytest.raises(ValueError, match="room for 128"):
        train_tokenizer(SENTENCES, vocabulary=64)
    with pytest.raises(CheckpointError):
        TextEncoder.from_pretrained(tmp_path)


def damaged(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    """A saved encoder whose tensors were changed."""
    encoder().save_pretrained(folder)
    file = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    return folder


def test_wrong_weights_are_named(tmp_path: Path) -> None:
    """A missing, an extra and a misshapen tensor are each refused by name."""
    final = "encoder.final_layer_norm.weight"
    changes: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
        final: lambda tensors: tensors.pop(final),
        "surprise": lambda tensors: tensors.update(surprise=torch.zeros(1)),
        "final_layer_norm": lambda tensors: tensors.update({final: torch.zeros(3)}),
    }
    for number, (name, change) in enumerate(changes.items()):
        with pytest.raises(CheckpointError, match=name):
            TextEncoder.from_pretrained(damaged(tmp_path / str(number), change))


def test_what_is_not_finite_is_refused(tmp_path: Path) -> None:
    """NaN in the weights is named when they are read; states beyond the type, as T5's are in float16, when encoding."""
    final = "encoder.final_layer_norm.weight"
    with pytest.raises(CheckpointError, match=rf"NaN or infinite.*{final}"):
        TextEncoder.from_pretrained(damaged(tmp_path, lambda tensors: tensors[final].fill_(torch.nan)))
    overflowing = encoder()
    with torch.no_grad():
        overflowing.model.encoder.final_layer_norm.weight.fill_(torch.finfo(torch.float32).max)
    with pytest.raises(ValueError, match=r"states of the text encoder, which computes in torch\.float32"):
        overflowing.encode(SENTENCES)


def test_damaged_files_are_one_error(tmp_path: Path) -> None:
    """Truncated weights, pickled ones, and a tokenizer that is no JSON are CheckpointErrors."""
    encoder().save_pretrained(tmp_path)
    weights, words = tmp_path / "text_encoder" / "model.safetensors", tmp_path / "tokenizer" / "tokenizer.json"
    whole, text = weights.read_bytes(), words.read_text()
    weights.write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match="not a complete safetensors file"):
        TextEncoder.from_pretrained(tmp_path)
    weights.unlink()
    torch.save({}, tmp_path / "text_encoder" / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="is a pickle"):
        TextEncoder.from_pretrained(tmp_path)
    weights.write_bytes(whole)
    words.write_text(text[:100])
    with pytest.raises(CheckpointError, match="cannot read a T5 tokenizer"):
        TextEncoder.from_pretrained(tmp_path)
