"""Parts that a configuration may name: of models, data and training, each by its full name and for its purpose.

The table is the whole of it: a function of ours that writes, deletes, uploads or runs something is out of reach because
it is not in it, and what a later release of a package adds is too. A user's own package is let in by `allow=PACKAGE` on
the command line, never by a configuration.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def _in(module: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for name in names)


PURPOSES: Mapping[str, tuple[str, ...]] = {
    "world model": (
        "foresight.world.variants.adapted_world_model",
        "foresight.WorldModel.from_pretrained",
        "foresight.world.world_model.WorldModel.from_pretrained",
    ),
    "pipeline": ("ltx.LTXPipeline.from_pretrained", "ltx.pipeline.LTXPipeline.from_pretrained"),
    "network": (
        *_in(
            "foresight.training.initial",
            *("frozen_transformer", "joined_adapters", "new_adapter", "new_transformer", "new_vae", "trained_adapter"),
            *("trained_text_encoder", "trained_transformer", "trained_vae", "trained_vlm", "world_text_encoder"),
        ),
        "foresight.training.lora.joined_lora",
        "foresight.QwenEncoder.from_pretrained",
        "foresight.training.objectives.adapter.AdaptedTransformer",
        *_in("foresight.vlm.small", "SmallQwenConfig", "small_encoder"),
        *_in("foresight.vlm.preprocess", "Preprocessing", "Patching"),
        "foresight.vlm.curriculum.qa.world_tokenizer",
    ),
    "data": (
        "foresight.data.datamodule.StreamData",
        "foresight.data.encode.EncodedClips",
        *_in("foresight.data.encoders", "StoredFeatures", "StoredLatents", "StoredText"),
        *_in("foresight.data.mixed", "MixedClips", "MixedData", "Stills"),
        "foresight.data.mixed_videos.mixed_videos",
        "foresight.data.physics.PhysicsClips",
        "foresight.data.precomputed.PrecomputedClips",
        *_in("foresight.data.referenced", "ReferencedClips", "ReferenceVideos"),
        "foresight.data.sentences.StoredSentences",
        "foresight.data.videos.VideoClips",
        "foresight.data.wording.WorldWording",
        *_in("foresight.physics", "Looks", "PhysicsConfig"),
        *_in("foresight.verify", "SimulatedCases", "VideoCases"),
        *_in("foresight.vlm.curriculum.conversations", "ConversationMix", "WorldConversations"),
    ),
    "objective": (
        "foresight.training.objective.WeightedSum",
        *_in("foresight.training.objectives.adapter", "Alignment", "ContextFlow"),
        "foresight.training.objectives.autoencoding.Autoencoding",
        "foresight.training.objectives.flow.TextFlow",
        *_in("foresight.training.objectives.forecast", "ForecastFit", "Refinement"),
        "foresight.training.objectives.reference.ReferenceFit",
        *_in("foresight.training.objectives.vae", "Reconstruction", "Stage"),
        *_in("foresight.training.objectives.vae_terms", "Adversarial", "Divergence", "Perceptual", "Pixel", "Wavelet"),
        "foresight.vlm.curriculum.objective.GroundedAnswers",
        *_in("ltx.flow.training", "MixedSigma", "ShiftedLogitNormal", "StretchedLogitNormal", "UniformSigma"),
        "ltx.packing.GivenFrames",
        "torchmetrics.image.PeakSignalNoiseRatio",
        "torchmetrics.image.StructuralSimilarityIndexMeasure",
        "torchmetrics.regression.MeanSquaredError",
    ),
    "training": (
        "lightning.Trainer",
        *_in("lightning.pytorch.strategies", "DDPStrategy", "ModelParallelStrategy"),
        "lightning.pytorch.plugins.environments.SLURMEnvironment",
        *_in("torch.optim", "Adam", "AdamW", "SGD"),
        *_in("foresight.training.optimizer", "GroupedOptimizer", "ParameterGroup"),
        "foresight.training.schedule.WarmupDecay",
    ),
    "callback": (
        "foresight.training.conditioning_watch.ConditioningWatch",
        "foresight.training.ema.EMA",
        "foresight.training.films.Films",
        "foresight.training.guard.FiniteGuard",
        "foresight.training.periodic.PeriodicCheckpoint",
        "foresight.training.progress.ProgressLine",
        "foresight.training.extras.Extras",
        *_in("lightning.pytorch.callbacks", "EarlyStopping", "LearningRateMonitor"),
    ),
    "export": (
        *_in("foresight.training.export", "AssembledWorld", "Companion", "Export", "TrainingRecord"),
        "foresight.training.lora.LoRAExport",
        "foresight.world.training_clips.TrainingClips",
    ),
    "logger": (
        "foresight.training.metrics_log.MetricsLog",
        *_in("lightning.pytorch.loggers", "CSVLogger", "TensorBoardLogger", "WandbLogger"),
    ),
    "policy": _in(
        "foresight.loop",
        *("Abstain", "Accept", "Best", "Chain", "Compare", "Conform", "Refine", "Reground", "Resample", "Revise"),
    ),
    "budget": ("foresight.loop.Budget",),
    "reviser": _in("foresight.loop.revisers", "AnsweringReviser", "JudgingReviser", "LikelihoodReviser"),
    "verifier": _in("foresight", "Verifier.from_pretrained", "verify.Verifier.from_pretrained"),
    "calibration": (
        "foresight.choose.calibration.TemperatureCalibration",
        "foresight.watch.calibration.AlarmCalibration",
        "foresight.choose.Temperature.from_pretrained",
        "foresight.watch.Alarm.from_pretrained",
    ),
    "benchmark": (
        "foresight.evaluation.action_rank.ActionBenchmark",
        "foresight.evaluation.benchmarks.Suite",
        "foresight.evaluation.choice.ChoiceBenchmark",
        "foresight.evaluation.conditioning.ConditioningBenchmark",
        "foresight.evaluation.correction.card.CorrectionBenchmark",
        "foresight.evaluation.prediction.benchmark.PredictionBenchmark",
        "foresight.evaluation.rollout.RolloutBenchmark",
        "foresight.evaluation.side_by_side.SideBySide",
        "foresight.evaluation.surprise.SurpriseBenchmark",
        "foresight.evaluation.understanding.UnderstandingBenchmark",
        "foresight.evaluation.verification.card.VerificationBenchmark",
        "foresight.evaluation.prediction.videos.VideoBenchmark",
    ),
}
"""What configurations are for, and the full names of what serves it."""

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+")
_PACKAGE = re.compile(r"[A-Za-z]\w*")
_OURS = ("ltx", "adapters", "foresight", "experiments")
DEEPEST = 64
"""Levels of a configuration: no recipe comes near it."""


class ForbiddenTargetError(ValueError):
    """A configuration asks for something that configurations may not construct."""


def admitted(words: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """A command line without its `allow=PACKAGE` words, and those packages.

    Raises:
        ValueError: if one is no package of the user's that Python can find.
    """
    packages = [word.removeprefix("allow=") for word in words if word.startswith("allow=")]
    for package in packages:
        found = _PACKAGE.fullmatch(package) is not None and package not in (*_OURS, *sys.stdlib_module_names)
        if not found or find_spec(package) is None:
            raise ValueError(
                f"expected allow= the name of a package of yours that Python finds, got {package!r}; "
                "install it, or name the folder it lies in in PYTHONPATH"
            )
    return [word for word in words if not word.startswith("allow=")], tuple(packages)


def check_targets(
    node: Any, place: str = "", *, purposes: Collection[str] = tuple(PURPOSES), packages: Collection[str] = ()
) -> None:
    """Refuse a plain configuration that would construct anything else, before anything is imported for it.

    Args:
        node: plain values.
        place: where it stands, for messages.
        purposes: what may be constructed here.
        packages: of the user's own, which he has let in.

    Raises:
        ForbiddenTargetError: if a `_target_` is not allowed, or the configuration is nested without end.
    """
    for where, target in targets(node, place):
        check_target(target, where, purposes=purposes, packages=packages)


def targets(node: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every `_target_` of a plain configuration with its place.

    Raises:
        ForbiddenTargetError: if the configuration is nested without end.
    """
    if depth > DEEPEST:
        raise ForbiddenTargetError(f"expected a configuration of at most {DEEPEST} levels, got more at {place[:80]}…")
    if isinstance(node, dict):
        if "_target_" in node:
            yield place, node["_target_"]
        for key, value in node.items():
            yield from targets(value, f"{place}.{key}" if place else str(key), depth + 1)
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from targets(value, f"{place}[{index}]", depth + 1)


