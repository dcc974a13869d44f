"""Training: one LightningModule, injected parts, exact resumption, checkpoints that verify."""
