"""The world model: observed video and an instruction in, candidate futures out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from adapters import AbstractAdapter, Conditioning, VLMFeatures
from adapters.lora import check_free
from foresight.world.denoiser import Given
from foresight.world.parts import EncodesFeatures, check_sizes, check_text, pairing_of
from foresight.world.placement import Wanted
from foresight.world.prediction import Prediction
from foresight.world.remembered import RememberedFeatures
from foresight.world.request import NoiseLevel, check_request, check_spoken
from foresight.world.rollout import Progress, Rollout
from foresight.world.sampling_config import SamplingPlan
from ltx.flow.noise import draw_noise, seeded
from ltx.offload import device_of, dtype_of
from ltx.offload.placement import Placement
from ltx.shapes import TIME, LatentShape, VideoShape, coordinates, to_tokens
from ltx.text import TextConditioning, TextEncoder
from ltx.text.remembered import RememberedPrompts
from ltx.transformer import VideoTransformer
from ltx.vae import VideoVAE
from ltx.values import as_pixels


class WorldModel:
    """LTX-Video steered by a vision-language model through an adapter.

    Args:
        vae: pixels ↔ latents.
        transformer: the flow.
        text_encoder: the instruction as the transformer's own text; None if the adapter's tokens replace it.
        vlm: reads clip and instruction for the adapter; None only if there is no adapter.
        adapter: None is the video model alone, a baseline.
        plan: lengths, schedule and decoding.

    Attributes:
        placement: where the models are, as reading them decided; None for models that were given.

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
        plan: SamplingPlan,
    ) -> None:
        if (vlm is None) != (adapter is None):
            raise ValueError("expected a VLM and an adapter that reads it, or neither; got one of them")
        check_sizes(vae, transformer, text_encoder)
        check_free(transformer)
        check_text(text_encoder, adapter, plan)
        if adapter is not None and vlm is not None:
            adapter.pairing.require(pairing_of(transformer, vlm, like=adapter.pairing))
        self.vae = vae.eval()
        self.transformer = transformer.eval()
        self.text_encoder = text_encoder
        self.vlm = vlm
        self.adapter = None if adapter is None else adapter.eval()
        self.plan = plan
        self.placement: Placement | None = None
        self._prompts, self._seen = RememberedPrompts(), RememberedFeatures()
        if adapter is not None:
            adapter.attach(transformer)

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        device: torch.device | str = "auto",
        dtype: torch.dtype | str | None = "auto",
        offload: str = "auto",
        storage: str = "stored",
    ) -> WorldModel:
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
        from foresight.world.storage import read_world_model

        return read_world_model(where, Wanted(device, dtype, offload, storage))

    @classmethod
    def assemble(
        cls,
        *,
        ltx: str | Path,
        vlm: str | Path | None = None,
        adapter: str | Path | None = None,
        text_encoder: str | Path | None = None,
        sampling: SamplingPlan | Mapping[str, Any] | None = None,
        device: torch.device | str = "auto",
        dtype: torch.dtype | str | None = "auto",
        offload: str = "auto",
        storage: str = "stored",
    ) -> WorldModel:
        """Put a world model together from parts on disk or on the hub.

        Args:
            ltx: VAE and transformer: an official file, a folder in diffusers layout, a hub id or the name of a release.
            vlm: folder or hub id of a Qwen2.5-VL; None without adapter.
            adapter: its folder, or that of the run that trained it; None is the video model alone.
            text_encoder: folder or hub id of a T5; None is the checkpoint's own, or none at all if the adapter's
                tokens replace the text.
            sampling: a plan, or fields of one: the others are derived from the clips that the adapter was trained on
                and from the release.
            device: see `from_pretrained`, as for what follows.
            dtype: to compute in.
            offload: what may leave the device.
            storage: how the transformer's matrices are kept.

        Raises:
            UserError: if a part is missing, or parts do not fit each other; found before weights are read.
        """
        from foresight.world.assembly import plan_assembly

        given = sampling if isinstance(sampling, SamplingPlan) else dict(sampling or {})
        assembly = plan_assembly(ltx=ltx, vlm=vlm, adapter=adapter, text_encoder=text_encoder, sampling=given)
        return assembly.read(Wanted(device, dtype, offload, storage))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write all parts into a folder: `model_index.json` and one subfolder each."""
        from foresight.world.storage import write_world_model

        write_world_model(self, Path(folder))

    @property
    def device(self) -> torch.device:
        """Where the transformer works."""
        return device_of(self.transformer)

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
        progress: Progress = lambda stage, done, of: None,
    ) -> Prediction:
        """Imagine what comes after a clip.

        Args:
            context: observed frames in [−1, 1] or as bytes, height and width multiples of 32. The video model is given
                the last `plan.context_frames` of them, or all if there are fewer; the VLM sees all.
            instruction: what is done; without a VLM it may be empty: the video model goes on as it will.
            horizon: frames to predict, any number ≥ 1.
            candidates: how many futures to draw.
            noise_level: where the adapter's forecast enters the flow: 1 is pure noise (no forecast needed), the
                decoder's own level or less decodes the forecast as it is, between is refined. "auto" is 1 without
                forecast; else, for each clip, the error that the adapter expects, in units of the latents' deviation.
            seed: candidate i is what seed + i alone would give.
            steps: Euler steps of a full schedule; None takes the plan's.
            progress: told what is being done.

        Raises:
            UserError: if the input is not such a clip, or a number is out of its range.
            ValueError: if its values are not finite or not in [−1, 1].
        """
        predicted = self.predict_batch(
            context[None],
            [instruction],
            horizon,
            candidates=candidates,
            noise_level=noise_level,
            seed=seed,
            steps=steps,
            progress=progress,
        )
        return predicted[0]

    @torch.no_grad()
    def predict_batch(
        self,
        contexts: Float[Tensor, "batch rgb=3 context height width"],
        instructions: Sequence[str],
        horizon: int,
        *,
        candidates: int = 1,
        noise_level: NoiseLevel = "auto",
        seed: int = 0,
        steps: int | None = None,
        progress: Progress = lambda stage, done, of: None,
    ) -> list[Prediction]:
        """Predict several clips of one size at once; every clip is predicted as if it were alone. See `predict`."""
        check_request(contexts, instructions, horizon, candidates, noise_level, steps)
        if self.vlm is not None:
            check_spoken(instructions)
        rollout = Rollout(
            self,
            chunks=math.ceil(horizon / self.plan.chunk_frames),
            steps=self.plan.steps if steps is None else steps,
            generators=seeded([seed + i for i in range(candidates)] * len(instructions)),
            progress=progress,
        )
        contexts = as_pixels(contexts, "the observed frames").to(self.device, torch.float32)
        given = contexts[:, :, -self.plan.context_frames :]
        VideoShape.of(given)

        # What all candidates share is computed once per clip.
        with rollout.stage("features"):
            features = self.features(contexts, instructions)
        with rollout.stage("encoding"):
            context_latents = self.encode(given)
        with rollout.stage("conditioning"):
            text = self.text(instructions)
            conditioning, problem = self.given(context_latents, features, text, self.plan.chunk_frames // TIME)
        rollout.enter(noise_level, conditioning, problem.coordinates.shape[2])

        # The first chunk, then chunk after chunk on what was predicted.
        rows = context_latents.repeat_interleave(candidates, 0)
        frames, latents = rollout.chunk(rows, problem.repeat(candidates), conditioning.repeat(candidates))
        video = torch.cat([given.repeat_interleave(candidates, 0), frames], dim=2)
        history = torch.cat([rows, latents], dim=2)
        follow = [sentence if self.plan.continuation is None else self.plan.continuation for sentence in instructions]
        words = [sentence for sentence in follow for _ in range(candidates)]
        while not rollout.finished:
            frames, latents = rollout.advance(video, rows.shape[2], words)
            video, history = torch.cat([video, frames], dim=2), torch.cat([history, latents], dim=2)

        # Pure noise knows nothing of a forecast.
        unforecast = tuple(kind for kind in conditioning.kinds if kind != "forecast")
        start, known = given.shape[2], context_latents.shape[2]
        future = video[:, :, start : start + horizon]
        imagined = history[:, :, known : known + math.ceil(horizon / TIME)]
        return [
            Prediction(
                video=future[row * candidates : (row + 1) * candidates],
                latents=imagined[row * candidates : (row + 1) * candidates],
                context=given[row],
                context_latents=context_latents[row],
                features=None if features is None else features.select(slice(row, row + 1)),
                instruction=sentence,
                frame_rate=self.plan.frame_rate,
                seed=seed,
                noise_level=rollout.levels[row % len(rollout.levels)],
                steps=rollout.steps,
                evaluations=rollout.evaluations[row % len(rollout.levels)],
                conditions=conditioning.kinds if rollout.levels[row % len(rollout.levels)] < 1 else unforecast,
                seconds=rollout.seconds,
            )
            for row, sentence in enumerate(instructions)
        ]

    @torch.no_grad()
    def shown(self, prediction: Prediction) -> Float[Tensor, "rgb=3 frame height width"]:
        """The one future to show for a cloud of candidates: the plan's estimate, in [−1, 1]."""
        if self.plan.estimate == "medoid" or len(prediction) == 1:
            return prediction.video[prediction.medoid]
        start, frames = prediction.context.shape[1], prediction.video.shape[2]
        latents = torch.cat([prediction.context_latents, prediction.consensus], dim=1)
        video = self.decode(latents[None].to(self.device), seeded([prediction.seed]))
        return video[0, :, start : start + frames].to(prediction.video.device)

    def features(
        self, contexts: Float[Tensor, "batch rgb=3 context height width"], instructions: Sequence[str]
    ) -> VLMFeatures | None:
        """What the VLM makes of the clips, on the video model's clock; None without VLM."""
        if self.vlm is None:
            return None
        features = self._seen.encode(self.vlm, contexts, instructions, frame_rate=self.plan.frame_rate).to(self.device)
        # The VLM may have seen earlier frames than the video model: its clock starts with the video model's context.
        earlier = max(0, contexts.shape[2] - self.plan.context_frames)
        return features.shift(-earlier / self.plan.frame_rate) if earlier else features

    def encode(
        self, video: Float[Tensor, "batch rgb=3 frame height width"]
    ) -> Float[Tensor, "batch channel latent_frame row column"]:
        """Normalised latents: the posterior's mean, in float32."""
        return self.vae.encode(video.to(self.device, dtype_of(self.vae))).float()

    def text(self, instructions: Sequence[str]) -> TextConditioning:
        """The instructions as the transformer's own text; no token at all where an adapter's tokens replace it."""
        if self.text_encoder is None:
            width = self.transformer.config.caption_channels
            return TextConditioning.empty(len(instructions), width).to(self.device)
        return self._prompts.encode(self.text_encoder, instructions).to(self.device)

    def given(
        self,
        context_latents: Float[Tensor, "batch channel latent_context row column"],
        features: VLMFeatures | None,
        text: TextConditioning,
        frames: int,
        *,
        noise_level: float = 0.0,
    ) -> tuple[Conditioning, Given]:
        """What the adapter says, and the denoising problem of the next `frames` latent frames."""
        batch, _, known, height, width = context_latents.shape
        places = coordinates(
            LatentShape(known + frames, height, width),
            frame_rate=self.plan.frame_rate,
            causal=self.transformer.config.causal_temporal_positioning,
            device=self.device,
        ).expand(batch, -1, -1)
        conditioning = Conditioning()
        if self.adapter is not None and features is not None:
            dtype = next(self.adapter.parameters()).dtype
            targets = places[:, :, known * height * width :]
            conditioning = self.adapter(features.to(self.device, dtype), targets)
        problem = Given.of(to_tokens(context_latents), places, text, conditioning, noise_level=noise_level)
        return conditioning, problem

    def decode(
        self,
        latents: Float[Tensor, "batch channel latent_frame row column"],
        generators: list[torch.Generator],
    ) -> Float[Tensor, "batch rgb=3 frame height width"]:
        """Video in [−1, 1] of normalised latents, at the plan's decoder noise level; one generator per row."""
        if self.plan.decode_noise > 0:
            latents = torch.lerp(latents, draw_noise(latents, generators), self.plan.decode_noise)
        video = self.vae.decode(latents.to(dtype_of(self.vae)), timestep=self.plan.decode_timestep, noise_scale=0.0)
        return video.float().clamp(-1, 1)
