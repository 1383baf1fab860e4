"""Transport, clock and server in memory."""
