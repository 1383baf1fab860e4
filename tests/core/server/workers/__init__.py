"""Serving with many processes."""
