"""The autoencoder's objective: its terms, its gradients, and that it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from foresight.cli.compose import instantiate_plain, resolve
from foresight.data.batch import ClipBatch
from foresight.training.objectives.autoencoding import Autoencoded, Autoencoding
from foresight.training.objectives.vae_terms import Adversarial, Divergence, Perceptual, Pixel, Wavelet
from ltx.losses import kl_loss, wavelet_loss
from ltx.vae import VAEConfig, VideoVAE

UP = ["compress_all", {"residual": True, "multiplier": 2}]
CONFIG = {
    "latent_channels": 8,
    "timestep_conditioning": True,
    "encoder_base_channels": 8,
    "decoder_base_channels": 8,
    "encoder_blocks": [
        ["compress_space_res", {"multiplier": 2}],
        ["compress_time_res", {"multiplier": 1}],
        ["compress_all_res", {"multiplier": 1}],
        ["compress_all_res", {"multiplier": 2}],
        ["res_x", 1],
    ],
    "decoder_blocks": [["res_x", 1], UP, UP, UP, ["res_x", 1]],
}
TERMS = {"pixel": Pixel(), "wavelet": Wavelet(), "divergence": Divergence()}
WEIGHTS = {"pixel": 1.0, "wavelet": 0.1, "divergence": 1e-4}


@pytest.fixture
def vae() -> VideoVAE:
    torch.manual_seed(0)
    return VideoVAE(VAEConfig.from_dict(CONFIG)).train()


def objective(**changes: Any) -> Autoencoding:
    given = {"terms": TERMS, "weights": WEIGHTS, "lengths": [9], "level": 0.2, "momentum": 0.1}
    return Autoencoding(**given | changes)


def clip(batch: int = 2) -> ClipBatch:
    """A bright square that moves over a slope of colour."""
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 32), indexing="ij")
    video = torch.stack([rows, columns, -rows]).mul(0.5).unsqueeze(1).repeat(1, 9, 1, 1)
    for frame in range(9):
        video[:, frame, 8:16, 2 * frame : 2 * frame + 8] = 0.9
    return ClipBatch(video.expand(batch, -1, -1, -1, -1).contiguous(), ("",) * batch, 8.0, (0,) * batch)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_the_loss_is_the_weighted_sum_of_its_terms(vae: Any) -> None:
    """Each term's own value is logged under its name, and the sum is theirs."""
    values = objective()(vae, clip(), seeded())
    assert set(values) == {"loss", "pixel/loss", "wavelet/loss", "divergence/loss"}
    expected = sum(WEIGHTS[name] * values[f"{name}/loss"] for name in WEIGHTS)
    torch.testing.assert_close(values["loss"], expected)


def test_lengths_that_do_not_fit_are_not_drawn(vae: Any) -> None:
    """Clips of 9 frames under a recipe for 25: whatever is drawn, they are trained on whole; none fitting is told."""
    usual = objective()(vae, clip(), torch.Generator().manual_seed(3))["loss"]
    for lengths in ([9, 17, 25], [17, 9], [25, 9]):
        assert objective(lengths=lengths)(vae, clip(), torch.Generator().manual_seed(3))["loss"] == usual
    with pytest.raises(ValueError, match="windows of 1 to 9 frames, got 17"):
        objective(lengths=[17])(vae, clip(), seeded())


def test_terms_judge_output_and_posterior() -> None:
    """Pixel error, wavelets and divergence are those of ltx.losses, on the right tensors."""
    video, output = torch.rand(1, 3, 9, 32, 32), torch.rand(1, 3, 9, 32, 32)
    result = Autoencoded(video, output, torch.randn(1, 8, 2, 1, 1), torch.randn(1, 1, 2, 1, 1))
    found = {name: term(result, seeded())["loss"] for name, term in TERMS.items()}
    torch.testing.assert_close(found["pixel"], nn.functional.mse_loss(output, video))
    torch.testing.assert_close(found["wavelet"], wavelet_loss(output, video))
    torch.testing.assert_close(found["divergence"], kl_loss(result.mean, result.log_variance))


def test_gradients_reach_every_parameter(vae: Any) -> None:
    """All weights of encoder, decoder and discriminator get a gradient that is not zero."""
    terms = {**TERMS, "adversarial": Adversarial(widths=[4, 8], groups=2)}
    whole = objective(terms=terms, weights={**WEIGHTS, "adversarial": 0.1})
    for parameter in vae.parameters():  # off the start of zero that a fresh bias has
        if parameter.requires_grad:
            parameter.data.add_(0.02 * torch.randn_like(parameter))
    whole(vae, clip(), seeded())["loss"].backward()
    trained = [*vae.named_parameters(), *whole.named_parameters()]
    wanted = [(name, parameter.grad) for name, parameter in trained if parameter.requires_grad]
    without = [name for name, grad in wanted if grad is None or not grad.isfinite().all() or not grad.any()]
    assert not without and len(list(whole.parameters())) == 8


