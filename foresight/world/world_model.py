"""The world model: observed video and an instruction in, candidate futures out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, Unpack

import torch
from jaxtyping import Float
from torch import Tensor

from adapters import AbstractAdapter, Conditioning, VLMFeatures
from adapters.lora import check_free
from foresight.progress import StageProgress, silent_stage
from foresight.world.assembly import NamedParts, plan_assembly
from foresight.world.denoiser import ConditionedSequence
from foresight.world.feature_encoder import EncodesFeatures
from foresight.world.parts import PartChanges, WorldParts
from foresight.world.prediction import Prediction
from foresight.world.request import check_clips, check_spoken
from foresight.world.rollout import Rollout
from foresight.world.sampling import NoiseLevel, Sampling
from foresight.world.sampling_config import SamplingConfig
from foresight.world.storage import read_world, write_world
from ltx.flow.noise import seeded
from ltx.offload.placement import Placement
from ltx.offload.request import PlacementRequest, PlacementWords
from ltx.shapes import TIME, VideoShape
from ltx.text import TextConditioning, TextEncoder
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE
from ltx.values import as_pixels

DEFAULT = Sampling()
"""One candidate, as the model's configuration says."""


class WorldModel:
    """LTX-Video steered by a vision-language model through an adapter.

    Args:
        vae: pixels ↔ latents.
        transformer: velocity of the flow.
        text_encoder: encodes the instruction for the transformer; None if the adapter's tokens replace the text.
        vlm: encodes clip and instruction for the adapter; None only if there is no adapter.
        adapter: None for the video model alone, a baseline.
        sampling_config: lengths, schedule and decoding.

    Attributes:
        parts: all of these, and the stages of a prediction.

    Raises:
        ValueError: if the parts do not fit each other, or the transformer computes with the LoRA of an adapter already.
    """

    def __init__(
        self,
        *,
        vae: VideoVAE,
        transformer: VideoTransformer,
        text_encoder: TextEncoder | None,
        vlm: EncodesFeatures | None,
        adapter: AbstractAdapter | None,
        sampling_config: SamplingConfig,
    ) -> None:
        self._join(WorldParts(vae, transformer, text_encoder, vlm, adapter, sampling_config))

    @classmethod
    def of(cls, parts: WorldParts) -> Self:
        """World model of parts that fit each other.

        Raises:
            ValueError: if the transformer computes with the LoRA of an adapter already.
        """
        model = cls.__new__(cls)
        model._join(parts)
        return model

    def _join(self, parts: WorldParts) -> None:
        check_free(parts.transformer)
        parts.vae.eval()
        parts.transformer.eval()
        if parts.adapter is not None:
            parts.adapter.eval().attach(parts.transformer)
        self.parts = parts

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        device: torch.device | str = "auto",
        dtype: torch.dtype | str | None = "auto",
        offload: str = "auto",
        storage: str = "stored",
    ) -> Self:
        """Read a world model.

        Args:
            where: "foresight-tiny", a hub id, or a folder that `save_pretrained` or `foresight assemble` wrote.
            device: where to put it; "auto" is the GPU where there is one.
            dtype: type to compute in or its name; "auto" is float32 for models of up to a GiB, the stored type for
                larger ones, and bfloat16 for a large text encoder or VLM; float32 where a CPU has no units for these.
            offload: "none" keeps all models on the device, "parts" the one that is in use, "blocks" two blocks of it;
                "auto" is the first of these that its free memory allows.
            storage: "stored", or "float8" to keep the transformer's matrices in eight bits; see `ltx.LTXPipeline`.

        Raises:
            UserError: if there is none, or a part that it refers to is gone or changed.
            ValueError: for an unknown word, or a device with too little memory.
        """
        return cls.of(read_world(where, PlacementRequest(device, dtype, offload, storage)))

    @classmethod
    def assemble(
        cls,
        *,
        ltx: str | Path,
        vlm: str | Path | None = None,
        adapter: str | Path | None = None,
        text_encoder: str | Path | None = None,
        sampling: SamplingConfig | Mapping[str, Any] | None = None,
        **placement: Unpack[PlacementWords],
    ) -> Self:
        """Put a world model together from parts on disk or on the hub.

        Args:
            ltx: VAE and transformer: an official file, a folder in diffusers layout, a hub id or the name of a release.
            vlm: folder or hub id of a Qwen2.5-VL; None without adapter.
            adapter: its folder, or that of the run that trained it; None is the video model alone.
            text_encoder: folder or hub id of a T5; None is the checkpoint's own, or none at all if the adapter's
                tokens replace the text.
            sampling: a configuration, or fields of one: the others are derived from the clips that the adapter was
                trained on and from the release.
            placement: `device`, `dtype`, `offload` and `storage` of `from_pretrained`.

        Raises:
            UserError: if a part is missing, or parts do not fit each other; found before weights are read.
        """
        config = sampling if isinstance(sampling, SamplingConfig) else dict(sampling or {})
        assembly = plan_assembly(NamedParts(ltx=ltx, vlm=vlm, adapter=adapter, text_encoder=text_encoder), config)
        return cls.of(assembly.read(PlacementRequest(**placement)))

    def replace(self, **changes: Unpack[PartChanges]) -> Self:
        """World model with some parts changed; it shares the others with this one.

        The low-rank updates of an adapter move over to the new model: this one must not predict any more.

        Raises:
            ValueError: if the parts do not fit each other.
        """
        parts = replace(self.parts, **changes)
        if self.adapter is not None:
            self.adapter.detach()
        return type(self).of(parts)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write all parts into a folder: `model_index.json` and one subfolder each."""
        write_world(self.parts, Path(folder))

    def predict(
        self,
        context: Float[Tensor, "rgb=3 context height width"],
        instruction: str,
        horizon: int,
        *,
        candidates: int = 1,
        noise_level: NoiseLevel = "auto",
        seed: int = 0,
        steps: int | None = None,
        progress: StageProgress = silent_stage,
    ) -> Prediction:
        """Candidate futures of a clip.

        Args:
            context: observed frames in [−1, 1] or as bytes, height and width multiples of 32. The video model is given
                the last `sampling_config.context_frames` of them, or all if there are fewer; the VLM sees all.
            instruction: what is done; without a VLM it may be empty, and the clip is continued unconditionally.
            horizon: frames to predict, any number ≥ 1.
            candidates: how many futures to draw.
            noise_level: where the adapter's forecast enters the flow: 1 is pure noise (no forecast needed), the
                decoder's own level or less decodes the forecast as it is, between is refined. "auto" is 1 without
                forecast; else, for each clip, the error that the adapter expects, in units of the latents' deviation.
            seed: candidate i is what seed + i alone would give.
            steps: Euler steps of a full schedule; None takes the model's.
            progress: called with (stage, done, total).

        Raises:
            UserError: if the input is not such a clip, or a number is out of its range.
            ValueError: if its values are not finite or not in [−1, 1].
        """
        sampling = Sampling(candidates, noise_level, seed, steps)
        return self.predict_batch(context[None], [instruction], horizon, sampling, progress=progress)[0]

    @torch.no_grad()
    def predict_batch(
        self,
        contexts: Float[Tensor, "batch rgb=3 context height width"],
        instructions: Sequence[str],
        horizon: int,
        sampling: Sampling = DEFAULT,
        *,
        progress: StageProgress = silent_stage,
    ) -> list[Prediction]:
        """Candidate futures of several clips of one size, each predicted as if it were alone; see `predict`."""
        check_clips(contexts, instructions, horizon)
        if self.vlm is not None:
            check_spoken(instructions)
        config, candidates = self.sampling_config, sampling.candidates
        rollout = Rollout(
            self.parts,
            chunks=math.ceil(horizon / config.chunk_frames),
            steps=config.steps if sampling.steps is None else sampling.steps,
            generators=seeded(sampling.seeds * len(instructions)),
            progress=progress,
        )
        contexts = as_pixels(contexts, "the observed frames")
        VideoShape.of(contexts[:, :, -config.context_frames :])
        seen = rollout.observe(contexts, instructions, config.chunk_frames // TIME)
        rollout.enter(sampling.noise_level, seen.conditioning, seen.tokens)

        # The first chunk, then chunk after chunk on what was predicted.
        rows = seen.latents.repeat_interleave(candidates, 0)
        frames, latents = rollout.chunk(rows, seen.sequence.repeat(candidates), seen.conditioning.repeat(candidates))
        video = torch.cat([seen.frames.repeat_interleave(candidates, 0), frames], dim=2)
        history = torch.cat([rows, latents], dim=2)
        follow = [sentence if config.continuation is None else config.continuation for sentence in instructions]
        words = [sentence for sentence in follow for _ in range(candidates)]
        while not rollout.finished:
            frames, latents = rollout.advance(video, rows.shape[2], words)
            video, history = torch.cat([video, frames], dim=2), torch.cat([history, latents], dim=2)

        start, known = seen.frames.shape[2], seen.latents.shape[2]
        future = video[:, :, start : start + horizon]
        imagined = history[:, :, known : known + math.ceil(horizon / TIME)]
        found = []
        for row, sentence in enumerate(instructions):
            own, entered = slice(row * candidates, (row + 1) * candidates), row % len(rollout.levels)
            level = rollout.levels[entered]
            found.append(
                Prediction(
                    video=future[own],
                    latents=imagined[own],
                    context=seen.frames[row],
                    context_latents=seen.latents[row],
                    features=None if seen.features is None else seen.features.select(slice(row, row + 1)),
                    instruction=sentence,
                    frame_rate=config.frame_rate,
                    seed=sampling.seed,
                    noise_level=level,
                    steps=rollout.steps,
                    evaluations=rollout.evaluations[entered],
                    conditions=seen.conditioning.kinds if level < 1 else seen.unforecast,
                    seconds=rollout.seconds,
                )
            )
        return found

    @torch.no_grad()
    def shown(self, prediction: Prediction) -> Float[Tensor, "rgb=3 frame height width"]:
        """Estimate of the future from all candidates, by the model's rule, in [−1, 1]."""
        if self.sampling_config.estimate == "medoid" or len(prediction) == 1:
            return prediction.video[prediction.medoid]
        start, frames = prediction.context.shape[1], prediction.video.shape[2]
        latents = torch.cat([prediction.context_latents, prediction.consensus], dim=1)
        video = self.decode(latents[None].to(self.device), seeded([prediction.seed]))
        return video[0, :, start : start + frames].to(prediction.video.device)

    @property
    def vae(self) -> VideoVAE:
        """Pixels ↔ latents."""
        return self.parts.vae

    @property
    def transformer(self) -> VideoTransformer:
        """Velocity of the flow."""
        return self.parts.transformer

    @property
    def text_encoder(self) -> TextEncoder | None:
        """Encoder of instructions for the transformer."""
        return self.parts.text_encoder

    @property
    def vlm(self) -> EncodesFeatures | None:
        """Encoder of clips and instructions for the adapter."""
        return self.parts.vlm

    @property
    def adapter(self) -> AbstractAdapter | None:
        """Conditions the transformer on the VLM's features."""
        return self.parts.adapter

    @property
    def sampling_config(self) -> SamplingConfig:
        """Lengths, schedule and decoding."""
        return self.parts.sampling_config

    @property
    def placement(self) -> Placement | None:
        """Devices and types that reading the model decided on; None for parts that were made in memory."""
        return self.parts.placement

    @property
    def device(self) -> torch.device:
        """Device of the transformer."""
        return self.parts.device

    def features(
        self, contexts: Float[Tensor, "batch rgb=3 context height width"], instructions: Sequence[str]
    ) -> VLMFeatures | None:
        """See `WorldParts.features`."""
        return self.parts.features(contexts, instructions)

    def encode(
        self, video: Float[Tensor, "batch rgb=3 frame height width"]
    ) -> Float[Tensor, "batch channel latent_frame row column"]:
        """See `WorldParts.encode`."""
        return self.parts.encode(video)

    def text(self, instructions: Sequence[str]) -> TextConditioning:
        """See `WorldParts.text`."""
        return self.parts.text(instructions)

    def condition(
        self,
        context_latents: Float[Tensor, "batch channel latent_context row column"],
        features: VLMFeatures | None,
        text: TextConditioning,
        frames: int,
    ) -> tuple[Conditioning, ConditionedSequence]:
        """See `WorldParts.condition`."""
        return self.parts.condition(context_latents, features, text, frames)

    def decode(
        self, latents: Float[Tensor, "batch channel latent_frame row column"], generators: list[torch.Generator]
    ) -> Float[Tensor, "batch rgb=3 frame height width"]:
        """See `WorldParts.decode`."""
        return self.parts.decode(latents, generators)
