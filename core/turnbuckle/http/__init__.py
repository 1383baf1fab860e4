"""HTTP/1.1 without I/O: octets to events, and responses to octets (RFC 9112).

Nothing in this folder imports asyncio, opens a socket, or reads a clock.
"""
