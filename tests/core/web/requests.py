"""Create requests without a server, with content from a list."""

from collections.abc import Iterable

from turnbuckle.errors import ContentTooLarge
from turnbuckle.http.events import RawFields, RequestHead
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request


class ListSource:
    """A content source that delivers pieces from a list, and counts the calls of ``receive``."""

    def __init__(self, *pieces: bytes, trailers: RawFields = (), limit: int = 1000_000) -> None:
        self.limit = limit
        self.calls = 0
        self._pieces = list(pieces)
        self._trailers = trailers
        self._is_complete = False

    @property
    def trailers(self) -> RawFields:
        return self._trailers if self._is_complete else ()

    def take(self) -> None:
        return None

    async def receive(self) -> bytes:
        self.calls += 1
        if not self._pieces:
            self._is_complete = True
            return b""
        piece = self._pieces.pop(0)
        self.limit -= len(piece)
        if self.limit < 0:
            raise ContentTooLarge
        return piece


def make_request(
    target: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    content: bytes | ListSource | None = None,
    peer: Peer | None = None,
) -> Request:
    """Return a request as the server creates it."""
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    source = ListSource(content) if isinstance(content, bytes) else content
    length = len(content) if isinstance(content, bytes) else None if content else 0
    head = RequestHead(method.encode(), target.encode("latin-1"), 1, fields, length)
    return Request(head, source, peer or Peer(("192.0.2.1", 5000), ("192.0.2.9", 80)))
