"""How two spaces of states compare: what is linear between them, what structure they share, how many dimensions."""
