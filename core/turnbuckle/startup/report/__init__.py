"""Explain a plan: as text, as JSON, as a lock file, part by part."""
