"""Make responses with Problem Details (RFC 9457), for middleware that answers requests itself.

Middleware returns such a response instead of raising an exception, so that middleware further outside can add its
fields, such as a request id and the fields of CORS.
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
    response = JSON({**content, **(members or {})}, status, {"Cache-Control": "no-store", **(headers or {})})
    response.content_type = "application/problem+json"
    return response
