"""Read the fields of forms and JSON objects, and answer clients that read JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from turnbuckle import InputFault, InvalidInput, Request
from turnbuckle_contrib.auth import User

__all__ = ["Errors", "public", "raise_for_json", "read_fields", "wants_json"]

Errors: TypeAlias = Mapping[str, str]
"""A sentence for the user by the name of a field; ``"form"`` for the whole form."""


async def read_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form or of a JSON object."""
    if request.media_type.is_json:
        content = await request.json()
        if not isinstance(content, dict):
            raise InvalidInput([InputFault(part="body", reason="expected an object")])
        return {str(name): value for name, value in content.items() if isinstance(value, str)}
    return dict((await request.form()).items()) if request.headers.get("content-type") else {}


def wants_json(request: Request) -> bool:
    """Return whether the client prefers JSON to a page."""
    return request.accepts("text/html", "application/json") == "application/json"


def raise_for_json(request: Request, errors: Errors) -> None:
    """Raise the errors for a client that reads JSON."""
    if wants_json(request):
        raise InvalidInput([InputFault(part="body", reason=text, pointer=f"/{name}") for name, text in errors.items()])


def public(user: User) -> dict[str, object]:
    """Return the fields of a user that the user may see."""
    return {"id": user.id, "name": user.name, "email": user.claims.get("email"), "roles": sorted(user.roles)}