def check_target(
    target: Any, place: str, *, purposes: Collection[str] = tuple(PURPOSES), packages: Collection[str] = ()
) -> None:
    """Refuse one `_target_`.

    Raises:
        ForbiddenTargetError: if it is not in the table for one of the purposes, nor in one of the packages.
    """
    named = isinstance(target, str) and _NAME.fullmatch(target) is not None
    if named and (target.split(".")[0] in packages or any(target in PURPOSES[purpose] for purpose in purposes)):
        return
    known = [name for purpose in purposes for name in PURPOSES[purpose]]
    near = get_close_matches(str(target), known, n=1, cutoff=0.8)
    wanted = "part" if len(purposes) == len(PURPOSES) else " or ".join(purposes)
    raise ForbiddenTargetError(
        f"expected _target_ at {place or 'the top'} to be a {wanted} out of the {len(known)} that "
        f"foresight/cli/allowed.py names, got {target!r}; "
        + (f"did you mean {near[0]}?" if near else "allow=PACKAGE on the command line lets in a package of your own")
    )


def locate(target: str, packages: Collection[str] = ()) -> Any:
    """The class, class method or function of an allowed name.

    Raises:
        ForbiddenTargetError: if there is none, or a package that was let in only passes on what it has imported.
    """
    found = _attribute(target)
    root = target.split(".")[0]
    home = str(getattr(found, "__module__", None) or "").split(".")[0]
    if not callable(found) or isinstance(found, ModuleType) or (root in packages and home != root):
        raise ForbiddenTargetError(f"expected a class or function that {root} defines, got {target!r}")
    return found


def _attribute(target: str) -> Any:
    parts = target.split(".")
    found: Any = import_module(parts[0])
    for index, name in enumerate(parts[1:], start=1):
        if not hasattr(found, name) and isinstance(found, ModuleType) and hasattr(found, "__path__"):
            module = ".".join(parts[: index + 1])
            if find_spec(module) is not None:
                import_module(module)
        # Classes and modules only: what an object holds is no name of its own.
        found = getattr(found, name, None) if isinstance(found, ModuleType | type) else None
    return found
