"""Run a server: start, signals, readiness, shutdown."""
