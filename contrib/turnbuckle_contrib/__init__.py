"""Routers and middleware, ready to be installed in an app."""
