"""Serve HTTP/1.1 on one connection: states, deadlines, requests and responses."""
