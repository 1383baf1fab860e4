"""Listening sockets, accepted connections, and the protocol that each connection starts with."""
