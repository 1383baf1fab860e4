"""The parameters of functions that are called for a request: their markers, and how their values are read."""
