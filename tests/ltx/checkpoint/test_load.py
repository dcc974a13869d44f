import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ltx.bundle.checkpoint import Checkpoint
from ltx.bundle.convert import convert
from ltx.checkpoint import CheckpointError, save_official
from ltx.checkpoint.read import Weights
from ltx.checkpoint.save import save_model
from ltx.flow.scheduler import SchedulerConfig
from ltx.transformer.model import VideoTransformer
from ltx.transformer.part import TRANSFORMER
from ltx.vae.config import VAEConfig
from ltx.vae.model import VideoVAE
from ltx.vae.part import VAE
from ltx.vae.release import VAE_FIELDS
from tests.small import transformer_config, vae_config

WIDE = ["compress_all", {"residual": True, "multiplier": 2}]
# One tiny VAE of each generation.
VAES: dict[str, dict[str, Any]] = {
    "0.9.0": {
        "encoder_blocks": [["res_x", 1], ["compress_all", 1], ["res_x_y", 1], ["res_x", 1], ["res_x", 1]],
        "decoder_blocks": [["res_x", 1], ["compress_all", 1], ["res_x_y", 1], ["res_x", 1], ["res_x", 1]],
    },
    "0.9.1": {
        "encoder_blocks": [["res_x", 1], ["compress_all", 1], ["res_x_y", 1], ["res_x", 1], ["res_x", 1]],
        "decoder_blocks": [["res_x", {"num_layers": 1, "inject_noise": True}], WIDE, ["res_x", 1]],
        "timestep_conditioning": True,
    },
    "0.9.5": {
        "encoder_blocks": [["res_x", 1], ["compress_all_res", {"multiplier": 2}], ["res_x", 1]],
        "decoder_blocks": [["res_x", 1], WIDE, ["res_x", 1]],
        "timestep_conditioning": True,
    },
}


def tiny_transformer(layers: int = 1, causal: bool = True) -> VideoTransformer:
    torch.manual_seed(0)
    config = transformer_config(num_layers=layers, causal_temporal_positioning=causal)
    return VideoTransformer(config)


def tiny_vae(generation: str = "0.9.5") -> VideoVAE:
    torch.manual_seed(1)
    vae = VideoVAE(vae_config(generation, **VAES[generation]))
    statistics = vae.per_channel_statistics
    statistics.get_buffer("mean-of-means").normal_()
    statistics.get_buffer("std-of-means").uniform_(0.5, 2)
    return vae


def checkpoint(generation: str = "0.9.5", **scheduler: Any) -> Checkpoint:
    causal = generation == "0.9.5"
    return Checkpoint(tiny_transformer(causal=causal), tiny_vae(generation), SchedulerConfig(**scheduler))


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) and a[key].dtype == b[key].dtype for key in a)


@pytest.mark.parametrize("generation", VAES)
def test_official_file_to_folder_and_back_is_byte_equal(tmp_path: Path, generation: str) -> None:
    """Converting an official file to a diffusers folder and back gives the same bytes, tensors and metadata."""
    schedulers: dict[str, dict[str, Any]] = {
        "0.9.0": {"spacing": "uniform", "shifting": "tokens", "terminal": 0.1},
        "0.9.1": {"spacing": "uniform", "shifting": "tokens", "terminal": 0.1},
        "0.9.5": {"allowed_times": (1.0, 0.9937, 0.725)},
    }
    original, folder, back = tmp_path / "a.safetensors", tmp_path / "folder", tmp_path / "b.safetensors"
    checkpoint(generation, **schedulers[generation]).save_official(original)
    convert(original, folder)
    convert(folder, back)
    assert load_file(original).keys() == load_file(back).keys()
    assert Weights((original,)).config() == Weights((back,)).config()
    # The metadata table of a safetensors file has no order of its own, so the parts are compared.
    assert _payload(original) == _payload(back)


