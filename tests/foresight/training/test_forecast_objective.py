"""Measures of a latent forecast and of reference tokens by hand; repair by the flow; text that is dropped."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters import (
    Conditioning,
    LatentForecast,
    LinearConfig,
    ModelPair,
    QueriesConfig,
    ReferenceChanges,
    build_adapter,
)
from foresight.data.batch import FeatureBatch
from foresight.training.objectives.adapter import AdaptedTransformer, ContextFlow
from foresight.training.objectives.forecast import (
    MEASURES,
    ForecastFit,
    Refinement,
    cka_distance,
    cosine_distance,
    negative_log_likelihood,
    squared_error,
)
from foresight.training.objectives.reference import ReferenceFit
from foresight.training.objectives.sentences import DroppedText
from foresight.world.denoiser import ConditionedSequence, future_velocity
from ltx.flow import UniformSigma
from ltx.text import TextConditioning
from ltx.transformer import VideoTransformer
from tests.small import transformer_config

PAIRING = ModelPair("small-qwen", 12, 6, (1,), "small-ltx", 8, 16)


class Words:
    """Remembers what it was asked; its states are zeros."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, prompts) -> TextConditioning:
        self.asked += prompts
        return TextConditioning(torch.zeros(len(prompts), 3, 16), torch.ones(len(prompts), 3, dtype=torch.bool))


class Guess(nn.Module):
    """An adapter with one parameter, its forecast for every value."""

    provides = frozenset({"forecast"})

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def attach(self, transformer: nn.Module) -> None:
        pass

    def forward(self, features, targets) -> Conditioning:
        latents = self.value.expand(len(features), targets.shape[-1], 8)
        return Conditioning(forecast=LatentForecast(latents, torch.zeros_like(latents)))


class Told(nn.Module):
    """Answers with the same change at chosen targets."""

    def __init__(self, change: Tensor, targets: list[int]) -> None:
        super().__init__()
        self.change, self.targets = change, targets

    def attach(self, transformer: nn.Module) -> None:
        pass

    def forward(self, features, targets) -> Conditioning:
        changes = self.change.expand(len(features), len(self.targets), -1)
        return Conditioning(reference=ReferenceChanges(changes, targets[:, :, self.targets], 0.0, 0.0))


def transformer() -> VideoTransformer:
    torch.manual_seed(0)
    config = transformer_config(
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=12,
        positional_embedding_theta=100.0,
        positional_embedding_max_pos=(4, 64, 64),
    )
    return VideoTransformer(config).requires_grad_(False)


def batch(count: int = 2) -> FeatureBatch:
    generator = torch.Generator().manual_seed(1)
    seen = torch.tensor([False, True, True]).expand(count, -1)
    tensors = {
        "latents": torch.randn(count, 8, 4, 2, 2, generator=generator),
        "vlm_tokens": torch.randn(count, 1, 3, 12, generator=generator),
        "vlm_tokens_mask": torch.ones(count, 3, dtype=torch.bool),
        "vlm_vision": seen,
        "vlm_coordinates": torch.rand(count, 3, 3, generator=generator) * seen[:, None],
        "vlm_patches": torch.randn(count, 4, 6, generator=generator),
        "vlm_patch_coordinates": torch.rand(count, 3, 4, generator=generator),
    }
    return FeatureBatch(tensors, ("push it", "wait")[:count], 8.0, torch.arange(count))


def truth_of(rows: FeatureBatch) -> Tensor:
    return rows["latents"][:, :, 2:].flatten(2).transpose(1, 2)


def test_measures_by_hand() -> None:
    """ẑ = (3, 4) against z = (4, 3): error 1, cosine 24/25; at variance e the likelihood weighs 1/e and adds 1."""
    truth = torch.tensor([[[4.0, 3.0]]])
    forecast = LatentForecast(torch.tensor([[[3.0, 4.0]]]), torch.ones(1, 1, 2))
    assert float(squared_error(forecast, truth)) == 1
    assert float(cosine_distance(forecast, truth)) == pytest.approx(1 - 24 / 25)
    assert float(negative_log_likelihood(forecast, truth)) == pytest.approx((1 / math.e + 1) / 2)
    with pytest.raises(ValueError, match="log-variance"):
        negative_log_likelihood(LatentForecast(truth, None), truth)


