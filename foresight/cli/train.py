"""`foresight train`: train a model from a recipe; a run that was stopped goes on where it was."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning import Callback, LightningDataModule, Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import nn
from torch.optim import Optimizer

from foresight.cli.account import give_account, give_reconstruction
from foresight.cli.console import console
from foresight.cli.moved import present
from foresight.errors import UserError
from foresight.reproducibility.fingerprint import differences
from foresight.training.best import BestCheckpoint
from foresight.training.checkpoint import VerifiedCheckpointIO, newest, step_of, steps
from foresight.training.ema import EMA
from foresight.training.export import AssembledWorld, Writes
from foresight.training.extras import Extras
from foresight.training.loggers import check_loggers, named_loggers
from foresight.training.lora import LoRAExport
from foresight.training.module import TrainingModule
from foresight.training.objective import Objective
from foresight.training.settings import check_trainer, never_validates
from ltx.files import write_text

LIMITS = ("trainer", "callbacks", "run", "export", "logger", "extras")
"""Entries of a configuration that may change between the parts of one run: they say how long and where, not what."""


def check(config: Mapping[str, Any]) -> None:
    """Refuse settings of the trainer before networks are read.

    Raises:
        UserError: if one is out of its range, has no effect, or the run has no name.
    """
    if not str(config["run"]).strip():
        raise UserError(expected="the name of a folder", got=repr(config["run"]), remedy="give run= a name")
    check_trainer(config.get("trainer") or {})
    check_loggers(config.get("logger") or [])


def early(*, data: LightningDataModule) -> None:
    """Encode what is missing before the other parts are read: two large networks need not be in memory at once."""
    if int(os.environ.get("LOCAL_RANK", "0")) == 0:
        data.prepare_data()


@dataclass(frozen=True)
class Recipe:
    """Network, data and optimization of a training.

    Args:
        network: to train.
        objective: to minimise.
        data: training and validation batches.
        optimizer: see `GroupedOptimizer`.
        schedule: factor of the learning rate per optimizer step.
        seed: of the noise.
    """

    network: nn.Module
    objective: Objective
    data: LightningDataModule
    optimizer: Callable[[Iterable[tuple[str, nn.Parameter]]], Optimizer]
    schedule: Callable[[int], float]
    seed: int


@dataclass(frozen=True)
class Session:
    """Trainer, callbacks and loggers of a training.

    Args:
        trainer: Lightning's, still to be given callbacks and plug-ins.
        callbacks: by name, None for one that is left out; an `EMA` among them decides what is exported.
        logger: names of further loggers, see `named_loggers`; each receives the configuration.
        extras: usual habits.
    """

    trainer: Callable[..., Trainer]
    callbacks: Mapping[str, Callback | None]
    logger: str | Sequence[str]
    extras: Extras


def train(
    *,
    what: Recipe,
    session: Session,
    export: Sequence[Writes],
    run: str | Path,
    config: Mapping[str, Any],
) -> None:
    """Train, checkpoint into `<run>/checkpoints`, and write the trained parts when done.

    Started again with the same run, it resumes exactly from the newest checkpoint that verifies.

    Args:
        what: what is trained, and how.
        session: where and how long.
        export: parts to write at the end.
        run: folder of this run.
        config: plain configuration, recorded and compared on resuming.

    Raises:
        ValueError: if the run was started from another recipe.
        KeyboardInterrupt: after Ctrl-C; the last optimizer step is saved, unless it was pressed twice.
    """
    settings = config.get("trainer", {})
    _quiet(profiled=bool(settings.get("profiler")))
    folder = Path(run)
    kept = [callback for callback in session.callbacks.values() if callback is not None]
    more, loggers = session.extras.callbacks(folder), named_loggers(session.logger, folder)
    fit = session.trainer(callbacks=[*kept, *more], plugins=[VerifiedCheckpointIO()], default_root_dir=folder)
    fit.loggers = [*fit.loggers, *loggers]
    # A short training is logged at its end. Lightning declares the attribute nowhere.
    fit.log_every_n_steps = min(fit.log_every_n_steps, fit.max_steps)  # type: ignore[attr-defined]
    for one in loggers:
        one.log_hyperparams(dict(config))
    _record(folder, config)
    if never_validates(settings):
        interval = settings["val_check_interval"]
        console.print(
            f"no validation: trainer.max_steps={fit.max_steps} ends before trainer.val_check_interval={interval}"
        )
    module = TrainingModule(
        model=what.network,
        objective=what.objective,
        optimizer=what.optimizer,
        schedule=what.schedule,
        seed=what.seed,
    )
    checkpoint = newest(folder / "checkpoints")
    if checkpoint is None and fit.is_global_zero:
        give_account(what.data)
        give_reconstruction(what.data, what.network)
    if checkpoint is not None:
        console.print(f"going on from {checkpoint}")
        if step_of(checkpoint) >= fit.max_steps:
            console.print(f"nothing is left to train: it holds all of trainer.max_steps={fit.max_steps} steps")
    try:
        fit.fit(module, what.data, ckpt_path=checkpoint, weights_only=True)
    except SIGTERMException:
        raise
    except SystemExit as error:  # Lightning's answer to Ctrl-C
        if fit.is_global_zero:
            print(f"foresight: {_stopped(folder / 'checkpoints')}", file=sys.stderr)
        raise KeyboardInterrupt from error
    if fit.is_global_zero:
        if fit.global_step < fit.max_steps:
            console.print(f"ended early: step {fit.global_step} of trainer.max_steps={fit.max_steps}")
        averages = [callback for callback in kept if isinstance(callback, EMA)]
        for best in (one for one in more if isinstance(one, BestCheckpoint)):
            if best.restore(module, averages):
                console.print(f"written as it was at step {best.step}: best {best.figure}, {best.value:.4g}")
        write_exports(module, averages, export)
        for world in (one for one in export if isinstance(one, AssembledWorld)):
            console.print(f'next: foresight predict model={world.folder} video=clip.mp4 instruction="…" verifier=none')
        for lora in (one for one in export if isinstance(one, LoRAExport)):
            console.print(f"next: {lora.next}", markup=False)


def _stopped(folder: Path) -> str:
    """State that an interruption leaves, in a line."""
    saved = steps(folder)
    if not saved:
        return "interrupted before anything was saved; the same command starts afresh"
    return f"interrupted; the same command goes on from {saved[0]}"


def write_exports(module: TrainingModule, averages: Sequence[EMA], exports: Sequence[Writes]) -> None:
    """Write the trained parts, averaged where an average was kept."""
    if averages:
        with averages[0].applied(module):
            return write_exports(module, [], exports)
    for export in exports:
        export.write(module.model)
    for folder in dict.fromkeys(str(export.folder) for export in exports):  # several may write into one
        console.print(f"wrote {folder}")


def _record(folder: Path, config: Mapping[str, Any]) -> None:
    """Keep the configuration of the first part of the run; a later part must not train something else."""
    path = folder / "config.json"
    now = json.loads(json.dumps(_lasting(config)))
    if path.is_file():
        changed = differences(now, _lasting(present(json.loads(path.read_text(encoding="utf-8")))))
        if changed:
            raise ValueError(
                f"expected the recipe that {folder} was started with, got another: {'; '.join(changed[:3])}; "
                "give run=… another name to start afresh"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(now, indent=2) + "\n")


def _lasting(config: Mapping[str, Any]) -> dict[str, Any]:
    """Entries that a run keeps from its first part on; it may become longer, and its schedule with it."""
    kept = {key: value for key, value in config.items() if key not in LIMITS}
    if isinstance(kept.get("schedule"), Mapping):
        kept["schedule"] = {key: value for key, value in kept["schedule"].items() if key != "steps"}
    return kept


def _quiet(*, profiled: bool) -> None:
    """Drop Lightning's notes that say nothing about this training; warnings of ours stay, and a profile's report."""
    if not profiled:
        for name in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero"):
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    # Which networks train is decided when training starts, just after Lightning has counted those in eval mode.
    quiet = [
        "isinstance.treespec",
        "does not have many workers",
        "weights_only",
        "litlogger",
        "in eval mode at the",
        # An epoch of limited length goes on in the data and in the log, and so does one that is resumed.
        "smaller than the logging interval",
        "your dataloader is not resumable",
    ]
    for part in quiet:
        warnings.filterwarnings("ignore", message=f".*{part}")
