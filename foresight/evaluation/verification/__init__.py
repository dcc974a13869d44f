"""The verification card: discrimination of right outcomes from counterfactual ones."""
