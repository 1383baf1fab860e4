"""Turnbuckle: an HTTP server and web framework in one, whose every part is a plugin resolved once at startup."""
