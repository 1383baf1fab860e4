"""HTTP/1.1 without I/O: bytes to events, and responses to bytes (RFC 9112).

Nothing in this folder imports asyncio, opens a socket, or reads a clock.
"""
