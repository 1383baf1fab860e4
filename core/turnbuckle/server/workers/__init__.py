"""Serve with many processes: a supervisor that starts, watches and replaces workers, and the worker's side of it.

``fleet.py`` decides and has no I/O, ``supervisor.py`` performs the decisions, ``worker.py`` runs in the worker.
"""
