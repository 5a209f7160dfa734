"""Tilth turns raw text into fine-tuning data you can defend, trains on it, and shows what the training changed."""

__version__ = "0.1.0"
