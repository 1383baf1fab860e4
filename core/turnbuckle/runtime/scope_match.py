"""Decide which requests are inside a scope, by the segments of their path and by their host, with or without a route.

Segments are compared decoded, as routers compare them, so no spelling of a path avoids the middleware of a scope. A
slash sent as ``%2F`` does not separate segments. There is no matcher for a prefix that the core cannot parse (a router
may have its own syntax), nor for a prefix with a parameter that spans segments.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, final

import attrs

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converters
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
    """Matches the requests of one scope.

    Attributes:
        prefix: the prefix as declared.
        pattern: the parsed prefix; None for an empty prefix.
        host: the host pattern; None for any host.
        readers: one reader for each segment of the prefix.
        is_plain: whether the prefix has no parameters, so that a path that begins with the same text is inside.
    """

    prefix: str
    pattern: Pattern | None
    host: HostPattern | None
    readers: tuple[Reader, ...]
    is_plain: bool

    @classmethod
    def of(cls, prefix: str, host: str, converters: Converters = BUILTIN_CONVERTERS) -> ScopeMatcher | None:
        """Return the matcher of a scope, or None if its requests cannot be recognized."""
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
        """Sort key, narrower scopes first: more segments, then text before parameters, then scopes with a host."""
        segments = self.pattern.segments if self.pattern is not None else ()
        kinds = tuple((0, 0) if segment.is_static else segment.order for segment in segments)
        return -len(segments), kinds, self.host is None, self.host.order if self.host is not None else ()

    @property
    def key(self) -> object:
        """Equal for matchers of the same requests, even if the names of their parameters differ."""
        segments = self.pattern.segments if self.pattern is not None else ()
        return tuple(segment.key for segment in segments), self.host.key if self.host is not None else None

    def read(self, request: Request) -> Mapping[str, object] | None:
        """Return the parameters in the prefix and host, or None if the request is outside of the scope."""
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
        # Segments are decoded one by one, because the rest of the path may be malformed and is still below the prefix.
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
        names = [*(parameter.name for parameter in parameters), *(self.host.names if self.host is not None else ())]
        return dict(zip(names, values + labels, strict=True))
