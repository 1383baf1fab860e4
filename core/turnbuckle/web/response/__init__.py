"""Responses, and how return values and errors become responses."""
