"""Describe the schemes in the OpenAPI document of the app (OpenAPI 3.1, section 4.8.27)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from turnbuckle import Plan
from turnbuckle_contrib.auth.config import AuthConfig
from turnbuckle_contrib.auth.guards import Requires
from turnbuckle_contrib.auth.records import User

if TYPE_CHECKING:
    from turnbuckle_contrib.openapi import SecurityScheme

__all__ = ["security_schemes"]


def security_schemes(plan: Plan) -> list[SecurityScheme]:
    """Return the schemes of the app; an operation with a user requires one of them."""
    from turnbuckle_contrib.openapi import SecurityScheme

    config = plan.root.configs.get("auth")
    if not isinstance(config, AuthConfig):
        return []
    guards = _guards(plan)
    return [
        SecurityScheme(name=name, definition=definition, types=(User,), guards=guards, errors=(401, 403), group="user")
        for name, definition in _definitions(config, getattr(plan.root.configs.get("sessions"), "cookie", "session"))
    ]


def _guards(plan: Plan) -> tuple[Requires, ...]:
    routes = [planned for planned, _ in plan.routes() if not planned.route.options.get("public")]
    functions = [guard.function for planned in routes for guard in planned.signature.guards]
    return tuple(dict.fromkeys(function for function in functions if isinstance(function, Requires)))


def _definitions(config: AuthConfig, cookie: str) -> Iterator[tuple[str, dict[str, object]]]:
    for name in config.schemes:
        if name == "session":
            yield name, {"type": "apiKey", "in": "cookie", "name": cookie, "description": "cookie of the session"}
        elif name == "basic":
            yield name, {"type": "http", "scheme": "basic"}
        elif name == "bearer":
            yield name, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        else:
            yield name, {"type": "apiKey", "in": "header", "name": config.api_key_header}
