"""Alpha of a LoRA, wherever it is said, and in no type that loses it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from safetensors.torch import load_file, save_file

from ltx.checkpoint.errors import CheckpointError
from ltx.lora import LoRA, LowRank, combined, read_lora, write_lora

MODULE = "transformer_blocks.0.attn1.to_q"
PEFT = {"r": 4, "lora_alpha": 2, "target_modules": ["to_q"]}


def save(file: Path, header: dict[str, str] | None = None, *, kohya: bool = False, alpha: float | None = None) -> Path:
    """A LoRA of rank 4, in the spelling of diffusers or of kohya."""
    names = ("lora_down", "lora_up") if kohya else ("lora_A", "lora_B")
    generator = torch.Generator().manual_seed(0)
    tensors = {
        f"transformer.{MODULE}.{names[0]}.weight": torch.randn(4, 24, generator=generator),
        f"transformer.{MODULE}.{names[1]}.weight": torch.randn(32, 4, generator=generator),
    }
    if alpha is not None:
        tensors[f"transformer.{MODULE}.alpha"] = torch.tensor(alpha)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata={"format": "pt", **(header or {})})
    return file


def alpha_of(file: Path, **options: Any) -> float:
    """Alpha as read, without a warning."""
    with warnings.catch_warnings(action="error"):
        return read_lora(file, **options).updates[MODULE].alpha


HEADERS = {
    "finetrainers": {"lora_config": json.dumps({**PEFT, "init_lora_weights": True})},
    "rank and alpha as an object": {"lora_config": json.dumps({"rank": 4, "alpha": 2.0})},
    "diffusers": {"lora_adapter_metadata": json.dumps({f"transformer.{name}": value for name, value in PEFT.items()})},
    "diffusers beside a text encoder": {
        "lora_adapter_metadata": json.dumps({"text_encoder.lora_alpha": 9, "transformer.lora_alpha": 2})
    },
    "flat, with the model's name": {"transformer.lora_alpha": "2", "transformer.r": "4"},
    "lora_alpha": {"lora_alpha": "2", "r": "4"},
    "alpha": {"alpha": "2.0", "rank": "4"},
    "network_alpha": {"network_alpha": "2", "network_dim": "4"},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_alpha_in_every_form_of_header(header: dict[str, str], tmp_path: Path) -> None:
    """What trainers write into the file's header is the strength, and nothing needs to be said."""
    assert alpha_of(save(tmp_path / "a.safetensors", header)) == 2.0


def test_the_header_of_kohya_counts_for_its_own_names(tmp_path: Path) -> None:
    """Converters to other names fold alpha into the factors and leave the header: there it is not used, with a word."""
    header = {"ss_network_alpha": "2.0", "ss_network_dim": "4", "ss_network_module": "networks.lora"}
    assert alpha_of(save(tmp_path / "a.safetensors", header, kohya=True)) == 2.0
    with pytest.warns(UserWarning, match=r"taken is their rank.*ss_network_alpha 2\.0 is not used"):
        assert read_lora(save(tmp_path / "b.safetensors", header)).updates[MODULE].alpha == 4.0
    dynamic = {"ss_network_alpha": "Dynamic", "ss_network_dim": "Dynamic"}
    assert alpha_of(save(tmp_path / "c.safetensors", dynamic, kohya=True, alpha=3.0)) == 3.0


def test_tensors_come_first_and_the_callers_word_before_them(tmp_path: Path) -> None:
    """A module's own `.alpha` counts before the header, and `alpha=` before both."""
    file = save(tmp_path / "a.safetensors", HEADERS["lora_alpha"], alpha=3.0)
    assert alpha_of(file) == 3.0
    assert alpha_of(file, alpha=8.0) == 8.0


