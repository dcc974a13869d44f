"""The verifier: signals combined into a calibrated probability, and a decision with a stated coverage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from foresight.data.fingerprint import fingerprint, weights_fingerprint
from foresight.errors import UserError
from foresight.prediction import Prediction
from foresight.verify.calibration import (
    Logistic,
    conformal_lower,
    fit_logistic,
    fit_platt,
    normal_scores,
    quantile_knots,
)
from foresight.verify.evidence import Gathering, gather
from foresight.verify.hypotheses import as_hypotheses
from foresight.verify.signals import signal
from foresight.world_model import WorldModel
from ltx.files import replacing, write_text

Decision = Literal["accept", "abstain", "reject"]
CONFIG, WEIGHTS = "verifier.json", "verifier.safetensors"
KNOTS = 101


@dataclass(frozen=True)
class Verdict:
    """What a verifier says of one prediction.

    Args:
        probability: calibrated probability that the prediction was right.
        decision: "accept" where only right, "reject" where only wrong predictions look like this at the stated
            coverage, "abstain" where both or neither do.
        signals: what it is based on, by name.
    """

    probability: float
    decision: Decision
    signals: Mapping[str, float]


@dataclass(frozen=True)
class FittedOn:
    """What a verifier was fitted on.

    Args:
        model: fingerprint of the world model.
        data: the data, in words.
        examples: number of examples of the weights.
        calibration: number of held-out examples of calibration and thresholds.
        candidates: candidates per prediction.
        gathering: how evidence was gathered.
    """

    model: str
    data: str
    examples: int
    calibration: int
    candidates: int
    gathering: Gathering


@dataclass(frozen=True)
class Verifier:
    """Signals → normal scores → logistic regression → Platt calibration → conformal decision.

    Args:
        signals: names of the signals, in order.
        knots: quantiles of each signal on the fitting data.
        combination: weights of the normal scores.
        calibration: from the combination's logit to a calibrated one.
        coverage: share of right predictions that are not rejected, and of wrong ones that are not accepted.
        accept_above: logit from which a prediction is like right ones.
        reject_below: logit up to which it is like wrong ones.
        fitted_on: what all this holds for.
    """

    signals: tuple[str, ...]
    knots: Float[Tensor, "knot signal"]
    combination: Logistic
    calibration: Logistic
    coverage: float
    accept_above: float
    reject_below: float
    fitted_on: FittedOn

    def __post_init__(self) -> None:
        for name in self.signals:
            signal(name)

    @property
    def needs(self) -> frozenset[str]:
        """What its signals need gathered."""
        return frozenset().union(*(signal(name).needs for name in self.signals))

    def verify(
        self,
        model: WorldModel,
        predictions: Sequence[Prediction],
        observed: Float[Tensor, "batch rgb=3 frame height width"],
    ) -> list[Verdict]:
        """Judge predictions against what happened, or against as much as has been seen of it.

        Raises:
            ValueError: if the verifier was fitted for another model or number of candidates.
            UserError: if what was observed does not fit the predictions.
        """
        self.check(model, predictions)
        evidence = gather(model, predictions, observed, self.needs, self.fitted_on.gathering)
        return self.judge({name: signal(name)(evidence).cpu() for name in self.signals})

    def judge(self, values: Mapping[str, Float[Tensor, " batch"]]) -> list[Verdict]:
        """Verdicts from measured signals.

        Raises:
            ValueError: if a signal is missing, or was not fitted.
        """
        logits = self.logits(values)
        probabilities = torch.sigmoid(logits)
        return [
            Verdict(
                probability=float(probabilities[row]),
                decision=self.decide(float(logits[row])),
                signals={name: float(values[name][row]) for name in self.signals},
            )
            for row in range(len(logits))
        ]

    def logits(self, values: Mapping[str, Float[Tensor, " batch"]]) -> Float[Tensor, " batch"]:
        """Calibrated log-odds of being right.

        Raises:
            ValueError: if a signal is missing, was not fitted, or is not finite.
        """
        missing, unfitted = sorted(set(self.signals) - set(values)), sorted(set(values) - set(self.signals))
        if missing or unfitted:
            raise ValueError(
                f"expected exactly the signals this verifier was fitted on ({', '.join(self.signals)}); "
                f"missing {missing}, not fitted {unfitted}. Fit a verifier on the signals you want"
            )
        matrix = torch.stack([values[name].double().cpu() for name in self.signals], dim=1)
        if not bool(matrix.isfinite().all()):
            raise ValueError("expected finite signals, got NaN or infinity")
        scores = self.combination.logit(normal_scores(matrix, self.knots))
        return self.calibration.logit(scores[:, None])

    def decide(self, logit: float) -> Decision:
        """The conformal decision: which of "right" and "wrong" cannot be excluded at the stated coverage."""
        right, wrong = logit >= self.accept_above, logit <= self.reject_below
        if right == wrong:
            return "abstain"
        return "accept" if right else "reject"

    def rank(self, model: WorldModel, prediction: Prediction) -> Float[Tensor, " candidate"]:
        """How plausible each candidate is without any observation: its probability as what might happen, judged by the
        other candidates.

        Raises:
            UserError: if there are fewer than three candidates: each needs two others.
        """
        self._check_model(model)
        hypotheses, outcomes = as_hypotheses(prediction)
        evidence = gather(model, hypotheses, outcomes, self.needs, self.fitted_on.gathering)
        return torch.sigmoid(self.logits({name: signal(name)(evidence).cpu() for name in self.signals}))

    def check(self, model: WorldModel, predictions: Sequence[Prediction]) -> None:
        """Refuse another model or number of candidates than it was fitted for.

        Raises:
            ValueError: naming what differs.
        """
        self._check_model(model)
        counts = sorted({len(prediction) for prediction in predictions})
        if counts != [self.fitted_on.candidates]:
            raise ValueError(
                f"expected predictions of {self.fitted_on.candidates} candidates, as the verifier was fitted on, "
                f"got {counts}"
            )

    def _check_model(self, model: WorldModel) -> None:
        found = model_fingerprint(model)
        if found != self.fitted_on.model:
            raise ValueError(
                f"expected the world model {self.fitted_on.model[:12]} that this verifier was fitted for, "
                f"got {found[:12]}; fit one with `foresight fit-verifier`"
            )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `verifier.json` and `verifier.safetensors` into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {
            "knots": self.knots.contiguous(),
            "combination.weights": self.combination.weights,
            "combination.bias": self.combination.bias,
            "calibration.weights": self.calibration.weights,
            "calibration.bias": self.calibration.bias,
            "thresholds": torch.tensor([self.accept_above, self.reject_below], dtype=torch.float64),
        }
        with replacing(folder / WEIGHTS) as temporary:
            save_file(tensors, temporary)
        config = {"signals": self.signals, "coverage": self.coverage, "fitted_on": asdict(self.fitted_on)}
        write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Verifier:
        """Read a verifier from its folder, from the folder of a world model, or by the model's name.

        Raises:
            UserError: if there is none, or it is damaged.
        """
        from foresight.model_folder import find_folder

        folder = Path(where) if (Path(where) / CONFIG).is_file() else find_folder(where) / "verifier"
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            tensors = load_file(folder / WEIGHTS)
            fitted = dict(config["fitted_on"])
            fitted["gathering"] = Gathering(**fitted["gathering"])
            accept, reject = tensors["thresholds"].tolist()
            return cls(
                signals=tuple(config["signals"]),
                knots=tensors["knots"],
                combination=Logistic(tensors["combination.weights"], tensors["combination.bias"]),
                calibration=Logistic(tensors["calibration.weights"], tensors["calibration.bias"]),
                coverage=config["coverage"],
                accept_above=accept,
                reject_below=reject,
                fitted_on=FittedOn(**fitted),
            )
        except (OSError, json.JSONDecodeError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                expected=f"a verifier ({CONFIG} and {WEIGHTS}) in {folder}",
                got=f"{type(error).__name__}: {error}",
                remedy="fit one with `foresight fit-verifier`",
            ) from error


def fit_verifier(
    values: Mapping[str, Float[Tensor, " example"]],
    right: Bool[Tensor, " example"],
    held_out: Bool[Tensor, " example"],
    *,
    coverage: float,
    fitted_on: FittedOn,
) -> Verifier:
    """Fit weights on one part of the examples, calibration and thresholds on the other.

    Args:
        values: measured signals by name.
        right: whether each prediction was right.
        held_out: which examples are for calibration; examples of one clip belong on one side.
        coverage: see `Verifier`.
        fitted_on: kept with the verifier; its counts are of these examples.

    Raises:
        ValueError: if a part lacks one of the labels, or a signal is not finite.
    """
    names = tuple(values)
    matrix = torch.stack([values[name].double().cpu() for name in names], dim=1)
    if not bool(matrix.isfinite().all()):
        wrong = [name for name, column in zip(names, matrix.T, strict=True) if not bool(column.isfinite().all())]
        raise ValueError(f"expected finite signals, got NaN or infinity in {', '.join(wrong)}")
    fitting = ~held_out
    knots = quantile_knots(matrix[fitting], KNOTS)
    scores = normal_scores(matrix, knots)
    combination = fit_logistic(scores[fitting], right[fitting], penalty=1.0)
    raw = combination.logit(scores)
    calibration = fit_platt(raw[held_out], right[held_out])
    logits = calibration.logit(raw[:, None])[held_out]
    labels = right[held_out]
    return Verifier(
        signals=names,
        knots=knots,
        combination=combination,
        calibration=calibration,
        coverage=coverage,
        accept_above=conformal_lower(logits[labels], coverage),
        reject_below=-conformal_lower(-logits[~labels], coverage),
        fitted_on=fitted_on,
    )


def model_fingerprint(model: WorldModel) -> str:
    """SHA-256 of the parts of a world model that its predictions and signals depend on.

    Hashing billions of weights takes minutes, so it is done once per model and again when a weight was written.
    """
    parts = (model.vae, model.transformer, model.text_encoder.model, model.adapter)
    tensors = [tensor for part in parts if part is not None for tensor in part.state_dict().values()]
    state = (tuple((tensor.data_ptr(), tensor._version) for tensor in tensors), model.plan)
    known = _FINGERPRINTS.get(model)
    if known is None or known[0] != state:
        known = (state, _hash(model))
        _FINGERPRINTS[model] = known
    return known[1]


_FINGERPRINTS: WeakKeyDictionary[WorldModel, tuple[tuple[object, ...], str]] = WeakKeyDictionary()


def _hash(model: WorldModel) -> str:
    return fingerprint(
        {
            "vae": weights_fingerprint(model.vae),
            "transformer": weights_fingerprint(model.transformer),
            "text_encoder": weights_fingerprint(model.text_encoder.model),
            "adapter": None if model.adapter is None else weights_fingerprint(model.adapter),
            "plan": asdict(model.plan),
        }
    )
