"""Run one server in this process: start, signals, readiness, shutdown."""
