"""The settings of the plugin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import attrs

__all__ = ["ProxyConfig"]


def _as_tuple(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(value)


def _are_upstreams(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for text in value:
        url = urlsplit(text)
        if "@" in url.netloc:
            # It would be printed with the settings.
            raise ValueError("an upstream must have no user or password in its URL; the client's fields are passed on")
        if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
            raise ValueError(
                f"an upstream is a URL such as 'http://127.0.0.1:9000' or 'https://a.example/b', not {text!r}"
            )
        # It raises ValueError for a port that is none.
        _ = url.port


def _is_prefix(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and (not value.startswith("/") or value.endswith("/")):
        raise ValueError(f"{attribute.name} must start with a slash and not end with one, not {value!r}")


def _is_limit(instance: object, attribute: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{attribute.name} must be at least 1, not {value!r}")


@attrs.frozen(kw_only=True)
class ProxyConfig:
    """Settings of the plugin.

    Attributes:
        upstreams: URLs of the servers that answer the requests; their paths precede the paths of requests.
        prefix: prefix of the paths if the plugin is enabled for the whole app; a scope has its own prefix.
        strip_prefix: whether the prefix is removed from the path of a request.
        methods: the methods that are passed on.
        preserve_host: whether Host has the host that the client requested, and not the host of the upstream.
        forwarded: the fields that describe the client to the upstream: ``x-forwarded``, ``forwarded`` (RFC 7239) or
            ``none``. The client's own fields of both kinds are always removed.
        rewrite_location: whether Location fields that lead to the upstream are changed to lead to the proxy.
        connect_timeout: seconds until a connection must be established; after that 504.
        response_timeout: seconds without progress until the head of the response; after that 504.
        read_timeout: seconds between two pieces of the response; after that it is cut off.
        retries: how often a request without content, whose method is idempotent, is repeated after a failure.
        fail_seconds: seconds in which an upstream that could not be reached gets no requests, if there are others.
        connections: maximum number of connections to each upstream, in each worker.
        keepalive: seconds that an unused connection is kept; less than the upstream keeps it.
        max_content: maximum size of the content of a request in bytes; None for the limit of the app.
        max_response: maximum size of the content of a response in bytes; None for no limit.
        websockets: whether WebSockets are passed on; the app needs the plugin ``websocket``.
        max_message: maximum size of a message of an upstream's WebSocket in bytes.
        ca_file: file with certificates of authorities for https, in place of the system's.
    """

    upstreams: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple, validator=_are_upstreams)
    prefix: str = attrs.field(default="", validator=_is_prefix)
    strip_prefix: bool = True
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    preserve_host: bool = False
    forwarded: Literal["x-forwarded", "forwarded", "none"] = "x-forwarded"
    rewrite_location: bool = True
    connect_timeout: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    response_timeout: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    read_timeout: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    retries: int = attrs.field(default=1, validator=attrs.validators.ge(0))
    fail_seconds: float = attrs.field(default=10.0, validator=attrs.validators.ge(0))
    connections: int = attrs.field(default=100, validator=attrs.validators.ge(1))
    keepalive: float = attrs.field(default=4.0, validator=attrs.validators.gt(0))
    max_content: int | None = attrs.field(default=None, validator=_is_limit)
    max_response: int | None = attrs.field(default=None, validator=_is_limit)
    websockets: bool = False
    max_message: int = attrs.field(default=1024 * 1024, validator=attrs.validators.ge(1))
    ca_file: Path | None = None