def test_likelihood_is_best_at_the_true_error() -> None:
    """Among variances, the mean squared error is the likeliest."""
    truth = torch.randn(2, 50, 8, generator=torch.Generator().manual_seed(0))
    guess = torch.zeros_like(truth)
    best = float(truth.square().mean().log())

    def at(level: float) -> float:
        return float(negative_log_likelihood(LatentForecast(guess, torch.full_like(guess, level)), truth))

    assert at(best) < min(at(best - 0.2), at(best + 0.2))


def test_structure_is_compared_up_to_rotation_and_scale() -> None:
    """Linear CKA: 0 for a rotated, scaled and shifted copy, near 1 for unrelated values, and as its definition says."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(4, 100, 8, generator=generator)
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=generator)).Q
    copy = LatentForecast(3 * truth @ rotation + 5, None)
    assert float(cka_distance(copy, truth)) == pytest.approx(0, abs=1e-5)
    other = torch.randn(4, 100, 8, generator=generator)
    found = float(cka_distance(LatentForecast(other, None), truth))
    assert found > 0.9
    # By Gram matrices: <K, L> / (|K| |L|) with K = XXᵀ and L = YYᵀ of centred rows.
    x, y = (rows.flatten(0, 1).double() for rows in (other, truth))
    k, ell = ((rows - rows.mean(0)) @ (rows - rows.mean(0)).T for rows in (x, y))
    assert found == pytest.approx(1 - float((k * ell).sum() / (k.norm() * ell.norm())), abs=1e-5)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())
def test_training_can_start_from_a_forecast_of_zeros(measure: Any) -> None:
    """Fresh adapters forecast zeros with a variance of one: the slope of every measure there is a number."""
    forecast = torch.zeros(2, 5, 3, requires_grad=True)
    truth = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    measure(LatentForecast(forecast, torch.zeros(2, 5, 3)), truth).backward()
    assert torch.isfinite(forecast.grad).all()


def test_the_fit_adds_up() -> None:
    """The loss is the weighted sum of the measures, each of which is reported."""
    rows, model = batch(), AdaptedTransformer(adapter=Guess(0.5), transformer=transformer())  # type: ignore[arg-type]
    fit = ForecastFit(weights={"squared_error": 2.0, "likelihood": 0.5}, context=2)
    result = fit(model, rows, torch.Generator())
    error = float((truth_of(rows) - 0.5).square().mean())
    assert float(result["squared_error"]) == pytest.approx(error)
    assert result["loss"].item() == pytest.approx(2 * error + 0.5 * error / 2)


def test_repair_starts_at_the_forecast_and_ends_in_the_flow() -> None:
    """Hardly noised, the error is the forecast's own; from pure noise the forecast has no part in it."""
    rows = batch()
    errors, gradients = [], []
    for low, high in ((0.0, 1e-6), (1 - 1e-6, 1.0)):
        model = AdaptedTransformer(adapter=Guess(0.5), transformer=transformer())  # type: ignore[arg-type]
        refine = Refinement(text_encoder=Words(), levels=UniformSigma(low, high), context=2, dropout=0.0)
        loss = refine(model, rows, torch.Generator().manual_seed(0))["loss"]
        loss.backward()
        errors.append(loss.item())
        gradients.append(float(model.adapter.value.grad.abs()))
    assert errors[0] == pytest.approx(float((truth_of(rows) - 0.5).square().mean()), rel=1e-3)
    assert gradients[0] > 0.1 and gradients[1] < 1e-4


def test_repair_is_one_step_to_the_clean_end() -> None:
    """At σ = 0.6: x = 0.4·ẑ + 0.6·ε, repaired to x − 0.6·v(x, 0.6)."""
    rows, words = batch(), Words()
    model = AdaptedTransformer(adapter=Guess(0.5), transformer=transformer())  # type: ignore[arg-type]
    refine = Refinement(text_encoder=words, levels=UniformSigma(0.6, 0.6 + 1e-6), context=2, dropout=0.0)
    found = refine(model, rows, torch.Generator().manual_seed(0))["loss"]
    truth = truth_of(rows)
    entered = 0.4 * 0.5 + 0.6 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    known = rows["latents"][:, :, :2].flatten(2).transpose(1, 2)
    given = ConditionedSequence.of(known, model.places(rows), words.encode(["", ""]), Conditioning())
    velocity = future_velocity(model.transformer, given, entered, torch.full(truth.shape[:2], 0.6))
    torch.testing.assert_close(found, (entered - 0.6 * velocity - truth).square().mean(), rtol=1e-4, atol=1e-5)


