"""Encode correct requests: one Host, framed content, no unrequested fields (RFC 9112).

To send anything else, use a raw connection.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, TypedDict
from urllib.parse import quote, urlencode, urljoin, urlsplit

import attrs

from turnbuckle.schema.json_encoding import encode_json
from turnbuckle.startup.model.diagnostics import did_you_mean
from turnbuckle.testing.client.multipart_encoder import FileFields, encode_multipart
from turnbuckle.web.headers import HeaderPairs, MutableHeaders

__all__ = ["Content", "FormPairs", "OutgoingRequest", "QueryPairs", "RequestOptions", "encode_request"]

Content: TypeAlias = bytes | str | AsyncIterable[bytes | str]
QueryPairs: TypeAlias = Mapping[str, object] | Iterable[tuple[str, object]]
FormPairs: TypeAlias = QueryPairs

# Characters that are not escaped in a target: reserved and unreserved characters (RFC 3986), and existing escapes.
_TARGET_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"


# The names of options in other clients.
_SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "body": "content",
        "form": "data",
        "query": "params",
        "query_string": "params",
        "allow_redirects": "follow_redirects",
    }
)


class RequestOptions(TypedDict, total=False):
    """The options of a request; at most one of ``content``, ``data`` and ``json``, and ``files`` only with ``data``.

    Attributes:
        headers: fields, as a mapping or pairs; they replace the fields that the client sets itself.
        params: query parameters, added to the query of the URL; a list stands for a repeated name.
        cookies: cookies for this request only, in addition to the cookies of the jar.
        content: bytes, text, or an async iterator of either, which is sent in chunks.
        data: fields of a form, sent as ``application/x-www-form-urlencoded``, or with ``files`` as multipart.
        files: files of a form, sent as ``multipart/form-data``: a mapping or pairs from the names of fields to content,
            or to tuples of file name, content, media type and header fields. Content is bytes, text or an open file.
        json: a value, sent as JSON.
        follow_redirects: overrides the setting of the client.
    """

    headers: HeaderPairs
    params: QueryPairs
    cookies: Mapping[str, str]
    content: Content
    data: FormPairs
    files: FileFields
    json: object
    follow_redirects: bool


@attrs.frozen(kw_only=True)
class OutgoingRequest:
    """A request, ready to be sent.

    Attributes:
        method: the method.
        url: the absolute URL, used as the base of redirects and to select cookies.
        head: request line and header section.
        content: the content, if it is complete.
        stream: pieces of the content, if it is a stream.
        is_chunked: whether ``stream`` is sent in chunks.
        awaits_continue: whether the content waits for 100.
    """

    method: str
    url: str
    head: bytes
    content: bytes = b""
    stream: AsyncIterable[bytes | str] | None = None
    is_chunked: bool = False
    awaits_continue: bool = False

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the encoded content."""
        async for piece in _whole(self.content) if self.stream is None else self.stream:
            data = piece.encode() if isinstance(piece, str) else piece
            if data:
                yield b"%x\r\n%b\r\n" % (len(data), data) if self.is_chunked else data
        if self.is_chunked:
            yield b"0\r\n\r\n"


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def encode_request(
    method: str,
    url: str,
    options: RequestOptions,
    *,
    base_url: str,
    defaults: HeaderPairs = (),
    jar: Callable[[str], Iterable[tuple[str, str]]] = lambda url: (),
) -> OutgoingRequest:
    """Return a request.

    Args:
        method: the method, sent unchanged.
        url: a path with or without query, an absolute URL, or ``*``.
        options: the options of the request.
        base_url: the base of a relative ``url``.
        defaults: fields that ``options`` may override.
        jar: returns the cookies for a URL; cookies in ``options`` replace cookies of the same name.

    Raises:
        TypeError: there is no such option.
        ValueError: a field cannot be sent, or the content is given twice.
    """
    _check_options(options)
    target, authority, absolute = _resolve_target(url, base_url, options.get("params"))
    body, content_type = _content_of(options)
    headers = MutableHeaders({"Host": authority, "Accept": "*/*", "User-Agent": "turnbuckle-testing"})
    _override(headers, defaults)
    if content_type:
        headers["Content-Type"] = content_type
    own = options.get("cookies", {})
    pairs = [*((name, value) for name, value in jar(absolute) if name not in own), *own.items()]
    if pairs:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in pairs)
    _override(headers, options.get("headers", ()))
    _frame(headers, method, body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return OutgoingRequest(
        method=method,
        url=absolute,
        head=f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"),
        content=body if isinstance(body, bytes) else b"",
        stream=None if isinstance(body, bytes) else body,
        is_chunked="transfer-encoding" in headers,
        awaits_continue=headers.get("expect", "").lower() == "100-continue",
    )


def _check_options(options: Mapping[str, object]) -> None:
    known = RequestOptions.__annotations__
    for name in options:
        if name not in known:
            hint = f"; did you mean {_SYNONYMS[name]!r}?" if name in _SYNONYMS else did_you_mean(name, known)
            raise TypeError(f"a request has no option {name!r}{hint or '; there are ' + ', '.join(known)}")


def _resolve_target(url: str, base_url: str, params: QueryPairs | None) -> tuple[str, str, str]:
    base = urlsplit(base_url)
    if url == "*":
        return "*", base.netloc, base_url
    if url.startswith("/"):
        # Not urljoin: here, as for the server, "//elsewhere/" is a path.
        path, _, query = url.partition("#")[0].partition("?")
        absolute_path, authority, scheme = path, base.netloc, base.scheme
    else:
        parts = urlsplit(urljoin(base_url, url))
        absolute_path, authority, scheme, query = parts.path or "/", parts.netloc, parts.scheme, parts.query
    if params:
        added = urlencode(params if isinstance(params, Mapping) else list(params), doseq=True)
        query = f"{query}&{added}" if query else added
    target = quote(absolute_path + (f"?{query}" if query else ""), safe=_TARGET_SAFE)
    return target, authority, f"{scheme}://{authority}{target}"


def _content_of(options: RequestOptions) -> tuple[bytes | AsyncIterable[bytes | str], str]:
    given = [str(name) for name in ("content", "data", "json") if name in options]
    if "files" in options and given in ([], ["data"]):
        return encode_multipart(options.get("data", ()), options["files"])
    given += ["files"] if "files" in options else []
    if len(given) > 1:
        raise ValueError(f"the content is given more than once: {given!r}")
    if "json" in options:
        return encode_json(options["json"]), "application/json"
    if "data" in options:
        data = options["data"]
        form = urlencode(data if isinstance(data, Mapping) else list(data), doseq=True)
        return form.encode("ascii"), "application/x-www-form-urlencoded"
    content = options.get("content", b"")
    if isinstance(content, str):
        return content.encode(), "text/plain; charset=utf-8"
    return content, ""


def _frame(headers: MutableHeaders, method: str, body: bytes | AsyncIterable[bytes | str]) -> None:
    if "content-length" in headers or "transfer-encoding" in headers:
        return
    if not isinstance(body, bytes):
        headers["Transfer-Encoding"] = "chunked"
    elif body or method in ("POST", "PUT", "PATCH"):
        # An empty POST has a Content-Length of 0 (RFC 9110, section 8.6).
        headers["Content-Length"] = str(len(body))


def _override(headers: MutableHeaders, given: HeaderPairs) -> None:
    pairs = list(given.items() if isinstance(given, Mapping | MutableHeaders) else given)
    for name in {name.lower() for name, _ in pairs}:
        headers.discard(name)
    for name, value in pairs:
        headers.add(name, value)
