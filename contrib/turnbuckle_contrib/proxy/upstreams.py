"""The servers that answer the requests: which of them gets the next one, and which of them have failed.

Health is passive: a server that could not be reached gets no requests for some seconds while there are others. If all
have failed, the one whose pause ends first is tried. The state is per worker.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

import attrs

from turnbuckle import BadRequest, Request, decode_path

__all__ = ["Target", "Upstream", "Upstreams", "target_of"]

# All ASCII characters that a path or a query may have; the others are encoded, "#" among them.
_SAFE: Final = "/%!$&'()*+,;=:@-._~?[]|^`{}\"<>\\"
_SEPARATORS: Final = re.compile(r"[/\\]")
_DOTS: Final = frozenset({".", ".."})


@attrs.define(eq=False)
class Upstream:
    """One server.

    Attributes:
        origin: its scheme and authority.
        base: the path that precedes the paths of requests, without a slash at its end.
        active: the number of requests that it is answering.
        paused_until: the time until which it gets no requests.
    """

    origin: str
    base: str
    active: int = 0
    paused_until: float = 0.0

    @classmethod
    def of(cls, url: str) -> Upstream:
        """Return the upstream of a setting."""
        parts = urlsplit(url)
        return cls(f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """Its host and port."""
        return urlsplit(self.origin).netloc


@attrs.define(eq=False)
class Upstreams:
    """All servers of one proxy.

    Attributes:
        members: the servers.
        pause: seconds in which a server that has failed gets no requests.
        monotonic: the clock.
    """

    members: Sequence[Upstream]
    pause: float
    monotonic: Callable[[], float] = time.monotonic
    _turn: int = 0

    def choose(self, tried: Collection[Upstream] = ()) -> Upstream:
        """Return the server with the fewest requests; servers with equally many take turns.

        Args:
            tried: servers that have failed for this request, which come last.
        """
        now, count = self.monotonic(), len(self.members)
        self._turn += 1

        def order(number: int) -> tuple[bool, float, int, int]:
            upstream = self.members[number]
            pause = max(upstream.paused_until - now, 0.0)
            return upstream in tried, pause, upstream.active, (number - self._turn) % count

        return self.members[min(range(count), key=order)]

    def failed(self, upstream: Upstream) -> None:
        """Note that a server could not be reached."""
        upstream.paused_until = self.monotonic() + self.pause


@attrs.frozen
class Target:
    """The path of a request, for the upstream and for the client.

    Attributes:
        path: the path that follows the base of the upstream, percent-encoded.
        query: percent-encoded.
        prefix: the prefix that was removed, as the client sent it.
    """

    path: str
    query: str
    prefix: str

    def url(self, upstream: Upstream) -> str:
        """Return the path and the query at an upstream."""
        return f"{upstream.base}{self.path}?{self.query}" if self.query else upstream.base + self.path


def target_of(request: Request, prefix: str, *, is_stripped: bool) -> Target:
    """Return the target of a request.

    Args:
        request: the request.
        prefix: the prefix of the route, as a pattern: only the number of its segments counts.
        is_stripped: whether the prefix is removed.

    Raises:
        BadRequest: the path has segments that lead out of the base of the upstream, or might, as encoded ones.
    """
    raw = quote(request.raw_path.encode("latin-1"), safe=_SAFE)
    query = quote(request.query.encode("latin-1"), safe=_SAFE)
    segments = decode_path(raw)
    if segments is None or any(not _DOTS.isdisjoint(_SEPARATORS.split(segment)) for segment in segments):
        raise BadRequest("the path has '.' or '..' among its segments")
    depth = prefix.count("/")
    parts = raw.split("/", depth + 1)
    head, rest = "/".join(parts[: depth + 1]), parts[depth + 1 :]
    path = "/" + "".join(rest)
    return Target(path, query, head) if is_stripped else Target(raw, query, "")
