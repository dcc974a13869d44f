"""What this machine has, and how much of it each command needs."""
