"""Serve ASGI apps: requests of a connection become calls of the app."""
