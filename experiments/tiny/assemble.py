"""Put the trained parts of the embedded model together in one folder.

    python -m experiments.tiny.assemble runs/tiny foresight/models/foresight-tiny

The first folder holds vae, transformer, text_encoder, tokenizer, vlm and adapter, as the recipes export them; the
second receives them with the sampling configuration and the index. Fit the verifier afterwards: it is tied to these
weights.
"""

import json
import sys
from pathlib import Path

import torch

from adapters import load_adapter
from foresight import QwenEncoder, WorldModel
from foresight.world.sampling_config import SamplingConfig
from foresight.world.storage import INDEX
from ltx import TextEncoder, VideoTransformer, VideoVAE
from ltx.files import write_text

SAMPLING = SamplingConfig(
    frame_rate=8.0,
    context_frames=9,
    chunk_frames=16,
    steps=4,
    schedule="uniform",
    decode_timestep=0.05,
    decode_noise=0.0,
    carried_noise=0.0,
    continuation="nothing is pushed",
    guidance=1.5,
    estimate="consensus",
)


def main(parts: Path, target: Path) -> None:
    adapter = load_adapter(parts / "adapter", dtype=torch.bfloat16)
    vlm = QwenEncoder.from_pretrained(parts / "vlm", layers=adapter.pairing.vlm_layers, dtype=torch.bfloat16)
    world = WorldModel(
        vae=VideoVAE.from_pretrained(parts / "vae", dtype=torch.bfloat16),
        transformer=VideoTransformer.from_pretrained(parts / "transformer", dtype=torch.bfloat16),
        text_encoder=TextEncoder.from_pretrained(parts, dtype=torch.bfloat16),
        vlm=vlm,
        adapter=adapter,
        sampling_config=SAMPLING,
    )
    world.save_pretrained(target)
    # As a video model alone it is sampled by the preset of its name.
    index = json.loads((target / INDEX).read_text())
    write_text(target / INDEX, json.dumps({**index, "_preset": "foresight-tiny"}, indent=2) + "\n")
    for file in sorted(target.rglob("*.safetensors")):
        print(f"{file.relative_to(target)}  {file.stat().st_size / 1e6:.1f} MB")
    print(f"{sum(file.stat().st_size for file in target.rglob('*') if file.is_file()) / 1e6:.1f} MB in all")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
