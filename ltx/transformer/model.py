"""The LTX-Video transformer: latent tokens, timesteps and text in, velocity out (arXiv 2501.00103)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ltx.checkpoint.stored import StoredModule
from ltx.flow.skip_mode import SkipMode
from ltx.offload import BlockStream, working
from ltx.transformer.block import StepInputs, TransformerBlock
from ltx.transformer.cache import PreparedBlocks, SamplingCache, attention_bias, compact
from ltx.transformer.conditioning import StepConditioning, for_tokens, modulate
from ltx.transformer.config import TransformerConfig
from ltx.transformer.embedding import AdaLNSingle, CaptionProjection
from ltx.transformer.groups import TimestepGroups
from ltx.transformer.part import TRANSFORMER
from ltx.transformer.perturb import BlockSkip, SkipLayers, take_rows
from ltx.transformer.rope import rotation_table


class VideoTransformer(StoredModule):
    """Predicts the velocity ε − x₀ of noisy latent tokens.

    Training calls `forward`. Sampling calls `prepare` once and `denoise` at each step: the same function without what
    does not change between steps. Parameter names are those of the released single files.

    Attributes:
        config: the architecture.
        gradient_checkpointing: recompute each block in the backward pass instead of keeping its activations.
        stream: brings the blocks to work one by one; None where they stay.
    """

    part = TRANSFORMER
    config_class = TransformerConfig
    config: TransformerConfig

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        self.stream: BlockStream | None = None
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

    @working
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
            groups: tokens known to share timesteps. None finds them, which reads the timesteps' values; in compiled or
                captured code, where that cannot be done, it means a row of conditioning per token.

        Raises:
            ValueError: if the sizes do not fit each other or the configuration.
        """
        self._check_context(context, context_mask)
        text = self.caption_projection(context)
        cache = SamplingCache(
            rotation=self._rotation(coordinates),
            text=text,
            bias=attention_bias(context_mask, text.dtype),
            blocks=None,  # each makes its keys and values itself, so that they are checkpointed and sharded with it
            groups=groups,
        )
        return self.denoise(tokens, timesteps, cache)

    @working
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
        text = self.caption_projection(context)
        memories, tables, norms = [], [], []
        for index in self._visited(range(self.config.num_layers)):
            block = self._block(index)
            memories.append(block.attn2.keys_values(text))
            tables.append(block.scale_shift_table.clone())  # what the parameter holds changes when the block rests
            norms.append(block.attn1.norms())
        return SamplingCache(
            rotation=self._rotation(coordinates),
            text=text,
            bias=attention_bias(context_mask, text.dtype),
            blocks=PreparedBlocks(tuple(memories), torch.stack(tables), torch.stack(norms)),
            groups=groups,
        )

    @working
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
        conditioning = self._condition(timesteps, tokens.shape[1], cache)
        stream = self.patchify_proj(tokens)
        stream = self._run(range(self.config.num_layers), stream, conditioning, cache, skip)
        return self._velocity(stream, conditioning)

    @working
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
        conditioning = self._condition(timesteps, tokens.shape[1], cache)
        shared, rest = range(skip.first), range(skip.first, self.config.num_layers)
        stream = self._run(shared, self.patchify_proj(tokens), conditioning, cache, None)
        plain = self._run(rest, stream, conditioning, cache, None)

        forked = take_rows(stream, skip.rows) if tokens.shape[0] > 1 else stream
        conditioned, everyone = conditioning.take(skip.rows), SkipLayers(skip.blocks, skip.mode)
        perturbed = self._run(rest, forked, conditioned, cache.take(skip.rows), everyone)
        return self._velocity(plain, conditioning), self._velocity(perturbed, conditioned)

    def _visited(self, indices: range) -> Iterable[int]:
        """The indices of blocks one by one, each at work while it is the present one."""
        return indices if self.stream is None else self.stream.visit(indices)

    def _block(self, index: int) -> TransformerBlock:
        block = self.transformer_blocks[index]
        assert isinstance(block, TransformerBlock)
        return block

    def _rotation(self, coordinates: Float[Tensor, "#batch axis=3 token"]) -> Float[Tensor, "#batch token pair part=2"]:
        return rotation_table(
            coordinates,
            width=self.config.width,
            theta=self.config.positional_embedding_theta,
            max_positions=self.config.positional_embedding_max_pos,
        )

    def _condition(
        self, timesteps: Float[Tensor, "batch column"], count: int, cache: SamplingCache
    ) -> StepConditioning:
        """Conditioning of the distinct timesteps."""
        groups = None
        if timesteps.shape[1] > 1:
            groups = cache.groups or TimestepGroups.found_in(timesteps)
        if groups is not None:
            timesteps = groups.rows(timesteps)
        scaled = timesteps.float() * self.config.timestep_scale_multiplier
        tables = None if cache.blocks is None else cache.blocks.tables
        embedded, modulation = self.adaln_single(scaled, precise=timesteps.shape[1] < count)
        return StepConditioning.of(embedded, modulation, tables, groups)

    def _run(
        self,
        indices: range,
        stream: Float[Tensor, "batch token width"],
        conditioning: StepConditioning,
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
        step = StepInputs(conditioning.modulation, conditioning.members, cache.rotation, cache.text, cache.bias)
        for index in self._visited(indices):
            block = self.transformer_blocks[index]
            here = perturbed if skip is not None and index in skip.blocks else None
            prepared = None if cache.blocks is None else cache.blocks.at(index, conditioning.summed)
            inputs = (stream, step, prepared, here)
            stream = checkpoint(block, *inputs, use_reentrant=False) if recompute else block(*inputs)
        return stream

    def _velocity(
        self, stream: Float[Tensor, "batch token width"], conditioning: StepConditioning
    ) -> Float[Tensor, "batch token out_channel"]:
        """LayerNorm without weights, modulated by (shift, scale) = table + e, then the output projection."""
        vectors = self.scale_shift_table + conditioning.embedded[:, :, None]
        shift, scale = for_tokens(vectors, conditioning.members, stream.shape[1])
        normed = F.layer_norm(stream, stream.shape[-1:], eps=self.config.norm_eps)
        velocity: Tensor = self.proj_out(modulate(normed, shift, 1 + scale))
        return velocity

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
        if len(cache.text) not in (1, batch):
            raise ValueError(f"expected context for a batch of {batch} (or one row), got {len(cache.text)} rows")
