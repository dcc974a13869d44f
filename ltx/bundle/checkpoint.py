"""A whole checkpoint but for the text encoder, in either released format: one official file or a diffusers folder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from ltx.bundle.index import Notes, write_index
from ltx.bundle.recognise import recognise
from ltx.checkpoint.errors import CheckpointError
from ltx.checkpoint.hub import resolve
from ltx.checkpoint.identity import Identity
from ltx.checkpoint.read import Weights, read_object
from ltx.checkpoint.save import save_official
from ltx.checkpoint.source import open_part
from ltx.checkpoint.write import write_json
from ltx.flow.scheduler import SchedulerConfig
from ltx.transformer.model import VideoTransformer
from ltx.transformer.part import CAUSAL, TRANSFORMER
from ltx.vae.model import VideoVAE
from ltx.vae.part import VAE

SCHEDULER_FILE = "scheduler_config.json"
STEPS = "allowed_inference_steps"
OFFICIAL = "_official_scheduler"


@dataclass(frozen=True)
class Checkpoint:
    """The content of one official file: everything but the text encoder.

    Attributes:
        transformer: predicts velocities.
        vae: between pixels and latents.
        scheduler: how times are spaced.
        notes: where the parts come from, and how they are meant to be sampled.
        identity: which release it is.
    """

    transformer: VideoTransformer
    vae: VideoVAE
    scheduler: SchedulerConfig
    notes: Notes = field(default_factory=Notes)
    identity: Identity = field(default_factory=Identity)

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
    ) -> Checkpoint:
        """Read all three from an official file, a folder, a named model or a hub id.

        Raises:
            CheckpointError: if one of them is not there, or is not exactly what its configuration says.
        """
        transformer = VideoTransformer.from_pretrained(where, dtype=dtype, device=device, revision=revision)
        vae = VideoVAE.from_pretrained(where, dtype=dtype, device=device, revision=revision)
        scheduler = read_scheduler(where, revision=revision)
        listed = scheduler.allowed_times is not None
        notes, identity = recognise(where, listed_times=listed, revision=revision)
        return cls(transformer, vae, scheduler, notes, identity)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the diffusers folder: transformer/, vae/, scheduler/, model_index.json.

        Raises:
            CheckpointError: if writing fails; each part there before is untouched or complete.
        """
        self.save_parts(Path(folder))
        self.save_index(Path(folder), with_text=False)

    def save_parts(self, folder: Path) -> None:
        """Write transformer/, vae/ and scheduler/.

        Raises:
            CheckpointError: if writing fails; each part there before is untouched or complete.
        """
        self.transformer.save_pretrained(folder / TRANSFORMER.name)
        self.vae.save_pretrained(folder / VAE.name)
        allowed = self.scheduler.allowed_times
        write_json(
            folder / "scheduler" / SCHEDULER_FILE,
            {
                **self.scheduler.to_diffusers(),
                f"_{STEPS}": None if allowed is None else list(allowed),
                # diffusers' fields cannot say how times are spaced.
                OFFICIAL: self.scheduler.to_official(),
            },
        )

    def save_index(self, folder: Path, *, with_text: bool) -> None:
        """Write model_index.json, when all parts are there.

        Raises:
            CheckpointError: if writing fails; the old index is untouched.
        """
        causal = self.transformer.config.causal_temporal_positioning
        write_index(folder, self.notes, causal=causal, with_text=with_text)

    def save_official(self, path: str | Path) -> None:
        """Write the official single file.

        Raises:
            CheckpointError: if writing fails; the old file is untouched.
        """
        allowed = self.scheduler.allowed_times
        extra = {"scheduler": self.scheduler.to_official(), **({} if allowed is None else {STEPS: list(allowed)})}
        # The released code reads the fields it knows; these make the file tell what it is, whatever it is called.
        extra |= {name: value for name, value in self.notes.fields().items() if value}
        save_official(path, [(TRANSFORMER, self.transformer), (VAE, self.vae)], extra=extra)


def read_scheduler(where: str | Path, *, revision: str | None = None) -> SchedulerConfig:
    """Read the scheduler of a checkpoint.

    A file or folder without a scheduler gets that of its release: shifted uniform times before 0.9.5,
    linear-quadratic times from then on.

    Raises:
        CheckpointError: if there is no such checkpoint, or no LTX-Video scheduler in it.
    """
    path = resolve(where, "scheduler", revision)
    try:
        if path.is_file():
            config = Weights((path,)).config()
            steps = config.get(STEPS)
            allowed = tuple(float(step) for step in steps) if steps else None
            if "scheduler" in config:
                return SchedulerConfig.from_official(config["scheduler"], allowed)
            return _of_release(path, allowed)
        file = next((f for f in (path / "scheduler" / SCHEDULER_FILE, path / SCHEDULER_FILE) if f.is_file()), None)
        if file is None:
            if (path / TRANSFORMER.name).is_dir():
                return _of_release(path, None)
            raise CheckpointError(f"expected scheduler/{SCHEDULER_FILE} in {path}")
        fields = read_object(file)
        steps = fields.get(f"_{STEPS}")
        allowed = tuple(float(step) for step in steps) if steps else None
        if OFFICIAL in fields:
            return SchedulerConfig.from_official(fields[OFFICIAL], allowed)
        return replace(SchedulerConfig.from_diffusers(fields), allowed_times=allowed)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the scheduler of {path}: {error}") from error


def _of_release(path: Path, allowed: tuple[float, ...] | None) -> SchedulerConfig:
    """The scheduler of a release, by whether its transformer has causal positions."""
    causal = open_part(path, TRANSFORMER).fields.get(CAUSAL, False)
    return SchedulerConfig(allowed_times=allowed) if causal else SchedulerConfig("uniform", "tokens", 0.1)
