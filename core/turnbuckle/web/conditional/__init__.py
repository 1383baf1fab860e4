"""Preconditions and ranges: which part of a response, or which other status, answers a request."""
