"""Train an adapter between two frozen models in plain PyTorch: no Hydra, no trainer.

    python -m experiments.examples.train_adapter VIDEOS runs/example

VIDEOS is a folder of clips with a table or captions (docs/videos.md); runs/example becomes a world model.
"""

import sys

import torch

from adapters import LatentConfig, build_adapter, save_adapter
from foresight import QwenEncoder, WorldModel
from foresight.data.batch import FeatureBatch
from foresight.data.videos import VideoClips
from foresight.training.objectives.adapter import AdaptedTransformer
from foresight.training.objectives.forecast import ForecastFit
from foresight.world.sizes import pairing_between
from foresight.world.training_clips import TrainingClips
from ltx import VideoTransformer, VideoVAE

LTX = VLM = "foresight-tiny"  # files, folders, hub ids or names
FRAMES, GIVEN, HEIGHT, WIDTH, RATE = 25, 9, 64, 64, 8.0


def main(videos: str, folder: str, steps: int = 300, batch: int = 8) -> None:
    vae = VideoVAE.from_pretrained(LTX, dtype=torch.float32).eval()
    transformer = VideoTransformer.from_pretrained(LTX, dtype=torch.float32).eval().requires_grad_(False)
    pairing = pairing_between(LTX, VLM)
    vlm = QwenEncoder.from_pretrained(VLM, layers=pairing.vlm_layers, dtype=torch.float32)
    adapter = build_adapter(LatentConfig(pairing, width=128, heads=4, depth=2, extent=(4.0, 64.0, 64.0), geometry=True))
    model = AdaptedTransformer(adapter=adapter, transformer=transformer)
    objective = ForecastFit(weights={"squared_error": 1.0}, context=(GIVEN - 1) // 8 + 1)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=1e-3)
    clips = VideoClips(folder=videos, split="train", frames=FRAMES, frame_rate=RATE, size=(HEIGHT, WIDTH))
    generator = torch.Generator().manual_seed(0)
    for step in range(1, steps + 1):
        found = clips.__getitems__(torch.randint(len(clips), (batch,), generator=generator).tolist())
        with torch.no_grad():
            features = vlm.encode(found.video[:, :, :GIVEN], list(found.instructions), frame_rate=RATE)
            rows = FeatureBatch.of(vae.encode(found.video), found.instructions, RATE, features=features)
        loss = objective(model, rows, generator)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step}/{steps} · loss {loss.item():.4g}")
    save_adapter(adapter.eval(), f"{folder}/adapter")
    TrainingClips(RATE, FRAMES, HEIGHT, WIDTH, GIVEN).save(f"{folder}/adapter")
    WorldModel.assemble(ltx=LTX, vlm=VLM, adapter=f"{folder}/adapter").save_pretrained(f"{folder}/world")


if __name__ == "__main__":
    main(*sys.argv[1:3])
