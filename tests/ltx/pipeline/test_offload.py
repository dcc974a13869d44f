"""Offloading and storage of a pipeline: what is made is the same, and what is at work at a time is what was asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ltx.lora import attach, merge
from ltx.lora.record import LoRA, LowRank
from ltx.offload.room import lodging_of
from ltx.offload.shelf import Shelf
from ltx.pipeline import LTXPipeline
from ltx.text import TextConditioning, small_text_encoder
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE

WORDS = ["a ball rolls", "a cube falls"]
BLOCKS = 4


@pytest.fixture(scope="module")
def halved(checkpoint: Callable[[str, int], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with a text encoder whose weights are stored in bfloat16."""
    source, folder = checkpoint("0.9.5", BLOCKS), tmp_path_factory.mktemp("halved")
    pipeline = LTXPipeline.from_pretrained(source, preset="plain", dtype="bfloat16", device="cpu")
    pipeline.text_encoder = small_text_encoder(WORDS, width=16, layers=2, max_tokens=8, vocabulary=160, seed=0)
    pipeline.text_encoder.model.bfloat16()
    pipeline.save_pretrained(folder)
    return folder


def read(folder: Path, offload: str, storage: str = "stored", dtype: str | None = "float32") -> LTXPipeline:
    """The pipeline on the CPU."""
    return LTXPipeline.from_pretrained(
        folder, preset="plain", dtype=dtype, device="cpu", offload=offload, storage=storage
    )


def video(pipeline: LTXPipeline, prompt: str | TextConditioning = WORDS[0], steps: int = 2) -> Tensor:
    """A small video."""
    made = pipeline(prompt, frames=9, height=64, width=64, steps=steps, guidance=2.0, seed=1).video
    assert made is not None
    return made


def some_lora() -> LoRA:
    """Updates of one layer in two blocks."""
    generator = torch.Generator().manual_seed(3)

    def one() -> LowRank:
        return LowRank(torch.randn(2, 24, generator=generator), torch.randn(24, 2, generator=generator), 2.0)

    return LoRA({f"transformer_blocks.{index}.attn1.to_q": one() for index in (0, 2)})


@pytest.mark.parametrize("offload", ["parts", "blocks"])
@pytest.mark.parametrize("dtype", [None, "float32"])
def test_offloading_changes_no_bit(halved: Path, offload: str, dtype: str | None) -> None:
    """Parts and blocks that rest as they are stored make the video that models make which stay, in any type."""
    assert torch.equal(video(read(halved, offload, dtype=dtype)), video(read(halved, "none", dtype=dtype)))


