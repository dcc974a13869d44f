"""A verifier in a folder: `verifier.json` and `verifier.safetensors`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from foresight.errors import UserError
from foresight.verify.additive import Additive
from foresight.verify.calibration import Logistic
from foresight.verify.evidence import Gathering
from foresight.verify.head import Head
from foresight.verify.isotonic import Isotonic
from ltx.files import replacing, write_text
from ltx.values import not_finite

if TYPE_CHECKING:
    from foresight.verify.verifier import Verifier

CONFIG, WEIGHTS = "verifier.json", "verifier.safetensors"
HITS, PROSPECT = "hits", "prospect"


def write_verifier(verifier: Verifier, folder: Path) -> None:
    """Write both files; existing ones are replaced whole."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = {str(frames): head for frames, head in verifier.heads.items()}
    heads |= {f"{HITS}.{frames}": head for frames, head in verifier.hits.items()}
    if verifier.prospect is not None:
        heads[PROSPECT] = verifier.prospect
    tensors = {f"{where}.{name}": tensor for where, head in heads.items() for name, tensor in _tensors(head).items()}
    with replacing(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary)
    config = {
        "signals": list(verifier.signals),
        "plausibilities": list(verifier.plausibilities),
        "frames": sorted(verifier.heads),
        "hits": sorted(verifier.hits),
        "coverage": verifier.coverage,
        "fitted_on": asdict(verifier.fitted_on),
    }
    write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")


def read_verifier(where: str | Path) -> Verifier:
    """Read a verifier from its folder, from the folder of a world model, or by the model's name.

    Raises:
        UserError: if there is none, or it is damaged.
    """
    from foresight.verify.verifier import FittedOn, Verifier
    from foresight.world.storage import find_folder

    folder = Path(where) if (Path(where) / CONFIG).is_file() else find_folder(where) / "verifier"
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
        if broken := not_finite(tensors):
            raise ValueError(f"NaN or infinite values: {', '.join(sorted(broken))}")
        fitted = dict(config["fitted_on"])
        fitted["gathering"] = Gathering(**fitted["gathering"])
        signals, plausibilities = tuple(config["signals"]), tuple(config["plausibilities"])
        verifier = Verifier(
            heads={int(frames): _head(signals, _part(tensors, str(frames))) for frames in config["frames"]},
            hits={int(frames): _head(signals, _part(tensors, f"{HITS}.{frames}")) for frames in config["hits"]},
            prospect=_head(plausibilities, _part(tensors, PROSPECT)) if plausibilities else None,
            coverage=config["coverage"],
            fitted_on=FittedOn(**fitted),
        )
        if tensors:
            raise ValueError(f"tensors that belong to nothing: {', '.join(sorted(tensors))}")
    except (OSError, json.JSONDecodeError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            expected=f"a verifier ({CONFIG} and {WEIGHTS}), as this version of Foresight writes it, in {folder}",
            got=f"{type(error).__name__}: {error}",
            remedy="fit one with `foresight fit-verifier`",
        ) from error
    return verifier


def _tensors(head: Head) -> dict[str, Tensor]:
    calibration = head.calibration
    found = {
        **{f"combination.{name}": tensor for name, tensor in vars(head.combination).items()},
        "right": head.right,
        "wrong": head.wrong,
    }
    if isinstance(calibration, Isotonic):
        found |= {"isotonic.scores": calibration.scores, "isotonic.log_odds": calibration.log_odds}
    else:
        found |= {"platt.weights": calibration.weights, "platt.bias": calibration.bias}
    return {name: tensor.contiguous() for name, tensor in found.items()}


def _part(tensors: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """The tensors of a head, taken out."""
    names = [name for name in tensors if name.startswith(f"{where}.")]
    return {name.removeprefix(f"{where}."): tensors.pop(name) for name in names}


def _head(names: tuple[str, ...], tensors: Mapping[str, Tensor]) -> Head:
    left = dict(tensors)
    calibration: Any
    if "isotonic.scores" in left:
        calibration = Isotonic(left.pop("isotonic.scores"), left.pop("isotonic.log_odds"))
    else:
        calibration = Logistic(left.pop("platt.weights"), left.pop("platt.bias"))
    head = Head(
        names=names,
        combination=Additive(*(left.pop(f"combination.{one.name}") for one in fields(Additive))),
        calibration=calibration,
        right=left.pop("right"),
        wrong=left.pop("wrong"),
    )
    if left or {head.combination.knots.shape[1], *head.combination.slopes.shape[1:]} != {len(names)}:
        raise ValueError(f"expected weights of {len(names)} figures, got others ({', '.join(left) or 'other sizes'})")
    return head
