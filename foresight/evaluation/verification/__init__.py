"""The verification benchmark: right outcomes told from counterfactual ones."""
