"""The prediction benchmark: future video against the truth, copying, and other baselines."""
