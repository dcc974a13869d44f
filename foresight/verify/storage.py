"""A fitted verifier in its folder: `verifier.json` and `verifier.safetensors`.

Keys in both files are those of the first version that wrote them, and stay: `hits` and `prospect` are the classifiers
of correct predictions and of candidates, `right` and `wrong` their conformal scores, `gathering` the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from foresight.errors import UserError, fault
from foresight.verify.additive import Additive
from foresight.verify.calibration import Logistic
from foresight.verify.classifier import CalibratedClassifier
from foresight.verify.evidence.records import EvidenceConfig
from foresight.verify.fitted_on import FittedOn
from foresight.verify.isotonic import Isotonic
from foresight.verify.plausibility import plausibility
from foresight.verify.signals import signal
from foresight.world.storage import find_folder
from ltx.files import replacing, write_text
from ltx.values import not_finite

CONFIG, WEIGHTS = "verifier.json", "verifier.safetensors"
CORRECT, PRIOR = "hits", "prospect"


@dataclass(frozen=True)
class FittedVerifier:
    """All that fitting a verifier gives, and that its folder holds.

    Args:
        outcome: by number of observed frames, classifiers of observed futures that follow from context and instruction.
        prediction_correct: by the same numbers, classifiers of predictions that come true; empty if not fitted.
        prior: classifier of candidates that come true by their plausibilities; None if not fitted.
        coverage: share of right outcomes that are not rejected, and of wrong ones that are not accepted.
        fitted_on: what all this holds for.

    Raises:
        ValueError: if a signal or plausibility is unknown, or classifiers are of different signals or frames.
    """

    outcome: Mapping[int, CalibratedClassifier]
    prediction_correct: Mapping[int, CalibratedClassifier]
    prior: CalibratedClassifier | None
    coverage: float
    fitted_on: FittedOn

    def __post_init__(self) -> None:
        classifiers = [*self.outcome.values(), *self.prediction_correct.values()]
        same = len({one.names for one in classifiers}) == 1
        if not self.outcome or not same or set(self.prediction_correct) not in (set(), set(self.outcome)):
            raise ValueError("expected classifiers fitted on the same signals, after the same numbers of frames")
        for name in self.signals:
            signal(name)
        for name in self.plausibilities:
            plausibility(name)

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals, in order."""
        return next(iter(self.outcome.values())).names

    @property
    def plausibilities(self) -> tuple[str, ...]:
        """Names of the plausibilities, in order; none if it was fitted without."""
        return () if self.prior is None else self.prior.names

    def save_pretrained(self, folder: str | Path) -> None:
        """Write both files; existing ones are replaced whole."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        classifiers = {str(frames): one for frames, one in self.outcome.items()}
        classifiers |= {f"{CORRECT}.{frames}": one for frames, one in self.prediction_correct.items()}
        if self.prior is not None:
            classifiers[PRIOR] = self.prior
        tensors = {f"{key}.{name}": value for key, one in classifiers.items() for name, value in _tensors(one).items()}
        with replacing(folder / WEIGHTS) as temporary:
            save_file(tensors, temporary)
        config = {
            "signals": list(self.signals),
            "plausibilities": list(self.plausibilities),
            "frames": sorted(self.outcome),
            "hits": sorted(self.prediction_correct),
            "coverage": self.coverage,
            "fitted_on": _written(self.fitted_on),
        }
        write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")


def read_verifier(where: str | Path) -> FittedVerifier:
    """Read a fitted verifier from its folder, from the folder of a world model, or by the model's name.

    Raises:
        UserError: if there is none, or it is damaged.
    """
    folder = Path(where) if (Path(where) / CONFIG).is_file() else find_folder(where) / "verifier"
    if not (folder / CONFIG).exists():
        raise UserError(
            expected=f"a verifier in {folder}",
            got="none",
            remedy=f"fit one with `foresight fit-verifier model=… to={folder}`, or go without: verifier=none",
        )
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
        if broken := not_finite(tensors):
            raise ValueError(f"NaN or infinite values: {', '.join(sorted(broken))}")
        signals, plausibilities = tuple(config["signals"]), tuple(config["plausibilities"])
        fitted = FittedVerifier(
            outcome={int(frames): _classifier(signals, _part(tensors, str(frames))) for frames in config["frames"]},
            prediction_correct={
                int(frames): _classifier(signals, _part(tensors, f"{CORRECT}.{frames}")) for frames in config["hits"]
            },
            prior=_classifier(plausibilities, _part(tensors, PRIOR)) if plausibilities else None,
            coverage=config["coverage"],
            fitted_on=_read(config["fitted_on"]),
        )
        if tensors:
            raise ValueError(f"tensors that belong to nothing: {', '.join(sorted(tensors))}")
    except (OSError, json.JSONDecodeError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            expected=f"a verifier ({CONFIG} and {WEIGHTS}), as this version of Foresight writes it, in {folder}",
            got=fault(error),
            remedy="fit one with `foresight fit-verifier`",
        ) from error
    return fitted


def _written(fitted_on: FittedOn) -> dict[str, Any]:
    """The record under the keys of its file."""
    values = asdict(fitted_on)
    evidence = values.pop("evidence")
    evidence["prospect_sigmas"] = evidence.pop("prior_sigmas")
    return values | {"gathering": evidence}


def _read(written: Mapping[str, Any]) -> FittedOn:
    values = dict(written)
    evidence = dict(values.pop("gathering"))
    if "prospect_sigmas" in evidence:
        evidence["prior_sigmas"] = evidence.pop("prospect_sigmas")
    return FittedOn(**values, evidence=EvidenceConfig(**evidence))


def _tensors(classifier: CalibratedClassifier) -> dict[str, Tensor]:
    calibration = classifier.calibration
    found = {
        **{f"combination.{name}": tensor for name, tensor in vars(classifier.combination).items()},
        "right": classifier.positive_scores,
        "wrong": classifier.negative_scores,
    }
    if isinstance(calibration, Isotonic):
        found |= {"isotonic.scores": calibration.scores, "isotonic.log_odds": calibration.log_odds}
    else:
        found |= {"platt.weights": calibration.weights, "platt.bias": calibration.bias}
    return {name: tensor.contiguous() for name, tensor in found.items()}


def _part(tensors: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """The tensors of a classifier, taken out."""
    names = [name for name in tensors if name.startswith(f"{where}.")]
    return {name.removeprefix(f"{where}."): tensors.pop(name) for name in names}


def _classifier(names: tuple[str, ...], tensors: Mapping[str, Tensor]) -> CalibratedClassifier:
    left = dict(tensors)
    calibration: Logistic | Isotonic
    if "isotonic.scores" in left:
        calibration = Isotonic(left.pop("isotonic.scores"), left.pop("isotonic.log_odds"))
    else:
        calibration = Logistic(left.pop("platt.weights"), left.pop("platt.bias"))
    classifier = CalibratedClassifier(
        names=names,
        combination=Additive(*(left.pop(f"combination.{one.name}") for one in fields(Additive))),
        calibration=calibration,
        positive_scores=left.pop("right"),
        negative_scores=left.pop("wrong"),
    )
    combination = classifier.combination
    if left or {combination.knots.shape[1], *combination.slopes.shape[1:]} != {len(names)}:
        raise ValueError(f"expected weights of {len(names)} figures, got others ({', '.join(left) or 'other sizes'})")
    return classifier
