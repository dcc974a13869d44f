"""Where models are is decided by rules, from sizes and free memory alone."""

from __future__ import annotations

import pytest
import torch

from ltx.offload import placement
from ltx.offload.placement import GIB, ROOM, Placement, decide, multiplies, needed
from ltx.offload.sizes import PartSize

BF16, F32 = torch.bfloat16, torch.float32
# Ten blocks of half a GiB in bfloat16, and one GiB beside them; a VAE of one GiB; a T5 stored in float32.
SIZES = {
    "transformer": PartSize(6 * GIB // 2, GIB // 4, 10 * GIB // 4, 10 * GIB // 4 - 1000, BF16),
    "vae": PartSize(GIB // 2, 0, 0, 0, BF16),
    "text_encoder": PartSize(8 * GIB // 2, GIB // 8, 32 * GIB // 8 - GIB // 4, 0, F32),
}
DTYPES = {"transformer": None, "vae": None, "text_encoder": BF16}


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that multiplies bfloat16; nothing is put on it."""
    monkeypatch.setattr(placement, "choose_device", lambda device: torch.device("cuda"))
    monkeypatch.setattr(placement, "multiplies", lambda device, dtype: True)


def decided(free: float, *, offload: str = "auto", storage: str = "stored", device: str = "cuda") -> Placement:
    """With so many GiB free."""
    return decide(
        SIZES,
        DTYPES,
        device=device,
        offload=offload,
        storage=storage,
        given=False,
        free=lambda device: int(free * GIB),
    )


def test_weights_are_told_by_names_and_shapes() -> None:
    """Blocks of LTX, T5 and Qwen, in today's and the released names; matrices are two-dimensional weights in them."""
    shapes = {
        "transformer_blocks.0.attn1.to_q.weight": (4, 4),
        "transformer_blocks.0.attn1.to_q.bias": (4,),
        "transformer_blocks.0.scale_shift_table": (6, 4),
        "transformer_blocks.11.attn1.to_q.weight": (2, 4),
        "proj_out.weight": (3, 3),
    }
    assert PartSize.of(shapes, BF16) == PartSize(16 + 4 + 24 + 8 + 9, 44, 52, 24, BF16)
    for name in ("encoder.block.3.layer.0.q.weight", "visual.blocks.7.norm.weight", "model.layers.2.mlp.weight"):
        assert PartSize.of({name: (5,), "shared.weight": (2,)}, F32).block == 5
    assert PartSize.of({"decoder.up_blocks.0.conv.weight": (5,)}, F32).block == 0
    assert PartSize.of(shapes, BF16, blocks=False).inside == 0


def test_what_each_way_needs() -> None:
    """None: the sum; parts: the largest; blocks: what is outside and two blocks; worked out by hand."""
    assert needed(SIZES, DTYPES, "none", float8=False) == 6 * GIB + GIB + 8 * GIB
    assert needed(SIZES, DTYPES, "parts", float8=False) == 8 * GIB
    assert needed(SIZES, DTYPES, "blocks", float8=False) == 2 * GIB  # the transformer: 1 + 2 · ½; the T5: ½ + 2 · ¼
    alone = {"transformer": SIZES["transformer"]}
    eight = needed(alone, DTYPES, "parts", float8=True)
    assert eight == (6 * GIB // 2 - SIZES["transformer"].matrices + 2 * GIB // 4) * 2 + SIZES["transformer"].matrices


@pytest.mark.parametrize(
    ("free", "mode"),
    [(15 + 3, "none"), (15 + 2.9, "parts"), (8 + 3, "parts"), (8 + 2.9, "blocks"), (2.1, "blocks")],
)
@pytest.mark.usefixtures("gpu")
def test_auto_takes_the_first_that_fits_beside_activations(free: float, mode: str) -> None:
    """At each bound, and just below it."""
    assert ROOM == 3 * GIB
    found = decided(free)
    assert found.offload == mode and f"offload={mode}" in found.says and "\n" not in found.says


@pytest.mark.usefixtures("gpu")
def test_a_gpu_that_is_too_small_is_told_before_anything_is_read() -> None:
    """What it would need, what it has, and what would do."""
    with pytest.raises(ValueError, match=r"2\.0 GiB of free memory on cuda for offload=blocks, got 1\.0"):
        decided(1.0)
    with pytest.raises(ValueError, match=r"15\.0 GiB .* got 4\.0; choose offload=auto \(blocks needs 2\.0 GiB\)"):
        decided(4.0, offload="none")


def test_a_cpu_without_units_for_the_stored_type_casts_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32, from weights that stay as they are stored; one that has them works on the file itself."""
    monkeypatch.setattr(placement, "multiplies", lambda device, dtype: dtype is F32)
    found = decided(40.0, device="cpu")
    assert found.offload == "blocks" and set(found.dtypes.values()) == {F32}
    monkeypatch.setattr(placement, "multiplies", lambda device, dtype: True)
    found = decide(
        {"vae": SIZES["vae"], "transformer": SIZES["transformer"]},
        {"vae": None, "transformer": None},
        device="cpu",
        offload="auto",
        storage="stored",
        given=False,
        free=lambda device: GIB,
    )
    assert found.offload == "none" and found.dtypes["transformer"] is None


def test_small_models_stay_and_a_named_type_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to a GiB nothing is moved about or cast; bfloat16 that was asked for is computed in, units or not."""
    monkeypatch.setattr(placement, "multiplies", lambda device, dtype: dtype is F32)
    small = {"vae": PartSize(GIB // 2, 0, 0, 0, BF16)}
    options = {"device": "cpu", "offload": "auto", "storage": "stored", "free": lambda device: GIB}
    found = decide(small, {"vae": None}, given=False, **options)
    assert found.plain and found.dtypes == {"vae": None}
    large = {"vae": PartSize(GIB, 0, 0, 0, BF16)}
    assert decide(large, {"vae": BF16}, given=True, **options).dtypes == {"vae": BF16}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"offload": "cpu"}, "offload out of auto, none, parts, blocks; got 'cpu'"),
        ({"storage": "int4"}, "storage out of stored, float8, int8-torchao, float8-torchao; got 'int4'"),
        ({"device": "tpu"}, "'tpu'"),
        ({"storage": "float8-torchao"}, "compute capability 8.9"),
        ({"storage": "int8-torchao", "offload": "blocks"}, "offload=none beside storage=int8-torchao"),
    ],
)
def test_what_cannot_be_is_one_line(words: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown words, devices that are not there or lack units, and words that do not go together."""
    monkeypatch.setattr(placement, "find_spec", lambda name: object())
    with pytest.raises(ValueError) as found:
        decided(100.0, **{"device": "cpu", **words})
    assert said in str(found.value) and "\n" not in str(found.value)


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, and what needs nothing."""
    monkeypatch.setattr(placement, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"foresight-wm\[torchao\].*storage=float8"):
        decided(100.0, device="cpu", storage="int8-torchao")


def test_apple_gpus_have_no_float8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said instead of an error of torch's in the middle of reading."""
    monkeypatch.setattr(placement, "choose_device", lambda device: torch.device("mps"))
    with pytest.raises(ValueError, match="mps, which has no float8"):
        decided(100.0, storage="float8")


def test_every_device_multiplies_float32() -> None:
    """And a CPU bfloat16 only with units for it."""
    assert multiplies(torch.device("cpu"), F32)
    units = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    assert multiplies(torch.device("cpu"), BF16) == units


def test_bytes_at_work_by_hand() -> None:
    """Of 100 weights 60 lie in blocks of up to 20, and 50 of those in matrices; in 2 bytes each."""
    size = PartSize(100, 20, 60, 50, BF16)
    assert size.bytes == 200 and size.at_work(2, blocks=False) == 200
    assert size.at_work(2, blocks=True) == (40 + 2 * 20) * 2
    assert size.at_work(2, blocks=False, float8=True) == (100 - 50 + 40) * 2 + 50
    assert size.at_work(4, blocks=True, float8=True) == 320


@pytest.mark.parametrize(("more", "mode"), [(0, "none"), (1, "blocks")])
@pytest.mark.usefixtures("gpu")
def test_a_gib_is_small_and_a_weight_more_is_not(more: int, mode: str) -> None:
    """Even where it does not fit beside what activations take."""
    size = PartSize(GIB // 2 + more, 1, 2, 0, BF16)
    found = decide(
        {"transformer": size}, {"transformer": None}, device="cuda", offload="auto", storage="stored", given=False,
        free=lambda device: 2 * GIB,
    )  # fmt: skip
    assert found.offload == mode


@pytest.mark.usefixtures("gpu")
def test_memory_that_just_suffices_is_enough() -> None:
    """Of a way that was asked for, without room for more; a byte less is refused."""
    assert decided(8, offload="parts").offload == "parts"
    with pytest.raises(ValueError, match=r"8\.0 GiB of free memory on cuda for offload=parts"):
        decided(8 - 1 / GIB, offload="parts")
    with pytest.raises(ValueError, match="free some, choose device=cpu"):
        decided(1.9, offload="parts")


@pytest.mark.parametrize(
    ("avx512", "amx", "amx16", "bf16", "fp16"),
    [
        (False, False, False, False, False),
        (True, False, False, True, False),
        (False, True, False, True, False),
        (False, False, True, False, True),
    ],
)
def test_units_of_a_cpu(
    avx512: bool, amx: bool, amx16: bool, bf16: bool, fp16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either kind is enough for bfloat16; float16 has its own."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_amx_fp16_supported", lambda: amx16)
    cpu = torch.device("cpu")
    assert (multiplies(cpu, BF16), multiplies(cpu, torch.float16)) == (bf16, fp16)
    assert multiplies(torch.device("mps"), torch.float16) and multiplies(cpu, torch.float64)


@pytest.mark.parametrize(("capability", "fits"), [((8, 8), False), ((8, 9), True), ((9, 0), True)])
def test_float8_units_of_a_gpu(capability: tuple[int, int], fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Ada on; no CPU has them."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert placement._has_float8_units(torch.device("cuda")) == fits
    assert not placement._has_float8_units(torch.device("cpu"))


def test_free_memory_counts_what_is_kept_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a GPU what is free and what torch has reserved but not given; of Apple's what is recommended."""
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 50)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 70)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 30)
    assert placement.free_memory(torch.device("cuda")) == 120
    assert placement.free_memory(torch.device("mps")) == 40
    assert placement.free_memory(torch.device("cpu")) > 0