def test_text_is_dropped_in_training_alone() -> None:
    """At dropout 1 the encoder hears the empty sentence while training, and the instruction while validating."""
    for training, told in ((True, [""]), (False, ["push it", "wait"])):
        words = Words()
        DroppedText(words, 1.0)(("push it", "wait"), torch.Generator(), training=training)
        assert words.asked == told
    words = Words()
    flow = ContextFlow(text_encoder=words, sigmas=UniformSigma(0, 1), context=2, dropout=1.0)
    queries = QueriesConfig(PAIRING, 16, 2, 1, (1.0, 64.0, 64.0), 2, "add")
    model = AdaptedTransformer(adapter=build_adapter(queries), transformer=transformer())
    flow(model, batch(), torch.Generator())
    flow(model.eval(), batch(), torch.Generator())
    assert words.asked == ["", "push it", "wait"]
    with pytest.raises(ValueError, match=r"dropout in \[0, 1\]"):
        DroppedText(words, 1.1)


def test_what_does_not_fit() -> None:
    """Unknown measures, none, adapters without a forecast, and a likelihood without variance."""
    for weights in ({}, {"beauty": 1.0}):
        with pytest.raises(ValueError, match="weights of squared_error"):
            ForecastFit(weights=weights, context=2)
    queries = build_adapter(QueriesConfig(PAIRING, 16, 2, 1, (1.0, 64.0, 64.0), 2, "add"))
    model = AdaptedTransformer(adapter=queries, transformer=transformer())
    refine = Refinement(text_encoder=Words(), levels=UniformSigma(0, 1), context=2, dropout=0.0)
    for objective in (ForecastFit(weights={"cka": 1.0}, context=2), refine):
        with pytest.raises(ValueError, match="adapter with a latent forecast"):
            objective(model, batch(), torch.Generator())
    linear = build_adapter(LinearConfig(PAIRING, (0.5, 16.0, 16.0)))
    with pytest.raises(ValueError, match="use `latent`"):
        ForecastFit(weights={"likelihood": 1.0}, context=2)(
            AdaptedTransformer(adapter=linear, transformer=transformer()), batch(), torch.Generator()
        )


def test_blocks_are_recomputed_on_request() -> None:
    """The same gradients with and without recomputation."""
    found = []
    for recompute in (False, True):
        torch.manual_seed(3)
        queries = build_adapter(QueriesConfig(PAIRING, 16, 2, 1, (1.0, 64.0, 64.0), 2, "append"))
        model = AdaptedTransformer(adapter=queries, transformer=transformer(), recompute=recompute)
        assert model.transformer.gradient_checkpointing is recompute
        flow = ContextFlow(text_encoder=Words(), sigmas=UniformSigma(0.5, 1), context=2)
        flow(model, batch(), torch.Generator().manual_seed(0))["loss"].backward()
        found.append([parameter.grad for parameter in model.adapter.parameters()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def reference_error(rows: FeatureBatch, adapter: nn.Module) -> float:
    model = AdaptedTransformer(adapter=adapter, transformer=transformer())  # type: ignore[arg-type]
    return float(ReferenceFit(context=2)(model, rows, torch.Generator())["loss"])


def test_a_changed_copy_is_compared_with_the_future_where_it_was_asked_for() -> None:
    """Copies of latent frame 1 at cells 1 and 2, changed by 0.5, against frame 2 at cell 1 and frame 3 at cell 2."""
    rows = batch()
    cells = rows["latents"].flatten(3)
    copies = torch.stack([cells[:, :, 1, 1], cells[:, :, 1, 2]]) + 0.5
    truth = torch.stack([cells[:, :, 2, 1], cells[:, :, 3, 2]])
    found = reference_error(rows, Told(torch.full((8,), 0.5), [1, 4 + 2]))
    assert found == pytest.approx(float((copies - truth).square().mean()), rel=1e-5)


def test_adapters_without_reference_tokens_are_refused() -> None:
    """A forecast is no reference."""
    with pytest.raises(ValueError, match=r"reference tokens \(ic_lora\)"):
        reference_error(batch(), Guess(0.5))
