"""The words that the parts of the server share: clock, timeouts, capacity, connection state."""
