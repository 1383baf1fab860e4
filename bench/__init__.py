"""Measure the cost of a request for Turnbuckle and other servers on one machine (see README.md)."""
