"""Define the records that the parts of the server share: clock, timeouts, capacity, connection state."""