def test_patterns_and_rank_stabilisation(tmp_path: Path) -> None:
    """PEFT's patterns name single modules; with rsLoRA the update is scaled by alpha / √rank."""
    fields = {"r": 8, "lora_alpha": 2, "rank_pattern": {r"attn1\.to_q": 4}, "alpha_pattern": {"to_q": 6}}
    file = save(tmp_path / "a.safetensors", {"lora_config": json.dumps(fields)})
    assert alpha_of(file) == 6.0
    file = save(tmp_path / "b.safetensors", {"lora_config": json.dumps({**PEFT, "use_rslora": True})})
    assert alpha_of(file) == 4.0


def test_nothing_said_is_said_once(tmp_path: Path) -> None:
    """The rank is taken with one warning; none where the caller says alpha, or the file was written here."""
    file = save(tmp_path / "a.safetensors")
    with pytest.warns(UserWarning, match="taken is their rank") as said:
        lora = read_lora(file)
    assert lora.updates[MODULE].alpha == 4.0 and len(said) == 1
    assert alpha_of(file, alpha=4.0) == 4.0
    assert alpha_of(write_lora(lora, tmp_path / "b.safetensors", "comfy")) == 4.0


def test_a_configuration_beside_the_file(tmp_path: Path) -> None:
    """It belongs to PEFT's file by name, or to the only file there; with several, another file's is not taken."""
    for name in ("adapter_model", "mine"):
        file = save(tmp_path / name / f"{name}.safetensors")
        (file.parent / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **PEFT}))
        assert alpha_of(file) == 2.0
    save(tmp_path / "mine" / "adapter_model.safetensors")
    with pytest.warns(UserWarning, match="taken is their rank"):
        assert read_lora(file).updates[MODULE].alpha == 4.0


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"lora_alpha": "sixteen"}, "numbers other than 0.*'sixteen'"),
        ({"lora_alpha": "0"}, "numbers other than 0"),
        ({"alpha": "nan"}, "numbers other than 0"),
        ({"alpha": "2", "rank": "16"}, "alpha 2 for rank 16, but the factors of .*to_q have rank 4"),
        ({"lora_config": "{"}, "not JSON"),
        ({"lora_config": json.dumps({**PEFT, "alpha_pattern": [1]})}, "alpha_pattern as an object"),
        ({"lora_config": json.dumps({**PEFT, "alpha_pattern": {"(": 1}})}, "no expression"),
        ({"lora_config": json.dumps({**PEFT, "use_dora": True})}, "this is a DoRA"),
        ({"lora_config": json.dumps({**PEFT, "peft_type": "LOKR"})}, "PEFT's type LOKR"),
        ({"lora_config": json.dumps({**PEFT, "init_lora_weights": "pissa_niter_4"})}, "pissa_niter_4.*base weights"),
    ],
)
def test_damaged_and_other_statements_are_refused(header: dict[str, str], message: str, tmp_path: Path) -> None:
    """An alpha that is no number, one for another rank, and what is no plain LoRA are never taken for one."""
    with pytest.raises(CheckpointError, match=message):
        read_lora(save(tmp_path / "a.safetensors", header))


def test_an_alpha_of_several_numbers_is_refused(tmp_path: Path) -> None:
    """One number says the strength of one update; from several none is chosen."""
    file = save(tmp_path / "a.safetensors")
    save_file({**load_file(file), f"transformer.{MODULE}.alpha": torch.ones(2)}, file)
    with pytest.raises(CheckpointError, match=rf"{MODULE} of .*a\.safetensors: expected alpha as a single number"):
        read_lora(file)


def test_two_statements_that_differ_are_refused(tmp_path: Path) -> None:
    """Header and configuration of one file must agree; the caller's word decides."""
    file = save(tmp_path / "adapter_model.safetensors", HEADERS["lora_alpha"])
    for alpha in (2, 16):
        (tmp_path / "adapter_config.json").write_text(json.dumps({**PEFT, "lora_alpha": alpha}))
        if alpha == 2:
            assert alpha_of(file) == 2.0
    with pytest.raises(CheckpointError, match=r"header says alpha 2 and adapter_config\.json says 16"):
        read_lora(file)
    assert alpha_of(file, alpha=16.0) == 16.0


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def snapshot(cache: Path) -> Path:
    """A LoRA alone in the hub's cache, as a download of one file leaves it."""
    return save(cache / "models--someone--lora" / "snapshots" / COMMIT / "sub" / "adapter_model.safetensors")


