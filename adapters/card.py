"""The model card that goes with a saved adapter."""

from __future__ import annotations

from adapters.base import AbstractAdapter
from adapters.kinds import config_to_dict

_USES = {
    "forecast": "a forecast of the future latents (decode and refine routes, noise level below 1)",
    "context": "context tokens for the transformer's cross-attention (condition route)",
    "reference": "reference tokens in the transformer's sequence, with a LoRA that reads them (condition route)",
}


def model_card(adapter: AbstractAdapter) -> str:
    """Markdown with the metadata that the hub reads: what the adapter joins, what it gives, how to load it."""
    pairing = adapter.pairing
    kind = config_to_dict(adapter.config)["type"]
    parameters = sum(parameter.numel() for parameter in adapter.parameters())
    given = "\n".join(f"- {_USES[name]}" for name in sorted(adapter.provides))
    layers = ", ".join(map(str, pairing.vlm_layers))
    return f"""---
library_name: foresight-wm
tags:
- foresight
- world-model
- video-prediction
- ltx-video
---
# Adapter `{kind}`: {pairing.vlm} → {pairing.ltx}

{parameters:,} parameters. Turns hidden states of a vision-language model into

{given}

| trained for | |
|---|---|
| vision-language model | {pairing.vlm}, hidden size {pairing.vlm_hidden_size}, vision size {pairing.vlm_vision_size} |
| layers read | {layers} |
| video model | {pairing.ltx}, {pairing.latent_channels} latent channels, captions {pairing.caption_channels} wide |

```python
from adapters import load_adapter

adapter = load_adapter("path/or/hub-id")
```

Other models are refused by name.
"""
