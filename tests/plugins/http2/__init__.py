"""Tests of ``turnbuckle_plugins.http2``: frames written by hand, for each engine."""
