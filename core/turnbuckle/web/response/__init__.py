"""Responses, and the conversion of return values and exceptions into responses."""