def test_weights_rest_as_they_are_stored(halved: Path) -> None:
    """Before and after a call bfloat16, though all is computed in float32; nothing of it is kept at work."""
    pipeline = read(halved, "blocks")
    before = {name: tensor.clone() for name, tensor in pipeline.transformer.state_dict().items()}
    assert video(pipeline).dtype is torch.float32
    lodging = lodging_of(pipeline.vae)
    assert lodging is not None
    lodging.room.clear()
    for model in (pipeline.transformer, pipeline.vae):
        assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.bfloat16}
    for name, tensor in pipeline.transformer.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_one_part_is_at_work_at_a_time(halved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text encoder rests while the transformer works, and both do while the VAE decodes."""
    pipeline = read(halved, "parts")
    assert pipeline.text_encoder is not None
    parts = {"text": pipeline.text_encoder.model, "transformer": pipeline.transformer, "vae": pipeline.vae}
    shelves = {name: found.shelf for name, part in parts.items() if (found := lodging_of(part)) is not None}
    seen: list[tuple[str, ...]] = []

    def look(*_: object) -> None:
        seen.append(tuple(name for name, shelf in shelves.items() if shelf.at_work))

    parts["text"].register_forward_hook(look)
    parts["transformer"].proj_out.register_forward_hook(look)
    parts["vae"].decoder.register_forward_hook(look)
    video(pipeline)
    assert sorted(set(seen)) == [("text",), ("transformer",), ("vae",)]


def test_two_blocks_are_at_work_at_most(halved: Path) -> None:
    """While a block computes, it and the next are there, also where a LoRA has put other layers into them; afterwards
    none is.
    """
    pipeline = read(halved, "blocks")
    attach(pipeline.transformer, some_lora())
    blocks = [*pipeline.transformer.transformer_blocks]

    def at_work() -> int:
        weights = [(block.attn1.to_q.weight, block.ff.net[2].weight) for block in blocks]
        return sum(any(weight.dtype is torch.float32 for weight in each) for each in weights)

    counts: list[int] = []
    for block in blocks:
        block.register_forward_hook(lambda *_: counts.append(at_work()))
    video(pipeline)
    # The thread that brings the next one may be a little late.
    assert len(counts) == 2 * BLOCKS and set(counts) <= {1, 2}
    assert at_work() == 0


def test_the_next_block_is_sent_for_before_this_one_computes(halved: Path) -> None:
    """Each index is yielded when its block is there and the next one is on its way; the last sends for none."""
    stream = read(halved, "blocks").transformer.stream
    assert stream is not None
    with torch.no_grad():
        for index in stream.visit(range(BLOCKS)):
            assert stream.shelves[index].at_work
            assert set(stream._coming) == ({index + 1} if index + 1 < BLOCKS else set())
    with torch.no_grad(), pytest.raises(RuntimeError, match="stopped"):
        for _ in stream.visit(range(BLOCKS)):
            raise RuntimeError("stopped")
    del _
    assert not any(shelf.at_work for shelf in stream.shelves)


def test_gradients_are_refused_where_blocks_come_and_go(halved: Path) -> None:
    """A backward pass would meet other weights than the forward pass had."""
    stream = read(halved, "blocks").transformer.stream
    assert stream is not None
    with torch.enable_grad(), pytest.raises(ValueError, match="no_grad"):
        next(iter(stream.visit(range(BLOCKS))))


@pytest.mark.parametrize("offload", ["parts", "blocks"])
@pytest.mark.parametrize("put", [attach, merge])
def test_a_lora_is_heard_by_what_rests(
    halved: Path, offload: str, put: Callable[[VideoTransformer, LoRA], object]
) -> None:
    """Attached or merged between two calls, also while the transformer is still at work from the first."""
    dtype = None if put is merge else "float32"
    resting, staying = read(halved, offload, dtype=dtype), read(halved, "none", dtype=dtype)
    plain = resting(WORDS[0], frames=9, height=64, width=64, steps=2, output="latents", guidance=2.0, seed=1).latents
    for pipeline in (resting, staying):
        put(pipeline.transformer, some_lora())
    with_lora = video(resting)
    assert torch.equal(with_lora, video(staying))
    again = resting(WORDS[0], frames=9, height=64, width=64, steps=2, output="latents", guidance=2.0, seed=1).latents
    assert (again - plain).abs().max() > 0.01


def test_merging_changes_what_rests_and_not_the_copy_at_work(halved: Path) -> None:
    """Also right after a call, when the transformer is still at work in another type than it rests in; undone, all is
    as it was.
    """
    pipeline = read(halved, "parts")
    name = "transformer_blocks.0.attn1.to_q.weight"
    before = pipeline.transformer.state_dict()[name].clone()
    pipeline(WORDS[0], frames=9, height=64, width=64, steps=1, output="latents", guidance=1.0)
    assert pipeline.transformer.state_dict()[name].dtype is torch.float32  # still at work
    merged = merge(pipeline.transformer, some_lora())
    after = pipeline.transformer.state_dict()[name]
    assert after.dtype is torch.bfloat16 and not torch.equal(after, before)
    video(pipeline)
    pipeline(WORDS[0], frames=9, height=64, width=64, steps=1, output="latents", guidance=1.0)
    merged.undo()
    assert torch.equal(pipeline.transformer.state_dict()[name], before)


@pytest.mark.parametrize("offload", ["none", "parts", "blocks"])
def test_float8_comes_near_bfloat16(halved: Path, offload: str) -> None:
    """Velocity of one step within 5 % of the stored weights', the same whatever is offloaded; linear layers of blocks
    alone are stored in float8.
    """
    stored, eight = read(halved, "none"), read(halved, offload, "float8")
    kinds = {name: tensor.dtype for name, tensor in eight.transformer.state_dict().items()}
    packed = {name for name, dtype in kinds.items() if dtype is torch.float8_e4m3fn}
    linear = {name for name, module in stored.transformer.named_modules() if isinstance(module, torch.nn.Linear)}
    assert packed == {f"{name}.weight" for name in linear if "transformer_blocks" in name}
    options = {"frames": 9, "height": 64, "width": 64, "steps": 1, "guidance": 1.0, "seed": 1, "output": "latents"}
    found, expected = (pipeline(WORDS[0], **options).latents for pipeline in (eight, stored))
    noise = stored(WORDS[0], **options | {"steps": 1}).latents
    assert 0 < (found - expected).norm() < 0.05 * noise.norm()
    assert torch.equal(found, read(halved, "none", "float8")(WORDS[0], **options).latents)


@pytest.mark.parametrize("offload", ["none", "parts", "blocks"])
def test_a_lora_is_heard_on_float8(halved: Path, offload: str) -> None:
    """Attached, its factors keep the type of the arithmetic; merging would round it away and is refused."""
    pipeline = read(halved, offload, "float8")
    before = video(pipeline)
    with pytest.raises(ValueError, match=r"eight bits .* attach"):
        merge(pipeline.transformer, some_lora())
    attach(pipeline.transformer, some_lora())
    layer = pipeline.transformer.transformer_blocks[0].attn1.to_q
    assert next(layer.owned.parameters()).dtype is torch.float32
    assert (video(pipeline) - before).abs().max() > 1e-3


def test_what_rests_in_float8_is_not_saved(halved: Path, tmp_path: Path) -> None:
    """Its values without their scales would be another model."""
    with pytest.raises(ValueError, match="storage=stored"):
        read(halved, "none", "float8").transformer.save_pretrained(tmp_path / "transformer")


@pytest.mark.parametrize("offload", ["parts", "blocks"])
def test_an_offloaded_pipeline_is_saved_as_it_is_stored(halved: Path, offload: str, tmp_path: Path) -> None:
    """Every file of weights equals the one that was read, also right after a call."""
    pipeline = read(halved, offload)
    video(pipeline)
    pipeline.save_pretrained(tmp_path)
    for part in ("transformer", "vae", "text_encoder"):
        (old,), (new,) = ([*(folder / part).glob("*.safetensors")] for folder in (halved, tmp_path))
        assert old.read_bytes() == new.read_bytes(), part


def test_a_prompt_is_encoded_once(halved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls with the same words run no text encoder; another encoder starts anew."""
    pipeline = read(halved, "parts")
    assert pipeline.text_encoder is not None
    calls: list[int] = []
    pipeline.text_encoder.model.register_forward_hook(lambda *_: calls.append(1))
    first = video(pipeline)
    assert len(calls) == 2  # the prompt and the negative one
    assert torch.equal(video(pipeline), first) and len(calls) == 2
    video(pipeline, WORDS[1])
    assert len(calls) == 3
    other = small_text_encoder(WORDS, width=16, layers=1, max_tokens=8, vocabulary=160, seed=1)
    pipeline.text_encoder = other
    assert not torch.equal(video(pipeline), first)


def test_an_offloaded_pipeline_is_not_moved(halved: Path) -> None:
    """What a move would leave behind is said instead."""
    with pytest.raises(ValueError, match="offload=parts"):
        read(halved, "parts").to("cpu")


def test_a_shelf_brings_each_tensor_once_and_leaves_what_is_not_saved_in_its_type() -> None:
    """Parameters and saved buffers take the type of the work, other buffers keep theirs; shared weights stay shared."""
    module = torch.nn.Module()
    module.first = torch.nn.Linear(3, 3).bfloat16()
    module.second = torch.nn.Linear(3, 3).bfloat16()
    module.second.weight = module.first.weight
    module.register_buffer("kept", torch.ones(2, dtype=torch.bfloat16))
    module.register_buffer("made", torch.ones(2, dtype=torch.float64), persistent=False)
    shelf = Shelf(module, torch.device("cpu"), torch.float32)
    shelf.bring()
    assert module.first.weight is module.second.weight and module.first.weight.dtype is torch.float32
    assert (module.kept.dtype, module.made.dtype) == (torch.float32, torch.float64)
    shelf.leave()
    assert (module.first.bias.dtype, module.kept.dtype) == (torch.bfloat16, torch.bfloat16)


def test_the_vae_is_found_at_work_however_it_is_used(halved: Path) -> None:
    """Encoding and decoding outside a pipeline's call equal those of a VAE that stays."""
    resting, staying = read(halved, "parts").vae, read(halved, "none").vae
    assert isinstance(resting, VideoVAE)
    clip = torch.rand(1, 3, 9, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        latents = staying.encode(clip)
        assert torch.equal(resting.encode(clip), latents)
        assert torch.equal(resting.decode(latents), staying.decode(latents))
