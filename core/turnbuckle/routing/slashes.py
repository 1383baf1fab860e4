"""What to do when a path fits but for a slash at its end.

``strict``: nothing, it is another path. ``redirect``: the client is sent to the form that some route has.
``ignore``: the route with the other form answers. Either form that a route has itself always comes first.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from turnbuckle.errors import NotFound, RouteError
from turnbuckle.routing.escapes import normalize_path

TrailingSlash: TypeAlias = Literal["strict", "redirect", "ignore"]
_POLICIES: Final = ("strict", "redirect", "ignore")


class SlashRedirect(NotFound):
    """Only the other form of the path, with or without the slash at its end, has a route.

    ``path`` is that form, ready for a ``Location`` field: percent-encoded, one slash at the front, without
    the query, which whoever answers has to add. The answer is 308, which keeps method and content; 404 where
    nobody looks.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path: Final = normalize_path(path)


def check_policy(policy: str) -> None:
    """Refuse an unknown policy.

    Raises:
        RouteError: it is none of ``strict``, ``redirect``, ``ignore``.
    """
    if policy not in _POLICIES:
        raise RouteError(f"trailing_slash is one of {', '.join(_POLICIES)}, not {policy!r}")


def other_form(path: str) -> str:
    """Return ``path`` without the slash at its end, or with one; the root, which has one form only, as it is."""
    if path == "/":
        return path
    return path[:-1] if path.endswith("/") else path + "/"
