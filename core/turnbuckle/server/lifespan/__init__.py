"""Lifespans and background tasks: enter, supervise, leave."""
