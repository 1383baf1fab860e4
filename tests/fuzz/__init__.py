"""Fuzzing, run by hand: ``python -m tests.fuzz.parser --minutes 30`` and ``python -m tests.fuzz.connection``."""
