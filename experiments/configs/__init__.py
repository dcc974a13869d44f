"""The configuration tree."""
