"""The policies for a path that differs from a route only in its trailing slash.

``strict``: the path does not match. ``redirect``: the client is redirected to the path of the route. ``ignore``: the
route matches both forms. A route that has the requested form itself always takes precedence.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from turnbuckle.errors import NotFound, RouteError
from turnbuckle.routing.escapes import normalize_path

TrailingSlash: TypeAlias = Literal["strict", "redirect", "ignore"]
_POLICIES: Final = ("strict", "redirect", "ignore")


class SlashRedirect(NotFound):
    """Only the other form of the path, with or without the trailing slash, has a route.

    ``path`` is that form, ready for a ``Location`` field: percent-encoded, with one slash at the start and without the
    query, which the code that responds must add. The response is 308, which preserves method and content; code that
    does not handle this exception answers 404.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path: Final = normalize_path(path)


def check_policy(policy: str) -> None:
    """Validate a policy.

    Raises:
        RouteError: it is not ``strict``, ``redirect`` or ``ignore``.
    """
    if policy not in _POLICIES:
        raise RouteError(f"trailing_slash must be one of {', '.join(_POLICIES)}, not {policy!r}")


def other_form(path: str) -> str:
    """Return ``path`` with its trailing slash removed or added; the root has only one form and stays unchanged."""
    if path == "/":
        return path
    return path[:-1] if path.endswith("/") else path + "/"
