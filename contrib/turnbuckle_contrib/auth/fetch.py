"""Fetch small JSON documents over HTTP, for keys and OpenID Connect: bounded in time and size, on the event loop.

It follows no redirects, uses no proxies, and sends no cookies. TLS is verified. Without TLS, only this machine is
asked, for development and tests.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import ssl
from collections.abc import Mapping
from typing import Any, Final, final
from urllib.parse import urlsplit

from turnbuckle import TurnbuckleError

__all__ = ["FetchFailed", "Fetcher", "check_url"]

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n]*)?")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_LENGTH: Final = re.compile(r"[0-9]{1,9}")
_MAX_INTERIM: Final = 5
_HEAD_SIZE: Final = 32 * 1024


class FetchFailed(TurnbuckleError):
    """A document could not be fetched."""


def check_url(url: str) -> str:
    """Return a URL if documents can be fetched from it.

    Raises:
        ValueError: it is not one of https, or of http on this machine; or it has a user, a password or a fragment.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
        raise ValueError(f"{url!r} must begin with https://; http:// is only for this machine")
    if not host or "@" in parts.netloc or parts.fragment or not re.fullmatch(r"[!-~]+", url):
        raise ValueError(f"{url!r} must be a URL with a host, and without a user, blanks or a fragment")
    return url


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@final
class Fetcher:
    """Fetches documents.

    Args:
        timeout: seconds for a document, with the connection.
        limit: maximum size of a document in bytes.
        context: the TLS context; by default one with the certificates of the system.
    """

    def __init__(self, timeout: float = 5.0, limit: int = 256 * 1024, context: ssl.SSLContext | None = None) -> None:
        self._timeout: Final = timeout
        self._limit: Final = limit
        self._context = context

    async def fetch_json(
        self, url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return the status and the JSON of a document.

        Args:
            url: the URL, which ``check_url`` accepts.
            content: content of a POST, of the type ``application/x-www-form-urlencoded``; None for GET.
            headers: further fields.

        Raises:
            FetchFailed: there is no answer in time, or one that is malformed, too large, or no JSON.
        """
        try:
            check_url(url)
            async with asyncio.timeout(self._timeout):
                status, body = await self._exchange(url, content, headers or {})
            return status, json.loads(body)
        except TimeoutError:
            raise FetchFailed(f"{url} did not answer within {self._timeout:g} s") from None
        except (OSError, EOFError, ValueError, RecursionError, asyncio.LimitOverrunError) as error:
            raise FetchFailed(f"{url} could not be fetched: {type(error).__name__}: {error}") from error

    async def _exchange(self, url: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        if is_secure and self._context is None:
            # Reading the certificates of the system takes some time.
            self._context = await asyncio.to_thread(ssl.create_default_context)
        host, port = parts.hostname or "", parts.port or (443 if is_secure else 80)
        reader, writer = await asyncio.open_connection(
            host, port, ssl=self._context if is_secure else None, limit=_HEAD_SIZE
        )
        try:
            writer.write(_request(url, content, headers))
            return await self._read(reader)
        finally:
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        for _ in range(_MAX_INTERIM):
            status, fields = _parse_head(await reader.readuntil(b"\r\n\r\n"))
            if status >= 200:
                break
        else:
            raise ValueError("too many interim responses")
        if fields.get("content-encoding", "identity").lower() != "identity":
            raise ValueError("the content is encoded, which was not asked for")
        coding = fields.get("transfer-encoding", "").lower()
        if coding:
            if coding != "chunked":
                raise ValueError(f"unknown transfer coding {coding!r:.40}")
            return status, await self._read_chunks(reader)
        length = fields.get("content-length")
        if length is None:
            return status, await self._read_to_end(reader)
        if not _LENGTH.fullmatch(length):
            raise ValueError(f"malformed length {length!r:.40}")
        return status, await reader.readexactly(self._checked(int(length)))

    async def _read_chunks(self, reader: asyncio.StreamReader) -> bytes:
        body = bytearray()
        while True:
            line = _CHUNK.fullmatch(await reader.readuntil(b"\n"))
            if line is None:
                raise ValueError("malformed chunk")
            size = int(line[1], 16)
            if size == 0:
                return bytes(body)
            self._checked(len(body) + size)
            body += (await reader.readexactly(size + 2))[:-2]

    async def _read_to_end(self, reader: asyncio.StreamReader) -> bytes:
        body = bytearray()
        while piece := await reader.read(_HEAD_SIZE):
            self._checked(len(body) + len(piece))
            body += piece
        return bytes(body)

    def _checked(self, size: int) -> int:
        if size > self._limit:
            raise ValueError(f"more than {self._limit} bytes")
        return size


def _request(url: str, content: bytes | None, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": parts.netloc, "Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}
    if content is not None:
        fields |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(content))}
    method = "GET" if content is None else "POST"
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in {**fields, **headers}.items())]
    if any(re.search(r"[\r\n\0]", line) for line in lines):
        raise ValueError("a field contains a line break")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (content or b"")


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head[:-4].split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise ValueError("malformed status line")
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        key = name.decode("latin-1").lower()
        if not colon or (key in fields and key in {"content-length", "transfer-encoding"}):
            raise ValueError("malformed field")
        fields[key] = value.decode("latin-1").strip(" \t")
    return int(status[1]), fields
