"""Reject requests that other sites cause, and restrict what the pages of this app may load.

A browser sends the source of a request in Sec-Fetch-Site, or in Origin if the browser is old; scripts cannot change
either. Other clients send neither field, and another site cannot make them send requests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from pages import message_page

from turnbuckle import HTML, Request, Response, middleware

__all__ = ["page_policy", "same_site"]

Next = Callable[[Request], Awaitable[Response]]

_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@middleware(zone="security")
async def same_site(request: Request, call_next: Next) -> Response:
    """Answer 403 to a change that a page of another site has started."""
    if request.method in _HARMLESS or _is_same_site(request):
        return await call_next(request)
    return HTML(message_page("Refused", "This change was started on another site."), status=403)


@middleware(zone="security")
async def page_policy(request: Request, call_next: Next) -> Response:
    """Forbid scripts, resources of other sites, and frames around the pages."""
    response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    # "no-referrer" would also turn Origin into "null", and same_site refuses that.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def _is_same_site(request: Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    # Behind a proxy that terminates TLS, the scheme of the request differs from the scheme in the browser.
    return origin is None or origin in {f"http://{request.host}", f"https://{request.host}"}
