"""Measure what a request costs Turnbuckle and its peers, side by side on one machine (see README.md)."""
