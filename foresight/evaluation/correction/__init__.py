"""The correction card: accuracy of each policy of the loop, and its cost."""
