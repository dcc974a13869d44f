"""Vision tokens and patches gathered into the cells of the latent grid."""

from __future__ import annotations

import torch

from experiments.alignment.states import AFTER, BEFORE, LATENTS, in_cells, read_states, whole
from experiments.alignment.study import CONFIGS
from foresight.cli.compose import resolve
from foresight.physics import PhysicsConfig, SimulatedSplit, make_clip
from foresight.training.initial import trained_vae, trained_vlm


def test_a_cell_holds_what_lies_in_it() -> None:
    """Of a 4×4 grid with its number in every token, the upper right of 2×2 cells holds 2, 3, 6 and 7, at any time."""
    grid = torch.arange(16.0).view(1, 1, 4, 4, 1).repeat(1, 2, 1, 1, 1)
    cells = in_cells(grid, (2, 2))
    assert cells.shape == (1, 4, 8)
    assert cells[0, 1].tolist() == [2, 3, 6, 7, 2, 3, 6, 7]


def test_a_grid_that_does_not_divide_is_resampled() -> None:
    """3×5 tokens in 2×2 cells become 2×1 per cell; what is the same everywhere stays so."""
    cells = in_cells(torch.full((1, 1, 3, 5, 2), 7.0), (2, 2))
    assert cells.shape == (1, 4, 2 * 2 * 2) and torch.allclose(cells, torch.full_like(cells, 7.0))


def test_a_fine_picture_is_coarsened() -> None:
    """At most 8 rows and columns are read; a coarser grid is left as it is."""
    assert whole(torch.zeros(2, 1, 32, 4, 3)).shape == (2, 8 * 4 * 3)


def test_states_of_the_embedded_models() -> None:
    """Every layer is there, bodies are where the simulation has them, and seeds decide what is read."""
    config = resolve("alignment", [], folders=[CONFIGS])
    vlm = trained_vlm(where=config["vlm"]["where"], layers=[0, 1])
    vae = trained_vae(where=config["ltx"]["where"])
    states = read_states(
        vlm, vae, SimulatedSplit(PhysicsConfig(), "train", 3), batch=2, moments=2, progress=lambda done, of: None
    )
    assert list(states.cells) == [BEFORE, AFTER, "decoder layer 1", LATENTS]
    assert states.seen.shape == states.coming.shape == (3, 4, 128)
    # 64 pixels: 8×8 patches and 4×4 tokens over 2×2 latents, at two moments.
    assert states.cells[BEFORE].shape == (3, 4, 2 * 16 * 96) and states.cells[AFTER].shape == (3, 4, 2 * 4 * 128)
    clip = make_clip(2)
    found = states.here[2][~states.here[2, :, 0].isnan()]
    assert sorted(found[:, 0].tolist()) == sorted(clip.positions[8, :, 0].float().tolist())
    assert states.clip_of_row.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_the_released_models_are_chosen_by_name() -> None:
    """The same study with other models: only where they are changes."""
    config = resolve("alignment", ["vlm=qwen2.5-vl-3b", "ltx=2b-0.9.8-distilled"], folders=[CONFIGS])
    assert (
        config["vlm"]["where"] == "Qwen/Qwen2.5-VL-3B-Instruct" and config["ltx"]["where"] == "ltxv-2b-0.9.8-distilled"
    )
