"""WebSockets of the test client."""
