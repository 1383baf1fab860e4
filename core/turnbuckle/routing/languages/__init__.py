"""Decide whether two route patterns can match the same path."""
