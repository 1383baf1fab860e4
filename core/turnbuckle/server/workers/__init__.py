"""Serve with many processes: a supervisor that starts, watches and replaces workers, and what a worker does for it.

``fleet.py`` decides and does nothing else, ``supervisor.py`` does what it decided, ``worker.py`` is the other end.
"""
