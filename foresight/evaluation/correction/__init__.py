"""The correction benchmark: what each policy of the loop gains for its cost."""
