"""Training data and objective of the embedded model's small vision-language model, and of it alone."""
