"""LTX-Video, complete and self-contained: VAE, transformer, rectified flow, conditioning, checkpoints, pipelines."""
