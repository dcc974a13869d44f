"""Training data: clips made or encoded once, in an order that can be resumed at any batch."""