def test_the_decoder_is_told_the_level_of_the_noise_it_sees(vae: Any) -> None:
    """Levels lie in [0, 0.2], differ within a batch, and are what is mixed in; the statistics follow the latents."""
    told = []
    decoder = vae.decoder

    class Spy(nn.Module):
        def forward(self, latents, levels):
            told.append((latents, levels))
            return decoder(latents, levels)

    vae.decoder = Spy()
    whole = objective()
    result = whole.autoencode(vae, clip(batch=16).video, seeded())
    levels = told[0][1]
    assert levels.min() >= 0 and levels.max() <= 0.2 and levels.max() - levels.min() > 0.1
    statistics = vae.per_channel_statistics
    torch.testing.assert_close(statistics.get_buffer("mean-of-means"), result.mean.mean((0, 2, 3, 4)).detach())
    draws = seeded()
    noises = [torch.randn(result.mean.shape, generator=draws)]
    torch.rand(16, generator=draws)
    noises.append(torch.randn(result.mean.shape, generator=draws))
    clean = statistics.normalize(result.mean + torch.exp(0.5 * result.log_variance) * noises[0])
    share = levels.view(-1, 1, 1, 1, 1)
    expected = statistics.denormalize((1 - share) * clean + share * noises[1])
    torch.testing.assert_close(told[0][0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_overfits_one_clip(vae: Any) -> None:
    """200 steps on one clip bring the squared error well below the clip's variance, that of its mean colour alone."""
    whole, batch, draws = objective(level=0.05), clip(1), seeded()
    optimizer = torch.optim.Adam(vae.parameters(), lr=4e-3)
    errors = []
    for _ in range(200):
        optimizer.zero_grad()
        values = whole(vae, batch, draws)
        values["loss"].backward()
        optimizer.step()
        errors.append(values["pixel/loss"].item())
    variance = batch.video.var(dim=(0, 2, 3, 4)).mean().item()
    assert errors[0] > 1.5 * variance and sum(errors[-10:]) / 10 < 0.75 * variance, (errors[0], errors[-10:], variance)


def test_the_discriminator_learns_a_toy_pair() -> None:
    """Told a video and its blurred copy in random order, it soon beats guessing (ln 2 each) clearly."""
    torch.manual_seed(0)
    term, draws = Adversarial(widths=[8, 16], groups=4), seeded()
    optimizer = torch.optim.Adam(term.parameters(), lr=3e-3)
    values = {}
    for _ in range(60):
        video = torch.rand(8, 3, 4, 16, 16, generator=draws) * 2 - 1
        blurred = nn.functional.avg_pool3d(video, (1, 3, 3), 1, (0, 1, 1))
        result = Autoencoded(video, blurred, torch.zeros(8, 8, 1, 1, 1), torch.zeros(8, 1, 1, 1, 1))
        optimizer.zero_grad()
        values = term(result, draws)
        values["loss"].backward()
        optimizer.step()
    assert values["discriminator"] < 0.2 and values["generator"] > 1.5


def test_absent_perceptual_weights_are_named(tmp_path: Path) -> None:
    """Without its files the term cannot be made, and the message says which file is expected where."""
    with pytest.raises(FileNotFoundError, match=r"VGG-16.*nowhere\.pth"):
        Perceptual(backbone=str(tmp_path / "nowhere.pth"), heads=None)


def test_impossible_settings_are_refused(vae: Any) -> None:
    """Terms without weights, a level of 1, no lengths, and noise for a decoder that cannot be told."""
    with pytest.raises(ValueError, match="weight for each term"):
        objective(weights={"pixel": 1.0})
    for wrong in ({"level": 1.0}, {"lengths": []}):
        with pytest.raises(ValueError, match=r"level in \[0, 1\)"):
            objective(**wrong)
    plain = VideoVAE(VAEConfig.from_dict({**CONFIG, "timestep_conditioning": False}))
    with pytest.raises(ValueError, match="expected level 0"):
        objective()(plain, clip(), seeded())


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("autoencoding", ["divergence", "pixel", "wavelet"]),
        ("autoencoding_adversarial", ["adversarial", "divergence", "pixel", "wavelet"]),
    ],
)
def test_a_recipe_can_name_it(name: str, terms: Any) -> None:
    """The recipe of the small VAE takes either objective, with its terms and a weight for each."""
    config = resolve("train", ["experiment=tiny/vae", f"objective={name}"])
    assert sorted(instantiate_plain(config["objective"]).terms) == terms


def test_the_full_objective_needs_weights_that_are_not_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """LPIPS is the fifth term, and says so where its files are missing."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    config = resolve("train", ["experiment=tiny/vae", "objective=autoencoding_full"])
    assert set(config["objective"]["terms"]) == {"adversarial", "divergence", "perceptual", "pixel", "wavelet"}
    with pytest.raises(Exception, match="VGG-16"):
        instantiate_plain(config["objective"])
