"""What is said during training about an adapter whose conditioning does nothing, and about one that works."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor

from adapters import ComposeConfig, ICLoRAConfig, LinearConfig, LoRAConfig, ModelPair, QueriesConfig, build_adapter
from foresight.data.batch import FeatureBatch
from foresight.data.datamodule import StreamData
from foresight.training.conditioning_watch import ConditioningWatch, parts
from foresight.training.module import TrainingModule
from foresight.training.objective import Objective
from foresight.training.objectives.adapter import AdaptedTransformer, ContextFlow
from foresight.training.objectives.forecast import ForecastFit
from foresight.training.optimizer import GroupedOptimizer, ParameterGroup
from foresight.training.schedule import WarmupDecay
from ltx.flow import UniformSigma
from ltx.text import TextConditioning
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

PAIRING = ModelPair("small-qwen", 12, 6, (1,), "small-ltx", 8, 16)
LINEAR = LinearConfig(PAIRING, (0.5, 16.0, 16.0))
QUERIES = QueriesConfig(PAIRING, 16, 2, 1, (1.0, 64.0, 64.0), 2, "add")


class Silence:
    """A text encoder of one constant token."""

    def encode(self, prompts: Sequence[str]) -> TextConditioning:
        return TextConditioning(torch.ones(len(prompts), 1, 16), torch.ones(len(prompts), 1, dtype=torch.bool))


class Rows:
    """Clips whose latents are everywhere what the last token of the prompt says."""

    def prepare(self) -> None:
        pass

    def recipe(self) -> dict[str, Any]:
        return {}

    def __len__(self) -> int:
        return 8

    def __getitems__(self, indices: Sequence[int]) -> FeatureBatch:
        rows = torch.tensor(list(indices))
        said = torch.randn(8, 12, generator=torch.Generator().manual_seed(4))[rows]
        seen = torch.tensor([False, True, True, False]).expand(len(rows), -1)
        tokens = torch.zeros(len(rows), 1, 4, 12)
        tokens[:, 0, -1] = said
        tensors = {
            "latents": said[:, :8, None, None, None].expand(-1, -1, 3, 1, 2).contiguous(),
            "vlm_tokens": tokens,
            "vlm_tokens_mask": torch.ones(len(rows), 4, dtype=torch.bool),
            "vlm_vision": seen,
            "vlm_coordinates": torch.ones(len(rows), 3, 4) * seen[:, None],
            "vlm_patches": torch.ones(len(rows), 4, 6),
            "vlm_patch_coordinates": torch.ones(len(rows), 3, 4),
        }
        return FeatureBatch(tensors, ("wait",) * len(rows), 8.0, rows)


def transformer() -> VideoTransformer:
    torch.manual_seed(0)
    config = transformer_config(
        num_attention_heads=2,
        attention_head_dim=12,
        positional_embedding_theta=100.0,
        positional_embedding_max_pos=(4, 64, 64),
    )
    return VideoTransformer(config)


def watch() -> ConditioningWatch:
    return ConditioningWatch(text_encoder=Silence(), context=1, levels=[0.3, 0.7])


def train(
    config: Any, objective: Objective, folder: Path, *, steps: int, rate: float, log: int = 1
) -> list[dict[str, str]]:
    torch.manual_seed(1)
    model = AdaptedTransformer(adapter=build_adapter(config), transformer=transformer())
    groups = [ParameterGroup(r"adapter\..*", rate, 0.0)]
    module = TrainingModule(
        model=model,
        objective=objective,
        optimizer=GroupedOptimizer(optimizer=partial(torch.optim.Adam), groups=groups),
        schedule=WarmupDecay(steps=steps, warmup=0, decay=0.0),
        seed=0,
    )
    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        max_steps=steps,
        callbacks=[watch()],
        logger=CSVLogger(folder, name="", version=""),
        log_every_n_steps=log,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        val_check_interval=steps,
        check_val_every_n_epoch=None,
        use_distributed_sampler=False,
    )
    trainer.fit(module, StreamData(train=Rows(), validation=Rows(), batch=4, workers=0, seed=0))
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_an_adapter_that_does_nothing_is_named_in_one_line(tmp_path: Path, capsys: Any) -> None:
    """A zero gate that never moves: true and other features give the same loss to the bit."""
    flow = ContextFlow(text_encoder=Silence(), sigmas=UniformSigma(0, 1), context=1)
    rows = train(QUERIES, flow, tmp_path, steps=2, rate=0.0)
    said = [line for line in capsys.readouterr().out.splitlines() if "onditioning" in line or "CONDITIONING" in line]
    assert len(said) == 1 and said[0].startswith("step 2: CONDITIONING DOES NOTHING")
    last = {key: float(value) for row in rows for key, value in row.items() if value}
    assert last["conditioning/gain"] == last["conditioning/gain_over_none"] == 0
    assert last["conditioning/loss_true"] == last["conditioning/loss_other"] > 0


def test_an_adapter_that_works_is_praised_and_its_parts_are_weighed(tmp_path: Path, capsys: Any) -> None:
    """Latents that the prompt tells are forecast after a few steps; norms of every part are in the log."""
    rows = train(LINEAR, ForecastFit(weights={"squared_error": 1.0}, context=1), tmp_path, steps=60, rate=0.05)
    assert "Conditioning works" in capsys.readouterr().out
    last = {key: float(value) for row in rows for key, value in row.items() if value}
    assert last["conditioning/gain_low"] > 0.5
    assert last["gradient/projection"] > 0 and last["activation/projection"] > 0 and "gradient/layer_sum" in last


def test_gradients_are_those_of_their_row(tmp_path: Path) -> None:
    """A row every two steps holds norms of that step: the same as in a log of every step, none repeated."""
    told = []
    for log in (1, 2):
        objective = ForecastFit(weights={"squared_error": 1.0}, context=1)
        rows = train(LINEAR, objective, tmp_path / str(log), steps=6, rate=0.05, log=log)
        norms = {row["step"]: row["gradient/projection"] for row in rows if row["gradient/projection"]}
        told.append(norms)
    assert list(told[1]) == ["1", "3", "5"] and len(set(told[1].values())) == 3
    assert told[1] == {step: told[0][step] for step in told[1]}


def test_none_means_without_low_rank_updates() -> None:
    """While "none" is measured the LoRA is off; afterwards it is attached again."""
    torch.manual_seed(1)
    config = ICLoRAConfig(PAIRING, 8, 1, 1, (1.0, 64.0, 64.0), 0.0, LoRAConfig(2, ("attn1.to_v",), blocks=2, width=24))
    model = AdaptedTransformer(adapter=build_adapter(config), transformer=transformer())
    batch = Rows().__getitems__(range(4))

    def losses() -> dict[str, Tensor]:
        return watch().losses(model, batch, torch.Generator().manual_seed(0))

    fresh = losses()
    for _, update in model.adapter.lora.named_updates():
        torch.nn.init.normal_(update.lora_B.weight)
    moved = losses()
    assert torch.equal(fresh["none"], moved["none"])
    assert not torch.allclose(fresh["true"], moved["true"])


def test_parts_of_compositions_have_names() -> None:
    """Members of lists are parts of their own."""
    names = parts(build_adapter(ComposeConfig((LINEAR, QUERIES))))
    assert list(names) == ["parts.0", "parts.1"]
    assert {"reader", "blocks.0", "norm", "out"} == set(parts(build_adapter(QUERIES)))


def test_settings_that_make_no_sense() -> None:
    """No level, or a level of zero."""
    for levels in ([], [0.0]):
        with pytest.raises(ValueError, match="levels in"):
            ConditioningWatch(text_encoder=Silence(), context=1, levels=levels)
