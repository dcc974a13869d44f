"""Evidence: everything that verdicts are made from, and how it is built."""
