"""Sockets: listen, accept, and choose the protocols of an accepted connection."""
