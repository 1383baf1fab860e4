"""Say which requests are in a scope, whether or not a route takes them: by the segments of their path, and their host.

Segments are compared decoded, as routers compare them: no way of writing a path leads around the middleware of a scope.
A slash that was sent as ``%2F`` separates none. A prefix that the core cannot read (a router may have a syntax of its
own), or with a parameter that spans segments, has no territory: its paths do not tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, final

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN, Converters
from turnbuckle.routing.escapes import decode_path
from turnbuckle.routing.host_patterns import HostPattern, normalize_host, parse_host_pattern
from turnbuckle.routing.patterns import Pattern, parse_pattern
from turnbuckle.routing.segments import Reader, Values, compile_reader
from turnbuckle.web.request.request import Request

__all__ = ["ScopeMatcher"]

_NO_PARAMS: Final[Mapping[str, object]] = MappingProxyType({})


@final
@attrs.frozen(eq=False)
class ScopeMatcher:
    """The requests of one scope.

    Attributes:
        prefix: as it was written.
        pattern: the prefix, read; None where there is none.
        host: the host pattern; None for any host.
        readers: one for each segment of the prefix.
        is_plain: a path that begins with the very text of the prefix is in it, and needs no closer look.
    """

    prefix: str
    pattern: Pattern | None
    host: HostPattern | None
    readers: tuple[Reader, ...]
    is_plain: bool

    @classmethod
    def of(cls, prefix: str, host: str, converters: Converters = BUILTIN) -> ScopeMatcher | None:
        """Return the territory of a scope, or None if its requests cannot be told."""
        try:
            pattern = parse_pattern(prefix, converters) if prefix else None
            hosts = parse_host_pattern(host, converters) if host else None
        except RouteError:
            return None
        segments = pattern.segments if pattern is not None else ()
        if any(segment.spans_segments for segment in segments):
            return None
        is_plain = pattern is not None and pattern.is_static
        return cls(prefix, pattern, hosts, tuple(map(compile_reader, segments)), is_plain)

    @property
    def order(self) -> tuple[Any, ...]:
        """Puts the smaller territory first: more segments, then text before parameters, then those of one host."""
        segments = self.pattern.segments if self.pattern is not None else ()
        kinds = tuple((0, 0) if segment.is_static else segment.order for segment in segments)
        return -len(segments), kinds, self.host is None, self.host.order if self.host is not None else ()

    @property
    def key(self) -> object:
        """What makes two territories the same, whatever their parameters are called."""
        segments = self.pattern.segments if self.pattern is not None else ()
        return tuple(segment.key for segment in segments), self.host.key if self.host is not None else None

    def read(self, request: Request) -> Mapping[str, object] | None:
        """Return the parameters in prefix and host, or None if the request is not in here."""
        values = self._of_path(request.raw_path)
        if values is None or self.host is None:
            return None if values is None else self._named(values, ())
        host = normalize_host(request.host)
        labels = self.host.read(host) if host is not None else None
        return None if labels is None else self._named(values, labels)

    def _of_path(self, path: str) -> Values | None:
        if not self.readers:
            return ()
        size = len(self.prefix)
        if self.is_plain and path.startswith(self.prefix) and path[size : size + 1] in ("", "/"):
            return ()
        return self._of_segments(path)

    def _of_segments(self, path: str) -> Values | None:
        # Each segment for itself: what follows the prefix may be malformed, and is below it all the same.
        segments = path[1:].split("/", len(self.readers)) if path[:1] == "/" else []
        if len(segments) < len(self.readers):
            return None
        values: Values = ()
        for read, segment in zip(self.readers, segments, strict=False):
            decoded = decode_path("/" + segment)
            taken = read(decoded[0]) if decoded is not None else None
            if taken is None:
                return None
            values += taken
        return values

    def _named(self, values: Values, labels: Values) -> Mapping[str, object]:
        if not values and not labels:
            return _NO_PARAMS
        parameters = self.pattern.parameters if self.pattern is not None else ()
        names = [*(each.name for each in parameters), *(self.host.names if self.host is not None else ())]
        return dict(zip(names, values + labels, strict=True))
