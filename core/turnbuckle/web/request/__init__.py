"""The request as handlers see it."""
