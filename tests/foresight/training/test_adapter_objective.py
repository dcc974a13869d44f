"""Training an adapter: alignment with the text, flow through the frozen transformer."""

import pytest
import torch
from torch import nn

from adapters import LinearConfig, ModelPair, QueriesConfig, build_adapter
from adapters.types import Conditioning, ContextTokens
from foresight.data.batch import FeatureBatch
from foresight.training.objective import WeightedSum
from foresight.training.objectives.adapter import AdaptedTransformer, Alignment, ContextFlow, padded
from foresight.training.optimizer import GroupedOptimizer, ParameterGroup
from ltx.flow import UniformSigma
from ltx.text import TextConditioning
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

CHANNELS, CAPTIONS, HIDDEN = 8, 16, 32
PAIRING = ModelPair(
    vlm="small-qwen",
    vlm_hidden_size=HIDDEN,
    vlm_vision_size=HIDDEN,
    vlm_layers=(1, 2),
    ltx="small-ltx",
    latent_channels=CHANNELS,
    caption_channels=CAPTIONS,
)
LINEAR = LinearConfig(PAIRING, bandwidth=(0.5, 16.0, 16.0))


class Words:
    """Sentences of as many tokens as words; the state of word i of a sentence is its length plus i."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, prompts) -> TextConditioning:
        self.asked += prompts
        counts = torch.tensor([len(prompt.split()) for prompt in prompts])
        states = counts[:, None] + torch.arange(6.0)
        return TextConditioning(states[..., None].expand(-1, -1, CAPTIONS), torch.arange(6) < counts[:, None])


def make_transformer() -> VideoTransformer:
    config = transformer_config(
        channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=12,
        caption_channels=CAPTIONS,
        positional_embedding_theta=100.0,
        positional_embedding_max_pos=(4, 64, 64),
    )
    return VideoTransformer(config)


def make_model(placement: str = "replace") -> AdaptedTransformer:
    torch.manual_seed(0)
    config = QueriesConfig(
        PAIRING, queries=4, width=32, heads=2, depth=2, extent=(1.0, 64.0, 64.0), placement=placement
    )
    model = AdaptedTransformer(adapter=build_adapter(config), transformer=make_transformer())
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model


def make_batch(instructions: tuple[str, ...] = ("push it", "wait")) -> FeatureBatch:
    generator = torch.Generator().manual_seed(1)
    batch, length, cells = len(instructions), 5, 8

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(batch, *shape, generator=generator)

    seen = torch.tensor([False, True, True, True, False]).expand(batch, -1)
    tensors = {
        "latents": draw(CHANNELS, 4, 2, 2),
        "vlm_tokens": draw(2, length, HIDDEN),
        "vlm_tokens_mask": torch.ones(batch, length, dtype=torch.bool),
        "vlm_vision": seen,
        "vlm_coordinates": draw(3, length).abs() * seen[:, None],
        "vlm_patches": draw(cells, HIDDEN),
        "vlm_patch_coordinates": draw(3, cells).abs(),
    }
    return FeatureBatch(tensors, instructions, 8.0, torch.arange(batch))


class Says(nn.Module):
    """An adapter that says the same tokens to every clip."""

    provides = frozenset({"context"})

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.values = torch.tensor(values)

    def attach(self, transformer: nn.Module) -> None:
        pass

    def forward(self, features, targets) -> Conditioning:
        tokens = self.values[None, :, None].expand(len(features), -1, CAPTIONS)
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool)
        return Conditioning(context=ContextTokens(tokens, mask, "replace"))


def terms() -> WeightedSum:
    flow = ContextFlow(text_encoder=Words(), sigmas=UniformSigma(0.7, 1.0), context=2)
    alignment = Alignment(text_encoder=Words(), context=2)
    return WeightedSum(terms={"alignment": alignment, "flow": flow}, weights={"alignment": 0.3, "flow": 1.0})


def test_a_sentence_is_stretched_by_its_last_token() -> None:
    """Token i is the sentence's token i, the last one repeated; masked states never appear; longer ones are cut."""
    text = Words().encode(["one", "one two three"])
    assert padded(text, 5)[..., 0].tolist() == [[1, 1, 1, 1, 1], [3, 4, 5, 5, 5]]
    assert padded(text, 2)[..., 0].tolist() == [[1, 1], [3, 4]]
    with pytest.raises(ValueError, match="at least one token"):
        padded(Words().encode([""]), 5)


def test_alignment_by_hand() -> None:
    """Tokens (1, 1, 1, 1) against "wait" (1, 1, 1, 1) and "push it" (2, 3, 3, 3): errors 0 and (1+4+4+4)/4."""
    model = AdaptedTransformer(adapter=Says([1.0, 1.0, 1.0, 1.0]), transformer=make_transformer())
    result = Alignment(text_encoder=Words(), context=2)(model, make_batch(), torch.Generator())
    assert float(result["loss"]) == pytest.approx(13 / 4 / 2)
    assert float(result["nearest"]) == 0.5


