"""ASGI in both directions: serve apps of ASGI frameworks below a path, and run a Turnbuckle app on an ASGI server."""
