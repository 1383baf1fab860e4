"""Decide which records take effect, and in which order."""
