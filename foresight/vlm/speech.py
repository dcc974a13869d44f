"""Text out of the model: short greedy answers, and how probable given answers are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerBase, Qwen2_5_VLForConditionalGeneration

from foresight.vlm.prompts import Prompt, batch_prompts, text_ids
from foresight.vlm.vision import SeenVideo

END = "<|im_end|>"


def answer(
    model: Qwen2_5_VLForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    seen: SeenVideo,
    prompts: Sequence[Prompt],
    *,
    longest: int,
) -> list[str]:
    """One greedy answer per clip; the vision tower does not run again."""
    batch = batch_prompts(tokenizer, prompts, seen, side="left")
    ids = cast(Any, model).generate(
        input_ids=batch.ids,
        attention_mask=batch.mask.long(),
        mm_token_type_ids=batch.types,
        max_new_tokens=longest,
        do_sample=False,
        **seen.model_inputs(),
    )
    return [text.strip() for text in tokenizer.batch_decode(ids[:, batch.ids.shape[1] :], skip_special_tokens=True)]


def judge(
    model: Qwen2_5_VLForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    seen: SeenVideo,
    prompts: Sequence[Prompt],
    answers: Sequence[str],
) -> Float[Tensor, "batch answer"]:
    """log p(answer and its end | clip, question), for every clip and answer.

    Raises:
        ValueError: if there is no answer, or an empty one.
    """
    if not answers or not all(text.strip() for text in answers):
        raise ValueError(f"expected at least one answer, each in words, got {list(answers)}")
    endings = [text_ids(tokenizer, text + END) for text in answers]
    batch = batch_prompts(tokenizer, prompts, seen, side="right", endings=endings)
    states = model.model(
        input_ids=batch.ids,
        attention_mask=batch.mask.long(),
        mm_token_type_ids=batch.types,
        use_cache=False,
        **seen.repeat(len(answers)).model_inputs(),
    ).last_hidden_state
    lengths = torch.tensor([len(ending) for ending in endings], device=batch.ids.device).repeat(len(seen))
    # The last `length` tokens of each row are the answer; the state before a token predicts it.
    place = torch.arange(batch.ids.shape[1], device=batch.ids.device)
    total = batch.mask.sum(dim=1, keepdim=True)
    spoken = (place >= total - lengths[:, None]) & batch.mask
    target = spoken[:, 1:]
    log_probabilities = model.lm_head(states[:, :-1][target]).float().log_softmax(dim=-1)
    chosen = log_probabilities.gather(1, batch.ids[:, 1:][target][:, None]).squeeze(1)
    rows = target.nonzero()[:, 0]
    sums = torch.zeros(len(lengths), device=chosen.device).index_add(0, rows, chosen)
    return rearrange(sums, "(b a) -> b a", a=len(answers))
