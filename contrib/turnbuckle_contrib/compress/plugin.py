"""Decide which responses are compressed, and change their fields (RFC 9110, sections 8.4, 8.8.3 and 12.5.3).

A compressed response has a weak ETag, because its bytes are others than without the coding; a client that sends it back
in If-None-Match gets 304 as before. In If-Match, which demands a strong ETag, it is made strong again before the
handler sees it, so that a client can save a page that it has read. Ranges refer to content without a coding: a response
to a request for ranges is not compressed.

The length of compressed content depends on how often its texts are repeated. If a page contains a secret and a text
that an attacker has chosen, the length shows whether they are alike (BREACH). The attacker has to make the browser of
a victim request the page many times, from another site. So requests that have a cookie or credentials and that another
site has caused are not answered with compressed content, unless the user has clicked (Fetch Metadata, Sec-Fetch-Site).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from functools import partial
from typing import Final, final

import attrs

from turnbuckle import FileBody, Handler, Middleware, Plugin, PluginInfo, Request, Response, Setup
from turnbuckle_contrib.compress.encoders import PADDED_CODINGS, Encoder, EncoderOptions, make_encoder
from turnbuckle_contrib.compress.stream import THREAD_SIZE, CompressedStream
from turnbuckle_contrib.content_codings import are_codings_of, available_codings

__all__ = ["CompressConfig", "CompressPlugin"]

_CODINGS: Final = ("zstd", "br", "gzip")
_TYPES: Final = (
    "text/*",
    "*+json",
    "*+xml",
    "application/json",
    "application/javascript",
    "application/msgpack",
    "application/openmetrics-text",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-ndjson",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "image/x-icon",
)
_EVENT_STREAM: Final = "text/event-stream"
_READING: Final = frozenset({"GET", "HEAD"})
# They have no content, or a part of it, or belong to another protocol.
_NEVER: Final = frozenset({101, 204, 205, 206, 304})
# The content was encoded, or the fields are about its bytes as they are (RFC 9530).
_PREVENTING: Final = frozenset({"content-encoding", "content-range", "content-digest", "repr-digest", "content-md5"})
_REPLACED: Final = frozenset({"accept-ranges", "content-length"})
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
# Types may come from users, with their uploads.
_MAX_VERDICTS: Final = 500


def _are_types(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for pattern in value:
        if not re.fullmatch(r"[\w.+*-]+/[\w.+*-]+|\*\+\w+", pattern):
            raise ValueError(
                f"{pattern!r} is no pattern of media types; write it like 'text/*', '*+json' or 'font/ttf'"
            )


def _as_option(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"write False for a route whose responses are never compressed, not {value!r:.60}")
    return value


def _has_coding(instance: CompressConfig, attribute: attrs.Attribute[int], value: int) -> None:
    if value and instance.codings and PADDED_CODINGS.isdisjoint(instance.codings):
        raise ValueError("padding needs gzip or zstd: the coding br cannot have any; add 'gzip' to codings")


def _number(default: int, low: int, high: int, *others: Callable[..., None]) -> int:
    def check(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
        if not low <= value <= high:
            raise ValueError(f"{attribute.name} must be from {low} to {high}, not {value!r}")

    field: int = attrs.field(default=default, validator=[check, *others])
    return field


@attrs.frozen(kw_only=True)
class CompressConfig:
    """Settings of the plugin.

    Attributes:
        codings: of "zstd", "br" and "gzip", the server's favourite first; if empty, all whose packages are installed.
        types: patterns of the media types that are compressed.
        min_size: content of fewer bytes is not compressed; streams without Content-Length always are.
        max_file: files of more bytes are not compressed, so that they keep ranges and ``sendfile``; 0 for no file.
        gzip_level: from 1 (fast) to 9.
        br_level: from 0 (fast) to 11.
        zstd_level: from 1 (fast) to 19.
        cross_site: whether to compress the answers to requests with a cookie or credentials that another site caused.
        padding: maximum number of random bytes that are added to compressed content; with it, br is not used.
    """

    codings: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=are_codings_of(_CODINGS))
    types: tuple[str, ...] = attrs.field(default=_TYPES, converter=tuple, validator=_are_types)
    min_size: int = _number(500, 0, 2**40)
    max_file: int = _number(1024 * 1024, 0, 2**40)
    gzip_level: int = _number(6, 1, 9)
    br_level: int = _number(4, 0, 11)
    zstd_level: int = _number(3, 1, 19)
    cross_site: bool = False
    padding: int = _number(0, 0, 10_000, _has_coding)


@final
class CompressPlugin(Plugin[CompressConfig]):
    """Provide the middleware ``compress`` in the transform zone, and the option ``compress`` of routes."""

    info = PluginInfo(name="compress", route_options={"compress": _as_option})

    def provide_middleware(self, setup: Setup[CompressConfig]) -> list[Middleware]:
        """Return the middleware."""
        # Outside of the middleware that computes an ETag from content, or a Content-Encoding.
        return [Middleware("compress", _around, zone="transform", before=("conditional",))]


def _around(next_handler: Handler, setup: Setup[CompressConfig]) -> Handler:
    min_size = setup.config.min_size
    compression = _Compression(setup.config)

    async def compress(request: Request) -> Response:
        if request.head.method not in {b"GET", b"HEAD"}:
            _make_strong(request)
        response = await next_handler(request)
        body = response.body
        if type(body) is bytes and len(body) < min_size and response.status != 304 and request.head.method != b"HEAD":
            return response
        return await compression.apply(request, response)

    return compress


def _make_strong(request: Request) -> None:
    """Make the tags in If-Match strong again, in a request that changes a resource."""
    tags = request.headers.get_list("if-match")
    if tags and 'W/"' in tags[0]:
        request.replace_header("If-Match", re.sub(r'(?<![^\s,])W/"', '"', ", ".join(tags)))


class _Compression:
    """Compresses the responses of one app."""

    def __init__(self, config: CompressConfig) -> None:
        available = config.codings or [coding for coding in _CODINGS if coding in available_codings()]
        self._codings: Final = [coding for coding in available if not config.padding or coding in PADDED_CODINGS]
        levels = {"gzip": config.gzip_level, "br": config.br_level, "zstd": config.zstd_level}
        self._options: Final = {
            coding: EncoderOptions(level=level, padding=config.padding) for coding, level in levels.items()
        }
        self._min_size: Final = config.min_size
        self._max_file: Final = config.max_file
        self._cross_site: Final = config.cross_site
        patterns = [re.escape(pattern).replace(r"\*", ".*") for pattern in config.types]
        self._types: Final = re.compile("|".join(patterns) or r"(?!)")
        self._verdicts: Final[dict[str, bool]] = {}

    async def apply(self, request: Request, response: Response) -> Response:
        """Return the compressed response, or the response of the app."""
        route = request.route
        if route is not None and route.options.get("compress") is False:
            return response
        if response.status == 304:
            self._describe_unchanged(request, response)
            return response
        fields = {name.lower(): value for name, value in response.fields()}
        if not self._may_be_compressed(request, response, fields):
            return response
        # The method adds the field to Vary, whatever the result is.
        coding = request.accepts_encoding(*self._codings)
        if coding is None or _needs_plain(request, fields) or self._is_exposed(request):
            return response
        tag = fields.get("etag", "").removeprefix("W/")
        # An ETag without quotes is a mistake of the app, which stays as it is.
        tag = tag if tag.startswith('"') else ""
        if tag and response.status == 200 and any(tag in line for line in request.headers.get_list("if-none-match")):
            # The server answers 304, and the content would be compressed in vain.
            return _changed(response, response.body, tag)
        return await self._compressed(request, response, coding, tag)

    def _describe_unchanged(self, request: Request, response: Response) -> None:
        """Give a 304 of a handler the fields that its 200 would have (RFC 9110, section 15.4.5)."""
        request.accepts_encoding(*self._codings)
        tag = response.headers.get("etag", "")
        if tag.startswith('"') and any(f"W/{tag}" in line for line in request.headers.get_list("if-none-match")):
            response.headers.set("ETag", f"W/{tag}")

    def _may_be_compressed(self, request: Request, response: Response, fields: Mapping[str, str]) -> bool:
        """Return whether the content is compressed for clients that accept it."""
        if response.status in _NEVER or not fields.keys().isdisjoint(_PREVENTING):
            return False
        if not self._is_compressible(fields.get("content-type", "")) or _is_fixed(response):
            return False
        body = response.body
        if isinstance(body, bytes) and (body or request.method != "HEAD"):
            return len(body) >= self._min_size
        length = fields.get("content-length", "")
        size = int(length) if _LENGTH.fullmatch(length) else None
        if isinstance(body, FileBody):
            return size is not None and self._min_size <= size <= self._max_file
        # A response to HEAD without content has at least its length.
        return not isinstance(body, bytes) if size is None else size >= self._min_size

    def _is_compressible(self, content_type: str) -> bool:
        verdict = self._verdicts.get(content_type)
        if verdict is None:
            essence = content_type.partition(";")[0].strip(" \t").lower()
            verdict = self._types.fullmatch(essence) is not None
            if len(self._verdicts) < _MAX_VERDICTS:
                self._verdicts[content_type] = verdict
        return verdict

    def _is_exposed(self, request: Request) -> bool:
        """Return whether another site may have caused the request, with the rights of the user."""
        headers = request.headers
        if self._cross_site or headers.get("sec-fetch-site") != "cross-site" or headers.get("sec-fetch-user") == "?1":
            return False
        return "cookie" in headers or "authorization" in headers

    async def _compressed(self, request: Request, response: Response, coding: str, tag: str) -> Response:
        body, options = response.body, self._options[coding]
        if isinstance(body, bytes) and body:
            make = partial(make_encoder, coding, options)
            is_large = len(body) >= THREAD_SIZE
            content = await asyncio.to_thread(_encode, make, body) if is_large else _encode(make, body)
            return _changed(response, content, tag, coding) if len(content) < len(body) else response
        if isinstance(body, FileBody) and request.method != "HEAD":
            # A missing file is answered with an error here. Later, the response would break off.
            body = await body.opened()
        is_live = (response.content_type or "").startswith(_EVENT_STREAM)
        make = partial(make_encoder, coding, attrs.evolve(options, is_live=is_live))
        stream = CompressedStream(
            _nothing() if isinstance(body, bytes) else body, make, flushes=not isinstance(body, FileBody)
        )
        return _changed(response, stream, tag, coding)


def _is_fixed(response: Response) -> bool:
    return any("no-transform" in line.lower() for line in response.headers.get_list("cache-control"))


def _needs_plain(request: Request, fields: Mapping[str, str]) -> bool:
    """Return whether a request refers to the bytes without a coding: to ranges, or by a strong ETag."""
    headers = request.headers
    return ("range" in headers and fields.get("accept-ranges") == "bytes") or (
        "if-match" in headers and request.method in _READING
    )


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield


def _encode(make: Callable[[], Encoder], content: bytes) -> bytes:
    encoder = make()
    return encoder.encode(content) + encoder.finish()


def _changed(response: Response, body: bytes | AsyncIterable[bytes | str], tag: str, coding: str = "") -> Response:
    """Return a new response, because the app may send its own one again, to a client that accepts no coding."""
    replaced = _REPLACED | {"etag"} if tag else _REPLACED
    fields = [(name, value) for name, value in response.fields() if name.lower() not in replaced]
    if coding:
        fields.append(("Content-Encoding", coding))
    if tag:
        fields.append(("ETag", f"W/{tag}"))
    return Response(body, response.status, fields, trailers=response.trailers)
