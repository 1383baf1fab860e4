"""Make responses with Problem Details (RFC 9457), for middleware and error handlers that answer requests themselves.

Middleware that refuses a request has two ways. It raises ``HTTPError(..., problem={...})``, so that an error handler of
the app may answer with its own page. Or it returns a response of this function, which no error handler changes, and
which needs no part of the app.
"""

from __future__ import annotations

from collections.abc import Mapping

from turnbuckle import JSON, Response, reason_phrase

__all__ = ["problem_response"]


def problem_response(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    *,
    kind: str = "about:blank",
    title: str = "",
    members: Mapping[str, object] | None = None,
) -> Response:
    """Return a response that describes why a request is refused. No cache stores it.

    Args:
        status: the status of the response.
        detail: the reason, for the client.
        headers: further fields.
        kind: the URI of the problem type.
        title: of the problem type; by default the reason phrase of the status.
        members: further members of the content.
    """
    content = {"type": kind, "title": title or reason_phrase(status), "status": status, "detail": detail}
    fields = {"Cache-Control": "no-store", **(headers or {})}
    response = JSON({**content, **(members or {})}, status, fields)
    response.content_type = "application/problem+json"
    return response
