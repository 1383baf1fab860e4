"""Test data for parsers: requests with their meaning, variants of them, and the outcome of reading them.

The conformance suite and the differential runner both use it.
"""
