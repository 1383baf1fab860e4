"""Streams of records: server-sent events, JSON lines and CSV."""