def test_the_hub_is_asked_for_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the file's own commit and folder, into the same cache; what the cache holds already is not asked for again."""
    asked = []

    def download(repo: str, name: str, *, cache_dir: Path, revision: str) -> str:
        asked.append((repo, name, cache_dir, revision))
        (file.parent / "adapter_config.json").write_text(json.dumps(PEFT))
        return str(file.parent / "adapter_config.json")

    file = snapshot(tmp_path)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert alpha_of(file) == alpha_of(file) == 2.0
    assert asked == [("someone/lora", "sub/adapter_config.json", tmp_path, COMMIT)]


@pytest.mark.parametrize("error", [LocalEntryNotFoundError("offline"), OfflineModeIsEnabled("offline")])
def test_a_strength_that_cannot_be_asked_for_is_not_guessed(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a connection a file whose strength may stand beside it is refused, unless something else says it."""

    def download(*names: str, **options: Any) -> str:
        raise error

    file = snapshot(tmp_path)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(CheckpointError, match=r"of someone/lora/sub/adapter_model\.safetensors may stand in"):
        read_lora(file)
    assert alpha_of(file, alpha=1.0) == 1.0
    known = tmp_path / "models--someone--lora" / ".no_exist" / COMMIT / "sub" / "adapter_config.json"
    known.parent.mkdir(parents=True)
    known.touch()
    with pytest.warns(UserWarning, match="taken is their rank"):
        assert read_lora(file).updates[MODULE].alpha == 4.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn])
@pytest.mark.parametrize("scale", [0.25, 1 / 128, 0.3])
def test_folding_loses_nothing(dtype: torch.dtype, scale: float, tmp_path: Path) -> None:
    """Written for readers without alpha, the update is the same to a float32 rounding, whatever type it had."""
    generator = torch.Generator().manual_seed(0)
    down, up = (torch.randn(4, 24, generator=generator), 0.03 * torch.randn(32, 4, generator=generator))
    update = LowRank(down.to(dtype), up.to(dtype), 4 * scale)
    found = read_lora(write_lora(LoRA({MODULE: update}), tmp_path / "a.safetensors", "diffusers")).updates[MODULE]
    assert found.alpha == found.rank == 4
    torch.testing.assert_close(found.delta, update.delta, rtol=1e-5, atol=1e-9)
    stored = load_file(tmp_path / "a.safetensors")[f"transformer.{MODULE}.lora_B.weight"].dtype
    assert stored is dtype if scale == 0.25 and dtype is torch.bfloat16 else stored in (dtype, torch.float32)


def test_a_type_that_loses_the_update_is_refused() -> None:
    """Small factors vanish in float8 and large ones overflow in float16; bfloat16 holds both."""
    down = torch.randn(4, 24, generator=torch.Generator().manual_seed(0))
    for factor, dtype in ((1e-3, torch.float8_e4m3fn), (1e6, torch.float16)):
        lora = LoRA({MODULE: LowRank(down, factor * torch.ones(32, 4), 4.0)})
        with pytest.raises(CheckpointError, match=rf"{dtype} does not hold this LoRA: {MODULE}\.up loses"):
            lora.to(dtype)
        narrow, whole = lora.to(torch.bfloat16).updates[MODULE].delta, lora.updates[MODULE].delta
        assert (narrow - whole).norm() < 0.01 * whole.norm()


def test_several_are_one() -> None:
    """Combined at their strengths, low-rank and whole: the sum of the single ones, in float32."""
    generator = torch.Generator().manual_seed(0)

    def lora(rank: int, alpha: float) -> LoRA:
        down, up = torch.randn(rank, 6, generator=generator), torch.randn(5, rank, generator=generator)
        return LoRA({MODULE: LowRank(down, up, alpha)}, {"proj_out.bias": torch.randn(3, generator=generator)})

    one, two = lora(2, 3.0), lora(3, 1.0)
    both = combined([(one, 0.5), (two, -2.0)])
    expected = 0.5 * one.updates[MODULE].delta - 2 * two.updates[MODULE].delta
    torch.testing.assert_close(both.updates[MODULE].delta, expected)
    whole = 0.5 * one.differences["proj_out.bias"] - 2 * two.differences["proj_out.bias"]
    torch.testing.assert_close(both.differences["proj_out.bias"], whole)
    assert combined([(one, 1.0)]).updates[MODULE].down.dtype == torch.float32
    with pytest.raises(CheckpointError, match="finite strengths"):
        combined([(one, float("nan"))])
    with pytest.raises(CheckpointError, match="different sizes"):
        combined([(one, 1.0), (LoRA({MODULE: LowRank(torch.ones(1, 7), torch.ones(5, 1), 1.0)}), 1.0)])


def test_an_alpha_is_one_number(tmp_path: Path) -> None:
    """A tensor of two is none, and 0 switches the update off."""
    file = save(tmp_path / "a.safetensors")
    tensors = load_file(file)
    for alpha, message in (
        (torch.ones(2), r"alpha as a single number, got a tensor \(2,\)"),
        (torch.zeros(()), "other than 0, got 0"),
    ):
        save_file({**tensors, f"transformer.{MODULE}.alpha": alpha}, file)
        with pytest.raises(CheckpointError, match=message):
            read_lora(file)


def test_statements_may_differ_by_a_rounding(tmp_path: Path) -> None:
    """One part in a million is none."""
    file = save(tmp_path / "adapter_model.safetensors", HEADERS["lora_alpha"])
    (tmp_path / "adapter_config.json").write_text(json.dumps({**PEFT, "lora_alpha": 2.000001}))
    assert alpha_of(file) == 2.0
    (tmp_path / "adapter_config.json").write_text(json.dumps({**PEFT, "lora_alpha": 2.00001}))
    with pytest.raises(CheckpointError, match="name the right one"):
        read_lora(file)


@pytest.mark.parametrize(
    ("down", "up", "turned"), [((4, 4), (4, 5), False), ((4, 0), (0, 5), False), ((5, 4), (4, 6), True)]
)
def test_only_what_may_be_transposed_is_called_so(down: tuple[int, int], up: tuple[int, int], turned: bool) -> None:
    """Where the ranks would fit the other way round, and be smaller than what they join."""
    with pytest.raises(CheckpointError, match="one rank ≥ 1") as error:
        LowRank(torch.ones(down), torch.ones(up), 1.0)
    assert ("transposed" in str(error.value)) == turned


def test_an_update_that_vanishes_is_lost_whole() -> None:
    """Said as a share of its values; zeros lose nothing."""
    lora = LoRA({MODULE: LowRank(torch.ones(4, 24), torch.full((32, 4), 1e-9), 4.0)})
    with pytest.raises(CheckpointError, match="loses 100% of its values"):
        lora.to(torch.float16)
    LoRA({MODULE: LowRank(torch.ones(4, 24), torch.zeros(32, 4), 4.0)}).to(torch.float16)


def test_an_alpha_of_the_rank_is_not_folded() -> None:
    """The very same record; a half of it halves the second factor."""
    update = LowRank(torch.ones(4, 24), torch.ones(32, 4), 4.0)
    assert update.folded() is update
    half = LowRank(update.down, update.up, 2.0).folded()
    assert half.alpha == 4 and half.up.eq(0.5).all()
