"""What trains is in training mode and what is frozen in evaluation mode, in whichever mode a recipe's networks come."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from torch import Tensor, nn

from foresight.data.batch import ClipBatch
from foresight.data.datamodule import StreamData
from foresight.training.modes import set_modes
from foresight.training.module import TrainingModule
from foresight.training.objectives.autoencoding import Autoencoding
from foresight.training.objectives.vae import Reconstruction, Stage
from foresight.training.objectives.vae_terms import Pixel
from foresight.training.optimizer import GroupedOptimizer, ParameterGroup
from ltx.vae import VAEConfig, VideoVAE

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
    ],
    "decoder_blocks": [["compress_all", {"residual": True, "multiplier": 2}]] * 3 + [["res_x", 1]],
}
LEVEL = 0.2
OBJECTIVES = {
    "reconstruction": Reconstruction(stages=[Stage(1, (9,), 3.0, 0.1)], divergence=1e-4, level=LEVEL, momentum=0.1),
    "autoencoding": Autoencoding(
        terms={"pixel": Pixel()}, weights={"pixel": 1.0}, lengths=[9], level=LEVEL, momentum=0.1
    ),
}


class Clips:
    """Two clips of noise."""

    def prepare(self) -> None:
        pass

    def recipe(self) -> dict[str, Any]:
        return {}

    def __len__(self) -> int:
        return 2

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        video = torch.rand(2, 3, 9, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
        return ClipBatch(video[list(indices)], ("",) * len(indices), 8.0, tuple(indices))


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("read", [True, False], ids=["read", "fresh"])
def test_a_decoder_is_trained_as_configured_whichever_weights_it_starts_from(
    tmp_path: Path, name: str, read: bool
) -> None:
    """In every training step the decoder is told noise levels drawn up to the configured one, and its input is noised.

    Whether the VAE was read, and so came in evaluation mode, or made afresh; validation, in between, stays without.
    """
    torch.manual_seed(0)
    vae = VideoVAE(VAEConfig.from_dict(CONFIG)).train(not read)
    told: list[tuple[bool, Tensor, Tensor]] = []
    vae.decoder.register_forward_pre_hook(
        lambda module, given: told.append((torch.is_grad_enabled(), given[0].detach().clone(), given[1].clone()))
    )
    modes: list[tuple[bool, ...]] = []
    vae.encoder.register_forward_pre_hook(
        lambda module, given: (
            modes.append((vae.training, vae.encoder.training, vae.decoder.training))
            if torch.is_grad_enabled()
            else None
        )
    )
    module = TrainingModule(
        model=vae,
        objective=OBJECTIVES[name],
        optimizer=GroupedOptimizer(
            optimizer=partial(torch.optim.SGD), groups=[ParameterGroup(r"decoder\..*", 0.0, 0.0)]
        ),
        schedule=lambda step: 1.0,
        seed=3,
    )
    Trainer(
        accelerator="cpu",
        devices=1,
        max_steps=3,
        val_check_interval=1,
        check_val_every_n_epoch=None,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    ).fit(module, StreamData(train=Clips(), validation=Clips(), batch=2, workers=0, seed=5))
    training = [(latents, levels) for grad, latents, levels in told if grad]
    assert modes == [(True, False, True)] * 3, "the frozen encoder stays in evaluation mode"
    assert len(training) == 3
    levels = torch.stack([levels for _, levels in training])
    assert 0 < float(levels.min()) < float(levels.max()) <= LEVEL and len(levels.unique()) == levels.numel()
    assert not torch.equal(training[0][0], training[1][0]), "noise is drawn anew for the same clip"


def test_a_frozen_network_deep_inside_is_in_evaluation_mode() -> None:
    """Part by part: a frozen one in evaluation, one that trains in training, dropout as what is around."""
    frozen, trained = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    frozen.requires_grad_(False)
    whole = nn.ModuleDict({"terms": nn.ModuleDict({"judge": frozen, "learner": trained}), "drop": nn.Dropout(0.1)})
    for start in (True, False):
        whole.train(start)
        set_modes(whole)
        assert not any(part.training for part in frozen.modules())
        assert all(part.training for part in [*trained.modules(), whole, whole["terms"], whole["drop"]])


def test_modes_are_settled_for_the_objective_as_well() -> None:
    """A network of the objective that the optimizer claims trains, even if it was read in evaluation mode."""
    objective: Any = nn.ModuleDict({"head": nn.Linear(2, 2), "teacher": nn.Linear(2, 2)}).eval()
    module = TrainingModule(
        model=nn.Linear(2, 2).eval(),
        objective=objective,
        optimizer=GroupedOptimizer(
            optimizer=partial(torch.optim.SGD), groups=[ParameterGroup(r"weight|objective\.head\..*", 0.1, 0.0)]
        ),
        schedule=lambda step: 1.0,
        seed=0,
    )
    module.configure_optimizers()
    module.on_train_start()
    assert module.model.training and objective["head"].training and not objective["teacher"].training
