"""Transport and clock in memory."""