def _payload(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["config"] = json.loads(header["__metadata__"]["config"])
    return header, data[8 + length :]


@pytest.mark.parametrize("generation", VAES)
def test_diffusers_reads_the_folder(tmp_path: Path, generation: str) -> None:
    """diffusers' own loaders find every weight in the folder, and its VAE encodes to the same latents."""
    from diffusers import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel

    ours = checkpoint(generation)
    ours.save_pretrained(tmp_path)
    theirs, report = AutoencoderKLLTXVideo.from_pretrained(tmp_path / "vae", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    _, report = LTXVideoTransformer3DModel.from_pretrained(tmp_path / "transformer", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    video = torch.rand(1, 3, 9, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = theirs.encode(video).latent_dist.mean
        torch.testing.assert_close(ours.vae.moments(video).mean, expected, rtol=1e-5, atol=1e-5)


def test_the_folder_of_diffusers_is_read(tmp_path: Path) -> None:
    """A folder that diffusers itself wrote gives the same weights under the official names."""
    from diffusers import LTXVideoTransformer3DModel

    torch.manual_seed(3)
    theirs = LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        num_layers=2,
        caption_channels=16,
    )
    theirs.save_pretrained(tmp_path / "transformer")
    with pytest.warns(UserWarning, match="causal_temporal_positioning = false"):
        ours = VideoTransformer.from_pretrained(tmp_path)
    assert torch.equal(ours.state_dict()["patchify_proj.weight"], theirs.state_dict()["proj_in.weight"])
    key = "transformer_blocks.1.attn2.{}.weight"
    assert torch.equal(ours.state_dict()[key.format("q_norm")], theirs.state_dict()[key.format("norm_q")])
    assert not ours.config.causal_temporal_positioning


def test_every_way_of_naming_the_same_weights_reads_the_same(tmp_path: Path) -> None:
    """A part's folder, the checkpoint's folder, the official file, and a folder with only that file."""
    model = checkpoint()
    model.save_pretrained(tmp_path / "folder")
    (tmp_path / "single").mkdir()
    model.save_official(tmp_path / "single" / "ltx.safetensors")
    single = tmp_path / "single"
    for where in (tmp_path / "folder", tmp_path / "folder" / "transformer", single, str(single / "ltx.safetensors")):
        read = VideoTransformer.from_pretrained(where)
        assert same(read, model.transformer) and read.config == model.transformer.config and not read.training


@pytest.mark.parametrize("prefix", ["model.diffusion_model.", "diffusion_model.", ""])
def test_transformer_only_files_are_read_under_every_prefix(tmp_path: Path, prefix: str) -> None:
    """Third-party files hold only the transformer, with or without the prefix."""
    model = tiny_transformer()
    tensors = {f"{prefix}{key}": tensor for key, tensor in model.state_dict().items()}
    config = json.dumps({"transformer": model.config.to_dict()})
    save_file(tensors, tmp_path / "a.safetensors", metadata={"config": config})
    assert same(VideoTransformer.from_pretrained(tmp_path / "a.safetensors"), model)


def changed(tmp_path: Path, change: dict[str, Tensor | None]) -> Path:
    """An official file with tensors added, replaced or (None) left out."""
    path = tmp_path / "changed.safetensors"
    checkpoint().save_official(path)
    metadata = Weights((path,)).metadata
    tensors = {**load_file(path), **change}
    save_file({key: tensor for key, tensor in tensors.items() if tensor is not None}, path, metadata=metadata)
    return path


TO_Q = "transformer_blocks.0.attn1.to_q.weight"


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (None, rf"missing {TO_Q}"),
        (torch.zeros(32, 31), rf"of another shape {TO_Q} \(expected \(32, 32\), got \(32, 31\)\)"),
        (torch.full((32, 32), torch.nan), rf"NaN or infinite.*{TO_Q}"),
        (torch.full((32, 32), torch.inf), rf"NaN or infinite.*{TO_Q}"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path: Path, tensor: Tensor | None, message: str) -> None:
    """One missing, misshapen or broken tensor is enough to refuse, and it is named."""
    path = changed(tmp_path, {f"model.diffusion_model.{TO_Q}": tensor})
    with pytest.raises(CheckpointError, match=message):
        VideoTransformer.from_pretrained(path)
    # The other part of the file is not concerned.
    VideoVAE.from_pretrained(path)


def test_extra_weights_are_named(tmp_path: Path) -> None:
    """A tensor that no layer takes is refused, in a file and in a folder."""
    extra = "transformer_blocks.1.attn1.to_q.weight"
    with pytest.raises(CheckpointError, match=f"left over {extra}"):
        VideoTransformer.from_pretrained(changed(tmp_path, {f"model.diffusion_model.{extra}": torch.zeros(32, 32)}))
    folder = tmp_path / "folder"
    tiny_transformer().save_pretrained(folder)
    file = folder / "diffusion_pytorch_model.safetensors"
    save_file({**load_file(file), "surprise": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match="surprise"):
        VideoTransformer.from_pretrained(folder)


def test_large_finite_weights_are_not_taken_for_infinite(tmp_path: Path) -> None:
    """A sum that overflows is no proof of an infinity."""
    path = changed(tmp_path, {f"model.diffusion_model.{TO_Q}": torch.full((32, 32), 3e38)})
    assert VideoTransformer.from_pretrained(path).state_dict()[TO_Q].max() == 3e38


def test_an_untrained_mean_may_be_missing(tmp_path: Path) -> None:
    """Files without the channel means have zeros there; unread statistics are dropped."""
    path = changed(
        tmp_path,
        {
            "vae.per_channel_statistics.mean-of-means": None,
            "vae.per_channel_statistics.mean-of-stds": torch.ones(8),
        },
    )
    vae = VideoVAE.from_pretrained(path)
    assert torch.equal(vae.per_channel_statistics.get_buffer("mean-of-means"), torch.zeros(8))


def test_another_release_is_named(tmp_path: Path) -> None:
    """A file of another generation than its configuration says what its keys look like."""
    path = tmp_path / "a.safetensors"
    tensors = {f"vae.{key}": tensor for key, tensor in tiny_vae("0.9.1").state_dict().items()}
    config = json.dumps({"vae": tiny_vae("0.9.0").config.to_dict()})
    save_file(tensors, path, metadata={"config": config})
    with pytest.raises(CheckpointError, match=r"its keys are those of a 0\.9\.1 VAE.*left over"):
        VideoVAE.from_pretrained(path)


def test_a_truncated_file_says_so(tmp_path: Path) -> None:
    """An interrupted download is told from a wrong model."""
    path = tmp_path / "a.safetensors"
    checkpoint().save_official(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"not a complete safetensors file .*download it again"):
        VideoVAE.from_pretrained(path)


@pytest.mark.parametrize("name", ["a.safetensors", "a.bin", "a.ckpt"])
def test_pickles_are_refused_by_content_and_by_name(tmp_path: Path, name: str) -> None:
    """Nothing that could run code is opened, whatever it is called."""
    path = tmp_path / name
    torch.save({"patchify_proj.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="pickle, which can run code"):
        VideoTransformer.from_pretrained(path)


def test_a_folder_with_only_pickled_weights_is_refused(tmp_path: Path) -> None:
    """The reason is the pickle, not a missing file."""
    tiny_vae().save_pretrained(tmp_path)
    (tmp_path / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({}, tmp_path / "diffusion_pytorch_model.bin")
    with pytest.raises(CheckpointError, match="pickle"):
        VideoVAE.from_pretrained(tmp_path)


def test_what_holds_no_such_part_is_named(tmp_path: Path) -> None:
    """A VAE file asked for a transformer, another class's folder, an empty folder, and nothing at all."""
    save_official(tmp_path / "vae.safetensors", [(VAE, tiny_vae())])
    with pytest.raises(CheckpointError, match="holds no transformer"):
        VideoTransformer.from_pretrained(tmp_path / "vae.safetensors")
    tiny_vae().save_pretrained(tmp_path / "vae")
    with pytest.raises(CheckpointError, match=r"expected .* to hold a transformer.*got AutoencoderKLLTXVideo"):
        VideoTransformer.from_pretrained(tmp_path / "vae")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="it holds nothing"):
        VideoVAE.from_pretrained(tmp_path / "empty")
    with pytest.raises(CheckpointError, match="no file or folder 'nowhere'"):
        VideoVAE.from_pretrained("nowhere")


def test_unknown_configuration_fields_are_named(tmp_path: Path) -> None:
    """A field this architecture does not know means another model."""
    tiny_transformer().save_pretrained(tmp_path)
    fields = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**fields, "audio_channels": 2}))
    with pytest.raises(CheckpointError, match="audio_channels"):
        VideoTransformer.from_pretrained(tmp_path)


def test_float8_becomes_bfloat16(tmp_path: Path) -> None:
    """fp8 files hold plain casts: the weights are the upcast values, and everything else keeps its own."""
    model = tiny_transformer().to(torch.bfloat16)
    narrow = {
        f"model.diffusion_model.{key}": tensor.to(torch.float8_e4m3fn) if tensor.ndim == 2 and "attn" in key else tensor
        for key, tensor in model.state_dict().items()
    }
    path = tmp_path / "fp8.safetensors"
    save_file(narrow, path, metadata={"config": json.dumps({"transformer": model.config.to_dict()})})
    state = VideoTransformer.from_pretrained(path).state_dict()
    assert {tensor.dtype for tensor in state.values()} == {torch.bfloat16}
    assert torch.equal(state[TO_Q], narrow[f"model.diffusion_model.{TO_Q}"].to(torch.bfloat16))
    assert torch.equal(state["proj_out.weight"], model.state_dict()["proj_out.weight"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_stored_type_is_kept_unless_another_is_asked_for(tmp_path: Path, dtype: torch.dtype) -> None:
    """None keeps what is in the file; a type casts every floating weight."""
    tiny_vae().to(dtype).save_pretrained(tmp_path)
    assert {t.dtype for t in VideoVAE.from_pretrained(tmp_path).state_dict().values()} == {dtype}
    cast = VideoVAE.from_pretrained(tmp_path, dtype=torch.float64).state_dict()
    assert {t.dtype for t in cast.values()} == {torch.float64}


def test_shards_are_read_together(tmp_path: Path) -> None:
    """A sharded folder gives the same model; a lost shard, or an index out of its folder, is named."""
    model = tiny_transformer(layers=2)
    save_model(model, TRANSFORMER, tmp_path, shard_bytes=50_000)
    files = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(files) > 1 and files[0].endswith(f"-00001-of-{len(files):05d}.safetensors")
    assert same(VideoTransformer.from_pretrained(tmp_path), model)
    index = tmp_path / "diffusion_pytorch_model.safetensors.index.json"
    table = json.loads(index.read_text())
    (tmp_path / files[0]).rename(tmp_path / "lost")
    with pytest.raises(CheckpointError, match=f"shards that are not there: {files[0]}"):
        VideoTransformer.from_pretrained(tmp_path)
    index.write_text(json.dumps({"weight_map": dict.fromkeys(table["weight_map"], "../lost")}))
    with pytest.raises(CheckpointError, match="outside its folder"):
        VideoTransformer.from_pretrained(tmp_path)


def test_files_without_metadata_are_known_by_their_keys(tmp_path: Path) -> None:
    """Sizes come from shapes, and the release from the keys of the VAE."""
    from ltx.checkpoint.source import open_part

    with torch.device("meta"):
        vae = VideoVAE(VAEConfig.from_dict(VAE_FIELDS["0.9.5"]))
    small = {f"vae.{key}": torch.zeros(0) for key in vae.state_dict()}
    tensors = {f"model.diffusion_model.{key}": tensor for key, tensor in tiny_transformer(2).state_dict().items()}
    path = tmp_path / "a.safetensors"
    save_file({**small, **tensors}, path)
    assert VAEConfig.from_dict(open_part(path, VAE).fields) == vae.config
    fields = open_part(path, TRANSFORMER).fields
    assert (fields["num_layers"], fields["cross_attention_dim"], fields["caption_channels"]) == (2, 32, 16)
    assert fields["causal_temporal_positioning"]
