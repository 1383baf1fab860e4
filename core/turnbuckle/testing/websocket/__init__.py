"""WebSockets of the test client: frames, messages, and the client's end."""
