"""Names that recorded configurations may know a part by: those of earlier versions, and where the part is now."""

from __future__ import annotations

from typing import Any

MOVED = {
    "foresight.adapted.adapted_world_model": "foresight.world.variants.adapted_world_model",
    "foresight.calibrations.AlarmCalibration": "foresight.watch.calibration.AlarmCalibration",
    "foresight.calibrations.TemperatureCalibration": "foresight.choose.calibration.TemperatureCalibration",
    "foresight.evaluation.correction.CorrectionBenchmark": "foresight.evaluation.correction.card.CorrectionBenchmark",
    "foresight.evaluation.prediction_benchmark.PredictionBenchmark": (
        "foresight.evaluation.prediction.benchmark.PredictionBenchmark"
    ),
    "foresight.evaluation.verification_benchmark.VerificationBenchmark": (
        "foresight.evaluation.verification.card.VerificationBenchmark"
    ),
    "foresight.evaluation.verification.benchmark.VerificationBenchmark": (
        "foresight.evaluation.verification.card.VerificationBenchmark"
    ),
    "foresight.evaluation.videos.VideoBenchmark": "foresight.evaluation.prediction.videos.VideoBenchmark",
    "foresight.vlm.chats.WorldChats": "foresight.vlm.curriculum.conversations.WorldConversations",
    "foresight.vlm.curriculum.chats.WorldChats": "foresight.vlm.curriculum.conversations.WorldConversations",
    "foresight.vlm.curriculum.questions.world_tokenizer": "foresight.vlm.curriculum.qa.world_tokenizer",
    "foresight.vlm.preprocess.FramePolicy": "foresight.vlm.preprocess.Preprocessing",
    "foresight.vlm.questions.world_tokenizer": "foresight.vlm.curriculum.qa.world_tokenizer",
    "foresight.vlm.training.GroundedAnswers": "foresight.vlm.curriculum.objective.GroundedAnswers",
    "foresight.world_model.WorldModel.from_pretrained": "foresight.world.world_model.WorldModel.from_pretrained",
}
"""Full names of allowed parts, then and now."""


def present(node: Any) -> Any:
    """A recorded configuration of plain values with every `_target_` by its present name."""
    if isinstance(node, dict):
        return {
            key: MOVED.get(value, value) if key == "_target_" and isinstance(value, str) else present(value)
            for key, value in node.items()
        }
    return [present(value) for value in node] if isinstance(node, list) else node
