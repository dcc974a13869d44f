"""A Qwen2.5-VL of any size as an encoder: frames and instructions in, hidden states with their places out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase, Qwen2_5_VLForConditionalGeneration

from adapters.types import VLMFeatures
from foresight.errors import UserError
from foresight.vlm import speech
from foresight.vlm.folder import find_qwen
from foresight.vlm.messages import message_frames
from foresight.vlm.preprocess import Preprocessing, patching_of
from foresight.vlm.preprocessing_files import read_preprocessing, write_preprocessing
from foresight.vlm.prompts import DESCRIBE, NEXT, Prompt, batch_prompts
from foresight.vlm.tokenizer_files import read_tokenizer
from foresight.vlm.vision import SeenVideo, see
from foresight.vlm.weights import read_model, write_model
from ltx.offload import at_rest, at_work, device_of

Layers = Literal["last"] | Sequence[int]
"""Which hidden states: the last, or a list of indices; 0 is the embeddings, n the last of n layers (after the final
norm), negative ones count from the end."""


class QwenEncoder(nn.Module):
    """Reads clips and instructions with a Qwen2.5-VL; nothing here trains it.

    The instruction stands before the video, so that under causal attention the states of the vision tokens know it, and
    the question "What happens next?" stands after it. All methods run without gradients.

    Args:
        model: transformers' model, of any size, on any device, quantised or not.
        tokenizer: its tokenizer, with a chat template.
        preprocessing: which frames it sees, at which size.
        layers: which hidden states `encode` returns.

    Raises:
        ValueError: if a layer does not exist.
    """

    def __init__(
        self,
        *,
        model: Qwen2_5_VLForConditionalGeneration,
        tokenizer: PreTrainedTokenizerBase,
        preprocessing: Preprocessing,
        layers: Layers,
    ) -> None:
        super().__init__()
        self.model, self.tokenizer, self.preprocessing = model.eval(), tokenizer, preprocessing
        vision: Any = model.config.vision_config
        self.patching = patching_of(model.config)
        text: Any = model.config.text_config
        self.hidden_size: int = text.hidden_size
        self.vision_size: int = vision.hidden_size
        depth: int = text.num_hidden_layers
        chosen = [depth] if layers == "last" else [int(layer) for layer in layers]
        wrong = [layer for layer in chosen if not -depth - 1 <= layer <= depth]
        if wrong or not chosen:
            raise ValueError(f'expected "last" or layers from {-depth - 1} to {depth}, got {list(layers)}')
        self.layers: tuple[int, ...] = tuple(layer % (depth + 1) for layer in chosen)

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        layers: Layers = "last",
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        revision: str | None = None,
    ) -> QwenEncoder:
        """Load a model with its tokenizer and preprocessing; the weights are read last, and strictly.

        Args:
            where: a folder in transformers' layout, a hub id, which may end in `@revision`, or the embedded model's
                name. The weights are safetensors, one file or shards, with today's names or the released ones.
            layers: which hidden states `encode` returns.
            dtype: of the weights, also by name; None is the type most of them are stored in.
            device: where to put them.
            revision: commit, tag or branch of a hub id.

        Raises:
            UserError: if there is no such model, it is no plain Qwen2.5-VL (another family, quantised, a LoRA), or a
                file of its tokenizer or of its processor is missing or another model's.
            CheckpointError: naming the tensors that are missing, left over, of another shape or not finite, or the file
                that cannot be read.
        """
        folder = find_qwen(where, revision)
        preprocessing = read_preprocessing(folder.path, patching_of(folder.config))
        tokenizer = read_tokenizer(folder)
        model = read_model(folder, dtype=_type(dtype), device=device)
        return cls(model=model, tokenizer=tokenizer, preprocessing=preprocessing, layers=layers)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write model (safetensors), tokenizer and preprocessing in transformers' layout."""
        at_rest(self.model)
        write_model(self.model, Path(folder))
        self.tokenizer.save_pretrained(str(folder))
        write_preprocessing(self.preprocessing, self.patching, Path(folder))

    @property
    def device(self) -> torch.device:
        """Device on which inputs are expected."""
        return device_of(self.model)

    @torch.no_grad()
    def see(self, frames: Float[Tensor, "batch rgb=3 frame height width"], *, frame_rate: float) -> SeenVideo:
        """Run the vision tower once, for any number of prompts about the clips.

        Args:
            frames: clips in [−1, 1]; they are rounded to 8 bits, as the model's processor works on pictures.
            frame_rate: frames per second of the clips; they are thinned out to the preprocessing's rate.

        Raises:
            ValueError: for another shape or range, values that are not finite, or a rate that is not above 0.
        """
        with at_work(self.model):
            return see(
                self.model,
                frames.to(self.device),
                frame_rate=frame_rate,
                preprocessing=self.preprocessing,
                patching=self.patching,
            )

    def see_messages(self, messages: list[dict[str, Any]]) -> SeenVideo:
        """Run the vision tower on the image or video of a conversation, written as for Qwen's own processor.

        Args:
            messages: chat messages with one image or video among their contents, by path, address or data; what is
                asked about it is given to `answer`, `describe` or `judge`.

        Raises:
            UserError: unless there is exactly one image or video, or if foresight-wm[qwen] is missing.
        """
        frames, frame_rate = message_frames(messages, patch=self.patching.patch)
        return self.see(frames, frame_rate=frame_rate)

    def encode(
        self, frames: Float[Tensor, "batch rgb=3 frame height width"], instructions: list[str], *, frame_rate: float
    ) -> VLMFeatures:
        """Hidden states of the chosen layers for clips and what is done in each.

        Args:
            frames: clips in [−1, 1].
            instructions: one sentence per clip, such as `the red ball is pushed to the left`; empty if nothing is told.
            frame_rate: frames per second of the clips.

        Raises:
            ValueError: as `see` and `encode_seen`.
        """
        _check_instructions(instructions, len(frames))
        return self.encode_seen(self.see(frames, frame_rate=frame_rate), instructions)

    @torch.no_grad()
    def encode_seen(self, seen: SeenVideo, instructions: list[str]) -> VLMFeatures:
        """`encode` for clips that the vision tower has seen already.

        Raises:
            ValueError: if there is not one instruction per clip.
        """
        _check_instructions(instructions, len(seen))
        prompts = [Prompt(NEXT, instruction) for instruction in instructions]
        batch = batch_prompts(self.tokenizer, prompts, seen, side="right")
        with at_work(self.model):
            outputs = self.model.model(
                input_ids=batch.ids,
                attention_mask=batch.mask.long(),
                mm_token_type_ids=batch.types,
                output_hidden_states=True,
                use_cache=False,
                **seen.model_inputs(),
            )
        states = cast(tuple[Tensor, ...], outputs.hidden_states)
        coordinates = torch.zeros(len(seen), 3, batch.ids.shape[1], device=batch.ids.device)
        # Each prompt holds the clip's tokens in order, wherever its instruction put them.
        coordinates.transpose(1, 2)[batch.vision] = seen.coordinates.T.repeat(len(seen), 1)
        return VLMFeatures(
            tokens=torch.stack([states[layer].to(batch.ids.device) for layer in self.layers], dim=1),
            mask=batch.mask,
            vision=batch.vision,
            coordinates=coordinates,
            patches=seen.patches,
            patch_coordinates=seen.patch_coordinates.expand(len(seen), -1, -1),
        )

    def describe(self, seen: SeenVideo) -> list[str]:
        """Describe each clip in words."""
        return self.answer(seen, [DESCRIBE] * len(seen))

    @torch.no_grad()
    def answer(self, seen: SeenVideo, questions: list[str], *, longest: int = 128) -> list[str]:
        """One answer per clip, by greedy decoding.

        Args:
            seen: clips from `see`; `seen.repeat(k)` for k questions about each.
            questions: one per clip.
            longest: tokens after which an answer is cut.

        Raises:
            ValueError: if there is not one question in words per clip.
        """
        with at_work(self.model):
            return speech.answer(self.model, self.tokenizer, seen, [Prompt(q) for q in questions], longest=longest)

    @torch.no_grad()
    def judge(self, seen: SeenVideo, questions: list[str], answers: list[str]) -> Float[Tensor, "batch answer"]:
        """Log-probability that the model gives each answer, whole and ended, to each clip's question.

        Raises:
            ValueError: if there is not one question in words per clip, or no answer.
        """
        with at_work(self.model):
            return speech.judge(self.model, self.tokenizer, seen, [Prompt(q) for q in questions], answers)


def _type(dtype: torch.dtype | str | None) -> torch.dtype | None:
    if dtype in (None, "auto"):
        return None
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or found not in (torch.float32, torch.bfloat16, torch.float16):
        raise UserError(expected="float32, bfloat16 or float16", got=repr(dtype), remedy="give dtype= one of them")
    return found


def _check_instructions(instructions: Sequence[str], clips: int) -> None:
    if isinstance(instructions, str) or len(instructions) != clips:
        got = "one string" if isinstance(instructions, str) else str(len(instructions))
        raise ValueError(f"expected a list of {clips} instructions, one per clip, got {got}")
