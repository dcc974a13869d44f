"""Qwen2.5-VL as the eyes of the world model: features with places, answers in words, a small model of its class."""
