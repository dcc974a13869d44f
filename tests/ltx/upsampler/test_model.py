from pathlib import Path

import pytest
import torch
from diffusers.pipelines.ltx.modeling_latent_upsampler import LTXLatentUpsamplerModel

from ltx.checkpoint import CheckpointError, save_official
from ltx.upsampler import LatentUpsampler, UpsamplerConfig
from ltx.upsampler.part import UPSAMPLER

# dims, spatial, temporal, shape of the result, parameters of the tiny model
KINDS = [
    pytest.param(3, True, False, (3, 8, 10), 161_896, id="space"),
    pytest.param(3, False, True, (5, 4, 5), 180_264, id="time"),
    pytest.param(3, True, True, (5, 8, 10), 346_344, id="both"),
    pytest.param(2, True, False, (3, 8, 10), 78_952, id="frame by frame"),
]


def config(dims: int = 3, spatial: bool = True, temporal: bool = False) -> UpsamplerConfig:
    return UpsamplerConfig(
        in_channels=8,
        mid_channels=32,
        num_blocks_per_stage=1,
        dims=dims,
        spatial_upsample=spatial,
        temporal_upsample=temporal,
    )


def latents(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 8, 3, 4, 5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("dims", "spatial", "temporal", "size", "parameters"), KINDS)
def test_it_is_the_released_network(
    dims: int, spatial: bool, temporal: bool, size: tuple[int, int, int], parameters: int
) -> None:
    """With the same weights the output equals diffusers' to the last bit, in every kind."""
    torch.manual_seed(0)
    ours = LatentUpsampler(config(dims, spatial, temporal)).eval()
    theirs = LTXLatentUpsamplerModel(**ours.config.to_dict()).eval()
    # Not only the initial ones and zeros of the norms.
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    theirs.load_state_dict(ours.state_dict())
    with torch.no_grad():
        expected, found = theirs(latents()), ours(latents())
    assert found.shape == (2, 8, *size)
    assert (found - expected).abs().max() == 0.0
    assert sum(p.numel() for p in ours.parameters()) == parameters


@pytest.mark.parametrize(
    ("spatial", "temporal", "parameters"),
    [(True, False, 126_250_624), (False, True, 130_968_192), (True, True, 173_438_592)],
)
def test_full_size_has_the_released_parameters(spatial: bool, temporal: bool, parameters: int) -> None:
    """Names, shapes and number of parameters are those of diffusers' full-size class: 72 tensors."""
    sizes = dict(
        in_channels=128,
        mid_channels=512,
        num_blocks_per_stage=4,
        dims=3,
        spatial_upsample=spatial,
        temporal_upsample=temporal,
    )
    with torch.device("meta"):
        ours, theirs = LatentUpsampler(UpsamplerConfig(**sizes)), LTXLatentUpsamplerModel(**sizes)
    shapes = {name: tensor.shape for name, tensor in ours.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in theirs.state_dict().items()}
    assert len(shapes) == 72
    assert sum(p.numel() for p in ours.parameters()) == parameters


def test_samples_do_not_see_each_other() -> None:
    """Changing one sample of a batch leaves the others as they were."""
    torch.manual_seed(0)
    model = LatentUpsampler(config(temporal=True)).eval()
    x = latents()
    y = x.clone()
    y[1] += 1
    with torch.no_grad():
        torch.testing.assert_close(model(x)[0], model(y)[0], rtol=0, atol=1e-6)


def test_frame_by_frame_means_frame_by_frame() -> None:
    """With dims 2 the frames of a video give what each gives alone."""
    torch.manual_seed(0)
    model = LatentUpsampler(config(dims=2)).eval()
    x = latents()
    with torch.no_grad():
        alone = torch.cat([model(x[:, :, f : f + 1]) for f in range(3)], dim=2)
        torch.testing.assert_close(model(x), alone, rtol=1e-5, atol=1e-6)


def test_wrong_channels_are_refused() -> None:
    """The message says what was expected and what came."""
    with pytest.raises(ValueError, match=r"expected latents \(batch, 8, .*got \(1, 4, 3, 4, 5\)"):
        LatentUpsampler(config())(torch.zeros(1, 4, 3, 4, 5))
    with pytest.raises(ValueError, match="expected latents"):
        LatentUpsampler(config())(torch.zeros(8, 3, 4, 5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_channels": 0}, "at least one channel"),
        ({"num_blocks_per_stage": 0}, "one block per stage"),
        ({"mid_channels": 48}, "multiple of 32"),
        ({"dims": 1}, "dims 2 or 3"),
        ({"spatial_upsample": False}, "spatial_upsample, temporal_upsample or both"),
        ({"dims": 2, "temporal_upsample": True}, "expected dims 3"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(change: dict[str, object], message: str) -> None:
    """Each wrong size is named before any weight is made."""
    with pytest.raises(ValueError, match=message):
        UpsamplerConfig(**{**config().to_dict(), **change})


def test_missing_fields_mean_what_the_release_takes_for_them() -> None:
    """An empty metadata object is 4 / 128 / 4 / 2 / space only; unknown fields are refused by name."""
    found = UpsamplerConfig.from_dict({"_class_name": "LatentUpsampler"})
    assert found == UpsamplerConfig(
        in_channels=4, mid_channels=128, num_blocks_per_stage=4, dims=2, spatial_upsample=True, temporal_upsample=False
    )
    with pytest.raises(ValueError, match="depth"):
        UpsamplerConfig.from_dict({"depth": 3})


@pytest.mark.parametrize(("dims", "spatial", "temporal"), [kind.values[:3] for kind in KINDS])
def test_files_and_folders_give_the_same_model_back(tmp_path: Path, dims: int, spatial: bool, temporal: bool) -> None:
    """A diffusers folder, an official file, and an official file without metadata all read back bit for bit."""
    model = LatentUpsampler(config(dims, spatial, temporal))
    model.save_pretrained(tmp_path / "folder")
    save_official(tmp_path / "file.safetensors", [(UPSAMPLER, model)])
    for where in (tmp_path / "folder", tmp_path / "file.safetensors"):
        read = LatentUpsampler.from_pretrained(where)
        assert read.config == model.config and not read.training
        assert all(torch.equal(tensor, read.state_dict()[name]) for name, tensor in model.state_dict().items())
    theirs = LTXLatentUpsamplerModel.from_pretrained(tmp_path / "folder")
    with torch.no_grad():
        assert torch.equal(theirs(latents()), model(latents()))


def test_sizes_come_from_shapes_where_a_file_says_nothing(tmp_path: Path) -> None:
    """A file without metadata is recognised in each kind."""
    from safetensors.torch import save_file

    for number, (dims, spatial, temporal) in enumerate(kind.values[:3] for kind in KINDS):
        model = LatentUpsampler(config(dims, spatial, temporal))
        folder = tmp_path / str(number)
        folder.mkdir()
        save_file(model.state_dict(), folder / "bare.safetensors")
        assert LatentUpsampler.from_pretrained(folder / "bare.safetensors").config == model.config


def test_an_upsampler_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Its official file is flat, so nothing can be put beside it."""
    model = LatentUpsampler(config())
    with pytest.raises(CheckpointError, match="official file of its own"):
        save_official(tmp_path / "a.safetensors", [(UPSAMPLER, model)], extra={"scheduler": {}})
