"""Whole checkpoints in either released format: one official file or a diffusers folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.parts import CAUSAL, TRANSFORMER, VAE
from ltx.checkpoint.read import Weights, read_object
from ltx.checkpoint.save import save_model, save_official
from ltx.checkpoint.source import open_part
from ltx.checkpoint.write import write_json
from ltx.flow.scheduler import SchedulerConfig
from ltx.transformer.model import VideoTransformer
from ltx.vae.model import VideoVAE

SCHEDULER_FILE = "scheduler_config.json"
STEPS = "allowed_inference_steps"


@dataclass(frozen=True)
class Checkpoint:
    """What one official file holds: everything but the text encoder."""

    transformer: VideoTransformer
    vae: VideoVAE
    scheduler: SchedulerConfig

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
    ) -> Checkpoint:
        """Read all three from an official file, a folder, a named model or a hub id.

        Raises:
            CheckpointError: if one of them is not there, or is not exactly what its configuration says.
        """
        return cls(
            VideoTransformer.from_pretrained(where, dtype=dtype, device=device, revision=revision),
            VideoVAE.from_pretrained(where, dtype=dtype, device=device, revision=revision),
            read_scheduler(where, revision=revision),
        )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the diffusers folder: transformer/, vae/, scheduler/, model_index.json.

        Raises:
            CheckpointError: if writing fails; each part there before is untouched or complete.
        """
        folder = Path(folder)
        save_model(self.transformer, TRANSFORMER, folder / TRANSFORMER.name)
        save_model(self.vae, VAE, folder / VAE.name)
        allowed = self.scheduler.allowed_times
        write_json(
            folder / "scheduler" / SCHEDULER_FILE,
            {**self.scheduler.to_diffusers(), f"_{STEPS}": None if allowed is None else list(allowed)},
        )
        # Only the condition pipeline of diffusers gives tokens their causal positions.
        causal = self.transformer.config.causal_temporal_positioning
        pipeline = "LTXConditionPipeline" if causal else "LTXPipeline"
        write_json(
            folder / "model_index.json",
            {
                "_class_name": pipeline,
                "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
                "text_encoder": [None, None],
                "tokenizer": [None, None],
                "transformer": ["diffusers", TRANSFORMER.diffusers_class],
                "vae": ["diffusers", VAE.diffusers_class],
            },
        )

    def save_official(self, path: str | Path) -> None:
        """Write the official single file.

        Raises:
            CheckpointError: if writing fails; the old file is untouched.
        """
        allowed = self.scheduler.allowed_times
        extra = {"scheduler": self.scheduler.to_official(), **({} if allowed is None else {STEPS: list(allowed)})}
        save_official(path, [(TRANSFORMER, self.transformer), (VAE, self.vae)], extra=extra)


def convert(where: str | Path, to: str | Path, *, dtype: torch.dtype | None = None) -> None:
    """Convert a checkpoint: to the official file if the target ends in `.safetensors`, else to a diffusers folder.

    Args:
        where: anything `Checkpoint.from_pretrained` reads.
        to: where to write.
        dtype: type of the written weights; None keeps the stored one (float8 becomes bfloat16).

    Raises:
        CheckpointError: if reading or writing fails.
    """
    checkpoint = Checkpoint.from_pretrained(where, dtype=dtype)
    if Path(to).suffix == ".safetensors":
        checkpoint.save_official(to)
    else:
        checkpoint.save_pretrained(to)


def read_scheduler(where: str | Path, *, revision: str | None = None) -> SchedulerConfig:
    """How a checkpoint spaces its times.

    A file without a scheduler object gets that of its release: shifted uniform times before 0.9.5, linear-quadratic
    times from then on.

    Raises:
        CheckpointError: if there is no such checkpoint, or no LTX-Video scheduler in it.
    """
    path = resolve(where, "scheduler", revision)
    try:
        if path.is_file():
            config = Weights((path,)).config()
            steps = config.get(STEPS)
            allowed = tuple(float(step) for step in steps) if steps is not None else None
            if "scheduler" in config:
                return SchedulerConfig.from_official(config["scheduler"], allowed)
            causal = open_part(path, TRANSFORMER).fields.get(CAUSAL, False)
            return SchedulerConfig(allowed_times=allowed) if causal else SchedulerConfig("uniform", "tokens", 0.1)
        file = next((f for f in (path / "scheduler" / SCHEDULER_FILE, path / SCHEDULER_FILE) if f.is_file()), None)
        if file is None:
            raise CheckpointError(f"expected scheduler/{SCHEDULER_FILE} in {path}")
        fields = read_object(file)
        steps = fields.get(f"_{STEPS}")
        read = SchedulerConfig.from_diffusers(fields)
        return SchedulerConfig(read.spacing, read.shifting, read.terminal, tuple(steps) if steps is not None else None)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the scheduler of {path}: {error}") from error
