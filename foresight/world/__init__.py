"""The world model: its parts, its sampling, and its assembly from models on disk."""