def test_a_step_asks_the_adapter_once() -> None:
    """Loss and gradients of the sum are those of the terms alone, from one pass through the adapter instead of two; a
    later step on the same batch asks again, and so does a term without the sum."""
    model, batch, objective = make_model(), make_batch(), terms()
    calls: list[int] = []
    model.adapter.register_forward_hook(lambda *_: calls.append(1))

    generator = torch.Generator().manual_seed(3)
    parts = [objective.weights[name] * term(model, batch, generator)["loss"] for name, term in objective.terms.items()]
    torch.stack(parts).sum().backward()
    assert len(calls) == 2
    alone = {name: p.grad.clone() for name, p in model.adapter.named_parameters() if p.grad is not None}
    model.zero_grad()

    result = objective(model, batch, torch.Generator().manual_seed(3))
    result["loss"].backward()
    assert len(calls) == 3 and torch.equal(result["loss"].detach(), torch.stack(parts).sum().detach())
    together = {name: p.grad for name, p in model.adapter.named_parameters() if p.grad is not None}
    assert alone.keys() == together.keys() and len(alone) > 10
    for name, gradient in alone.items():
        assert torch.allclose(together[name], gradient, rtol=1e-4, atol=1e-6), name

    for parameter in model.adapter.parameters():
        parameter.data.add_(0.1)
    assert not torch.equal(objective(model, batch, torch.Generator().manual_seed(3))["loss"], result["loss"])
    assert len(calls) == 4
    objective.terms["alignment"](model, batch, torch.Generator())
    assert len(calls) == 5


def test_sentences_are_encoded_once() -> None:
    """A second batch asks the text encoder for new sentences only."""
    words = Words()
    objective, model = Alignment(text_encoder=words, context=2), make_model()
    objective(model, make_batch(("wait", "wait")), torch.Generator())
    objective(model, make_batch(("push it", "wait")), torch.Generator())
    assert words.asked == ["wait", "push it"]


def test_the_sum_weighs_its_terms() -> None:
    """The loss is 0.3 × alignment + flow, each as it is alone."""
    model, batch = make_model(), make_batch()
    result = terms()(model, batch, torch.Generator().manual_seed(0))
    alone = terms().terms["flow"](model, batch, torch.Generator().manual_seed(0))["loss"]
    torch.testing.assert_close(result["flow/loss"], alone)
    torch.testing.assert_close(result["loss"], 0.3 * result["alignment/loss"] + result["flow/loss"])


@pytest.mark.parametrize("name", ["alignment", "flow"])
def test_gradients_reach_the_adapter_alone(name: str) -> None:
    """Every parameter of the adapter gets a gradient that is not zero, none of the transformer gets any."""
    model = make_model()
    GroupedOptimizer(optimizer=torch.optim.SGD, groups=[ParameterGroup(r"adapter\..*", 1e-3, 0.0)])(
        model.named_parameters()
    )
    terms().terms[name](model, make_batch(), torch.Generator().manual_seed(0))["loss"].backward()
    silent = [name for name, p in model.adapter.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent
    assert all(parameter.grad is None for parameter in model.transformer.parameters())


def test_the_context_is_shown_clean_and_the_future_noised() -> None:
    """At σ = 1 the transformer is shown the context's latents as they are and noise in place of the future's."""
    model, batch = make_model(), make_batch()
    shown: list[torch.Tensor] = []
    model.transformer.register_forward_pre_hook(lambda module, args: shown.append(args[0]))
    flow = ContextFlow(text_encoder=Words(), sigmas=UniformSigma(1 - 1e-6, 1.0), context=2)
    flow(model, batch, torch.Generator().manual_seed(0))
    clean = batch["latents"].flatten(2).transpose(1, 2)
    assert torch.equal(shown[0][:, :8], clean[:, :8])
    noise = torch.randn(2, 8, CHANNELS, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(shown[0][:, 8:], noise, rtol=0, atol=1e-4)


def test_adapters_that_do_not_fit_the_objective() -> None:
    """Tokens that do not replace the text cannot be aligned; forecasts alone condition nothing."""
    alignment = Alignment(text_encoder=Words(), context=2)
    with pytest.raises(ValueError, match="placement 'append'"):
        alignment(make_model("append"), make_batch(), torch.Generator())
    forecast = AdaptedTransformer(adapter=build_adapter(LINEAR), transformer=make_transformer())
    with pytest.raises(ValueError, match="got none"):
        alignment(forecast, make_batch(), torch.Generator())
    flow = ContextFlow(text_encoder=Words(), sigmas=UniformSigma(0, 1), context=2)
    with pytest.raises(ValueError, match="only forecasts"):
        flow(forecast, make_batch(), torch.Generator())


def test_lengths_that_do_not_fit() -> None:
    """No context, or a context as long as the clip, is refused."""
    with pytest.raises(ValueError, match="at least one given latent frame"):
        Alignment(text_encoder=Words(), context=0)
    with pytest.raises(ValueError, match="more than 4 latent frames, got 4"):
        Alignment(text_encoder=Words(), context=4)(make_model(), make_batch(), torch.Generator())
