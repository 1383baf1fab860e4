"""Pass one request on to an upstream, and its response back, both piece by piece.

Nothing is stored: a piece of the request is read when the upstream takes it, and a piece of the response when the
client does. A client that goes away ends the request to the upstream.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import aiohttp
import attrs
from yarl import URL

from turnbuckle import ConnectionLost, HTTPError, Request, Response
from turnbuckle_contrib.proxy.config import ProxyConfig
from turnbuckle_contrib.proxy.fields import Fields, public_location, request_fields, response_fields
from turnbuckle_contrib.proxy.upstreams import Target, Upstream, Upstreams, target_of

__all__ = ["Forwarder", "make_session", "url_of"]

_log: Final = logging.getLogger("turnbuckle.proxy")

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
_ADDED_BY_CLIENT: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_LOCATIONS: Final = frozenset({"location", "content-location"})
_MAX_FIELD: Final = 32 * 1024
_WITHOUT_CONTENT: Final = frozenset({204, 205, 304})


def make_session(config: ProxyConfig) -> aiohttp.ClientSession:
    """Return a client without cookies, redirects, decompression and settings of the environment."""
    context = ssl.create_default_context(cafile=config.ca_file) if config.ca_file is not None else True
    connector = aiohttp.TCPConnector(
        limit=0, limit_per_host=config.connections, keepalive_timeout=config.keepalive, ssl=context
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=config.connect_timeout),
        skip_auto_headers=_ADDED_BY_CLIENT,
        max_line_size=_MAX_FIELD,
        max_field_size=_MAX_FIELD,
    )


def url_of(upstream: Upstream, target: Target) -> URL:
    """Return the URL of a request at an upstream; nothing in it is encoded or removed again."""
    origin, (path, _, query) = URL(upstream.origin), target.url(upstream).partition("?")
    return URL.build(scheme=origin.scheme, authority=origin.raw_authority, path=path, query_string=query, encoded=True)


def _extend(timeout: asyncio.Timeout, seconds: float) -> None:
    with suppress(RuntimeError):  # the response has begun, and there is no limit any more
        timeout.reschedule(asyncio.get_running_loop().time() + seconds)


@attrs.define(eq=False)
class _Upload:
    """The content of a request, as the client of the upstream reads it.

    Attributes:
        request: the request.
        first: the first piece, if it was read to find out whether there is content.
        timeout: the time limit of the request, which each piece extends.
        seconds: by this many seconds.
        was_begun: whether the content was read, so that the request cannot be repeated.
        failure: the reason why the content could not be read, such as its size.
    """

    request: Request
    first: bytes
    timeout: asyncio.Timeout
    seconds: float
    was_begun: bool = False
    failure: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.was_begun:
            raise RuntimeError("the content was read before, and cannot be sent again")
        self.was_begun = True
        try:
            piece = self.first or await self.request.next_piece()
            while piece:
                yield piece
                piece = await self.request.next_piece()
                _extend(self.timeout, self.seconds)
        except Exception as error:
            # The client of the upstream wraps it in another exception.
            self.failure = error
            raise


@attrs.define(eq=False)
class _Download:
    """The content of a response, as the server reads it. The server calls ``aclose`` in any case.

    Attributes:
        request: the request; if its client goes away, the upstream need not answer any more.
        upstream: the upstream.
        response: its response.
        seconds: the time limit of each piece.
        limit: the maximum size; None for none.
        size: the number of bytes so far.
        is_open: whether the upstream is still answering.
    """

    request: Request
    upstream: Upstream
    response: aiohttp.ClientResponse
    seconds: float
    limit: int | None
    size: int = 0
    is_open: bool = True

    def __attrs_post_init__(self) -> None:
        # The server notices by itself only when there is something to send.
        self.request.peer.lost.add_callback(self.response.close)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout(self.seconds):
                piece = await self.response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            # OSError includes the timeout. The client sees that the response is not complete.
            raise self._cut_off(f"{error!r}") from error
        if not piece:
            raise StopAsyncIteration
        self.size += len(piece)
        if self.limit is not None and self.size > self.limit:
            raise self._cut_off(f"it exceeds {self.limit} bytes")
        return piece

    def _cut_off(self, reason: str) -> ConnectionLost:
        if not self.request.is_disconnected:
            _log.warning("the response of upstream %s is cut off: %s", self.upstream.origin, reason)
        return ConnectionLost("the response of the upstream is cut off")

    async def aclose(self) -> None:
        """End the request. A connection whose response was read to its end is kept for the next request."""
        if self.is_open:
            self.is_open = False
            self.request.peer.lost.discard_callback(self.response.close)
            self.upstream.active -= 1
            if self.response.content.at_eof():
                self.response.release()
            else:
                self.response.close()


@attrs.frozen(eq=False)
class Forwarder:
    """Passes on the requests of one route.

    Attributes:
        config: the settings.
        prefix: the prefix of the route.
        upstreams: the servers.
    """

    config: ProxyConfig
    prefix: str
    upstreams: Upstreams

    async def forward(self, request: Request, session: aiohttp.ClientSession) -> Response:
        """Return the response of an upstream.

        Raises:
            HTTPError: 502, no upstream has answered, or one has with a malformed response; 504, it takes too long; 400
                or 508, the request cannot be passed on.
            ConnectionLost: the client is gone.
        """
        config = self.config
        target = target_of(request, self.prefix, is_stripped=config.strip_prefix)
        fields = request_fields(request, forwarded=config.forwarded, prefix=target.prefix)
        # A request without a length may have no content; only its first piece shows that.
        first = await request.next_piece() if request.content_length is None else b""
        loop, lost = asyncio.get_running_loop(), request.peer.lost
        timeout = asyncio.timeout(config.response_timeout)

        def stop() -> None:
            with suppress(RuntimeError):
                timeout.reschedule(loop.time())

        lost.add_callback(stop)
        try:
            async with timeout:
                has_content = bool(first or request.content_length)
                upload = _Upload(request, first, timeout, config.response_timeout) if has_content else None
                return await _Attempts(self, request, session, target, fields, upload).run()
        except TimeoutError:
            if request.is_disconnected:
                raise ConnectionLost("the client disconnected") from None
            _log.warning("no upstream answered %s within %g s", request, config.response_timeout)
            raise HTTPError(504) from None
        finally:
            lost.discard_callback(stop)


@attrs.define(eq=False)
class _Attempts:
    """The attempts to answer one request."""

    forwarder: Forwarder
    request: Request
    session: aiohttp.ClientSession
    target: Target
    fields: Fields
    upload: _Upload | None
    tried: list[Upstream] = attrs.field(factory=list)

    async def run(self) -> Response:
        """Return the response of the first upstream that answers."""
        upstreams = self.forwarder.upstreams
        while True:
            upstream = upstreams.choose(self.tried)
            try:
                return await self._send(upstream)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                # ValueError: the response has fields that cannot be sent.
                if self.upload is not None and self.upload.failure is not None:
                    raise self.upload.failure from None
                _log.warning("upstream %s did not answer %s: %r", upstream.origin, self.request, error)
                if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
                    upstreams.failed(upstream)
                self.tried.append(upstream)
                if not self._may_repeat(error):
                    raise HTTPError(504 if isinstance(error, TimeoutError) else 502) from error

    def _may_repeat(self, error: Exception) -> bool:
        """Return whether another attempt cannot do anything twice (RFC 9110, section 9.2.2)."""
        if len(self.tried) > self.forwarder.config.retries:
            return False
        if isinstance(error, aiohttp.ClientConnectorError):
            # Nothing was sent.
            return self.upload is None or not self.upload.was_begun
        is_lost = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | TimeoutError)
        return is_lost and self.upload is None and self.request.method in _IDEMPOTENT

    async def _send(self, upstream: Upstream) -> Response:
        request, config = self.request, self.forwarder.config
        host = request.host if config.preserve_host and request.host else upstream.authority
        headers = [("Host", host), *self.fields]
        if self.upload is not None and request.content_length is not None:
            headers.append(("Content-Length", str(request.content_length)))
        upstream.active += 1
        response = None
        try:
            response = await self.session.request(
                request.method, url_of(upstream, self.target), headers=headers, data=self.upload, allow_redirects=False
            )
            return self._answer(upstream, response, host)
        except BaseException:
            upstream.active -= 1
            if response is not None:
                response.close()
            raise

    def _answer(self, upstream: Upstream, response: aiohttp.ClientResponse, host: str) -> Response:
        config, status = self.forwarder.config, response.status
        if status < 200:
            # 101 without an upgrade; other ones of this kind are no final responses.
            raise ValueError(f"the final response has the status {status}")
        has_content = status not in _WITHOUT_CONTENT
        fields = response_fields(response.raw_headers, keeps_length=has_content)
        if config.rewrite_location:
            fields = [(name, self._location(name, value, upstream, host)) for name, value in fields]
        if not has_content:
            answer = Response(b"", status, fields)
            upstream.active -= 1
            response.release()
            return answer
        limit = config.max_response
        if limit is not None and (response.content_length or 0) > limit and self.request.method != "HEAD":
            raise ValueError(f"the response has {response.content_length} bytes, which exceeds {limit}")
        answer = Response(_Download(self.request, upstream, response, config.read_timeout, limit), status, fields)
        if "content-type" not in answer.headers:
            answer.content_type = None
        return answer

    def _location(self, name: str, value: str, upstream: Upstream, host: str) -> str:
        if name.lower() not in _LOCATIONS:
            return value
        prefix = self.request.prefix + self.target.prefix
        return public_location(
            value,
            origin=upstream.origin,
            base=upstream.base,
            host=host,
            prefix=prefix,
            is_stripped=self.forwarder.config.strip_prefix,
        )
