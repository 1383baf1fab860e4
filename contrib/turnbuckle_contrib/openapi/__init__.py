"""Describe the API of an app in OpenAPI 3.1, and serve a page to read and try it.

``App(plugins=["openapi"])`` serves ``/openapi.json`` and ``/docs``. The document is built once, at startup, from the
plan: paths and converters, the resolved signatures of handlers, return annotations, declared errors and docstrings.
"""

from __future__ import annotations

from turnbuckle_contrib.openapi.plugin import OpenAPIHooks, OpenAPIPlugin
from turnbuckle_contrib.openapi.records import OpenAPIConfig, SecurityScheme

__all__ = ["OpenAPIConfig", "OpenAPIHooks", "OpenAPIPlugin", "SecurityScheme"]
