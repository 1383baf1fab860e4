"""Faults around a server, one kind per module; after each the server still serves and leaves nothing open."""
