"""Inventory of this machine, and what each command needs of it."""
