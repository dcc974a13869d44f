"""The LTX-Video transformer: latent tokens, timesteps and text in, velocity out (arXiv 2501.00103)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ltx.checkpoint.load import load_model
from ltx.checkpoint.parts import TRANSFORMER
from ltx.checkpoint.save import save_model
from ltx.transformer.block import TransformerBlock
from ltx.transformer.cache import SamplingCache, attention_bias, compact
from ltx.transformer.config import TransformerConfig
from ltx.transformer.embedding import AdaLNSingle, CaptionProjection, Conditioning
from ltx.transformer.groups import TimestepGroups
from ltx.transformer.perturb import BlockSkip, SkipLayers, SkipMode, take_rows
from ltx.transformer.rope import rotation_table


class VideoTransformer(nn.Module):
    """Predicts the velocity ε − x₀ of noisy latent tokens.

    Training calls `forward`. Sampling calls `prepare` once and `denoise` at each step: the same function without what
    does not change between steps. Parameter names are those of the released single files.

    Attributes:
        config: the architecture.
        gradient_checkpointing: recompute each block in the backward pass instead of keeping its activations.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        width = config.width
        self.patchify_proj = nn.Linear(config.in_channels, width)
        self.adaln_single = AdaLNSingle(width=width)
        self.caption_projection = CaptionProjection(caption_width=config.caption_channels, width=width)
        self.transformer_blocks = nn.ModuleList(
            TransformerBlock(width=width, heads=config.num_attention_heads, norm_eps=config.norm_eps)
            for _ in range(config.num_layers)
        )
        self.scale_shift_table = nn.Parameter(torch.randn(2, width) / width**0.5)
        self.proj_out = nn.Linear(width, config.out_channels)

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
    ) -> VideoTransformer:
        """Read from a folder, an official safetensors file, a named model or a hub id; see `ltx.checkpoint.load_model`.

        Args:
            where: what to read.
            dtype: type of the weights; None keeps the stored one.
            device: where to put them.
            revision: commit, tag or branch of a hub id.

        Raises:
            CheckpointError: if it cannot be found, or is not exactly this model.
        """
        return load_model(cls, TransformerConfig, TRANSFORMER, where, dtype=dtype, device=device, revision=revision)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write configuration and weights into a folder, in diffusers layout where diffusers has such a model.

        Raises:
            CheckpointError: if writing fails; the files there before are untouched.
        """
        save_model(self, TRANSFORMER, folder)

    def forward(
        self,
        tokens: Float[Tensor, "batch token channel"],
        timesteps: Float[Tensor, "batch column"],
        coordinates: Float[Tensor, "#batch axis=3 token"],
        context: Float[Tensor, "#batch length caption"],
        context_mask: Bool[Tensor, "#batch length"] | None,
        *,
        groups: TimestepGroups | None = None,
    ) -> Float[Tensor, "batch token out_channel"]:
        """Velocity of every token.

        Args:
            tokens: noisy latents, and conditioning tokens if any.
            timesteps: noise level of each token in [0, 1]; a single column if all tokens share it.
            coordinates: seconds, pixel rows and pixel columns of each token (see `ltx.shapes.coordinates`).
            context: text states.
            context_mask: True for text tokens to attend to. None keeps all, and lets attention take its fastest kernel.
            groups: tokens known to share timesteps; spares a row of conditioning per token.

        Raises:
            ValueError: if the sizes do not fit each other or the configuration.
        """
        self._check_context(context, context_mask)
        projected = self.caption_projection(context)
        cache = SamplingCache(
            rotation=self._rotation(coordinates),
            # Each block makes its keys and values itself, so that they are checkpointed and sharded with it.
            texts=(projected,) * self.config.num_layers,
            bias=attention_bias(context_mask, projected.dtype),
            groups=groups,
        )
        return self.denoise(tokens, timesteps, cache)

    def prepare(
        self,
        coordinates: Float[Tensor, "#batch axis=3 token"],
        context: Float[Tensor, "#batch length caption"],
        context_mask: Bool[Tensor, "#batch length"] | None,
        *,
        groups: TimestepGroups | None = None,
    ) -> SamplingCache:
        """Compute what all steps of a sampling run share. Arguments as for `forward`.

        Reads the mask's values (text that no row keeps is dropped), so call it outside compiled or captured code. One
        row of coordinates or context serves any batch.

        Raises:
            ValueError: if the sizes do not fit each other or the configuration.
        """
        self._check_context(context, context_mask)
        context, context_mask = compact(context, context_mask)
        projected = self.caption_projection(context)
        return SamplingCache(
            rotation=self._rotation(coordinates),
            texts=tuple(block.attn2.keys_values(projected) for block in self._blocks()),
            bias=attention_bias(context_mask, projected.dtype),
            groups=groups,
        )

    def denoise(
        self,
        tokens: Float[Tensor, "batch token channel"],
        timesteps: Float[Tensor, "batch column"],
        cache: SamplingCache,
        skip: SkipLayers | None = None,
    ) -> Float[Tensor, "batch token out_channel"]:
        """Velocity of every token, given what `prepare` made. Arguments as for `forward`.

        Args:
            tokens: as for `forward`.
            timesteps: as for `forward`.
            cache: from `prepare`, for this batch.
            skip: blocks to perturb, and the batch rows to perturb them for.

        Raises:
            ValueError: if the sizes do not fit each other or the configuration.
        """
        self._check_tokens(tokens, timesteps, cache)
        conditioning, members = self._condition(timesteps, tokens.shape[1], cache.groups)
        stream = self.patchify_proj(tokens)
        stream = self._run(range(self.config.num_layers), stream, conditioning, members, cache, skip)
        return self._velocity(stream, conditioning, members)

    def denoise_both(
        self,
        tokens: Float[Tensor, "batch token channel"],
        timesteps: Float[Tensor, "batch column"],
        cache: SamplingCache,
        skip: SkipLayers,
    ) -> tuple[Float[Tensor, "batch token out_channel"], Float[Tensor, "row token out_channel"]]:
        """Unperturbed velocity of every batch row, and perturbed velocity of the rows that `skip` names.

        A perturbed row has the inputs of its unperturbed twin, so the blocks before the first perturbed one are run
        once for both: with block 19 of 28 and one row in two perturbed, 2 + 9/28 forwards instead of 3. Exact.

        Raises:
            ValueError: if the sizes do not fit each other or the configuration.
        """
        self._check_tokens(tokens, timesteps, cache)
        skip.check(layers=self.config.num_layers, batch=tokens.shape[0])
        conditioning, members = self._condition(timesteps, tokens.shape[1], cache.groups)
        shared, rest = range(skip.first), range(skip.first, self.config.num_layers)
        stream = self._run(shared, self.patchify_proj(tokens), conditioning, members, cache, None)
        plain = self._run(rest, stream, conditioning, members, cache, None)

        branch = cache.take(skip.rows)
        forked = take_rows(stream, skip.rows) if tokens.shape[0] > 1 else stream
        conditioned = Conditioning(*(take_rows(part, skip.rows) for part in conditioning))
        membership = None if members is None or branch.groups is None else branch.groups.flat(forked.shape[0])
        everyone = SkipLayers(skip.blocks, skip.mode)
        perturbed = self._run(rest, forked, conditioned, membership, branch, everyone)
        return self._velocity(plain, conditioning, members), self._velocity(perturbed, conditioned, membership)

    def _blocks(self) -> Iterable[TransformerBlock]:
        for block in self.transformer_blocks:
            assert isinstance(block, TransformerBlock)
            yield block

    def _rotation(self, coordinates: Float[Tensor, "#batch axis=3 token"]) -> Float[Tensor, "#batch token pair part=2"]:
        return rotation_table(
            coordinates,
            width=self.config.width,
            theta=self.config.positional_embedding_theta,
            max_positions=self.config.positional_embedding_max_pos,
        )

    def _condition(
        self, timesteps: Float[Tensor, "batch column"], count: int, groups: TimestepGroups | None
    ) -> tuple[Conditioning, Int[Tensor, " flat_token"] | None]:
        """Conditioning of the distinct timesteps, and the row each token takes (None: rows broadcast)."""
        members = None
        if groups is not None and timesteps.shape[1] > 1:
            timesteps = groups.rows(timesteps)
            members = groups.flat(timesteps.shape[0]) if groups.count > 1 else None
        scaled = timesteps.float() * self.config.timestep_scale_multiplier
        return self.adaln_single(scaled, precise=timesteps.shape[1] < count), members

    def _run(
        self,
        indices: range,
        stream: Float[Tensor, "batch token width"],
        conditioning: Conditioning,
        members: Int[Tensor, " flat_token"] | None,
        cache: SamplingCache,
        skip: SkipLayers | None,
    ) -> Float[Tensor, "batch token width"]:
        """Apply these blocks."""
        perturbed: BlockSkip | None = None
        if skip is not None:
            skip.check(layers=self.config.num_layers, batch=stream.shape[0])
            if skip.mode is not SkipMode.RESIDUAL:
                perturbed = BlockSkip(skip.mode, skip.mask(stream.shape[0], stream.device))
        recompute = self.gradient_checkpointing and torch.is_grad_enabled()
        for index in indices:
            block = self.transformer_blocks[index]
            here = perturbed if skip is not None and index in skip.blocks else None
            inputs = (stream, conditioning.modulation, members, cache.rotation, cache.texts[index], cache.bias, here)
            stream = checkpoint(block, *inputs, use_reentrant=False) if recompute else block(*inputs)
        return stream

    def _velocity(
        self,
        stream: Float[Tensor, "batch token width"],
        conditioning: Conditioning,
        members: Int[Tensor, " flat_token"] | None,
    ) -> Float[Tensor, "batch token out_channel"]:
        """LayerNorm without weights, modulated by (shift, scale) = table + e, then the output projection."""
        vectors = self.scale_shift_table + conditioning.embedded[:, :, None]
        if members is not None:
            vectors = vectors.flatten(0, 1).index_select(0, members).unflatten(0, stream.shape[:2])
        shift, scale = vectors.unbind(2)
        normed = F.layer_norm(stream, stream.shape[-1:], eps=self.config.norm_eps)
        return self.proj_out(torch.addcmul(shift, normed, 1 + scale))

    def _check_context(self, context: Tensor, mask: Tensor | None) -> None:
        if context.ndim != 3 or context.shape[2] != self.config.caption_channels:
            raise ValueError(
                f"expected context (batch, length, {self.config.caption_channels}), got {tuple(context.shape)}"
            )
        if mask is not None and (mask.dtype != torch.bool or mask.shape != context.shape[:2]):
            raise ValueError(
                f"expected a boolean context mask {tuple(context.shape[:2])}, got {mask.dtype} {tuple(mask.shape)}"
            )

    def _check_tokens(self, tokens: Tensor, timesteps: Tensor, cache: SamplingCache) -> None:
        if tokens.ndim != 3 or tokens.shape[2] != self.config.in_channels:
            raise ValueError(f"expected tokens (batch, token, {self.config.in_channels}), got {tuple(tokens.shape)}")
        batch, count = tokens.shape[:2]
        if timesteps.ndim != 2 or timesteps.shape[0] != batch or timesteps.shape[1] not in (1, count):
            raise ValueError(f"expected timesteps ({batch}, {count}) or ({batch}, 1), got {tuple(timesteps.shape)}")
        positions = tuple(cache.rotation.shape[:2])
        if positions not in ((batch, count), (1, count)):
            raise ValueError(f"expected coordinates for {batch} × {count} tokens (or one row), got {positions}")
        text = cache.texts[0]
        rows = text.shape[0] if isinstance(text, Tensor) else text.keys.shape[0]
        if rows not in (1, batch):
            raise ValueError(f"expected context for a batch of {batch} (or one row), got {rows} rows")
