"""Build the request that follows a redirect (RFC 9110, section 15.4)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin, urlsplit

from turnbuckle.testing.client.request_encoder import RequestOptions
from turnbuckle.testing.client.response import ClientResponse
from turnbuckle.web.headers import MutableHeaders

__all__ = ["MAX_REDIRECTS", "is_redirect", "redirected"]

MAX_REDIRECTS: Final = 20

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_ABOUT_CONTENT: Final = ("content-type", "content-length", "content-encoding", "transfer-encoding", "expect")


def is_redirect(response: ClientResponse) -> bool:
    """Return whether a response is a redirect with a location."""
    return response.status in _REDIRECTS and "location" in response.headers


def redirected(response: ClientResponse, options: RequestOptions) -> tuple[str, str, RequestOptions]:
    """Return method, URL and options of the next request.

    Args:
        response: the redirect.
        options: the options of the redirected request.

    Raises:
        ValueError: the content would have to be sent again, but was a stream.
    """
    method, url = response.method, urljoin(response.url, response.headers["location"])
    followed = options.copy()
    followed.pop("params", None)
    headers = MutableHeaders(options.get("headers", ()))
    if urlsplit(url).netloc != urlsplit(response.url).netloc:
        headers.discard("authorization")
        headers.discard("host")
    if _becomes_get(response.status, method):
        method = "GET"
        for name in _ABOUT_CONTENT:
            headers.discard(name)
        followed.pop("content", None)
        followed.pop("data", None)
        followed.pop("files", None)
        followed.pop("json", None)
    elif not isinstance(followed.get("content", b""), bytes | str):
        raise ValueError(f"redirect {response.status} needs the content again, but it was a stream")
    followed["headers"] = headers.items()
    return method, url, followed


def _becomes_get(status: int, method: str) -> bool:
    return (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST")
