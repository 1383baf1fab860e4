"""Routers and middleware that people install."""
