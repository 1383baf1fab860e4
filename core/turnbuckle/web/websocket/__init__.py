"""WebSocket at the level of messages (RFC 6455): the argument of handlers, independent of how messages are carried."""
