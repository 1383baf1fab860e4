"""The router ``werkzeug``: routes are rules of a ``werkzeug.routing.Map``, which decides their order.

A pattern is translated into a rule, segment by segment. Werkzeug merges and adds slashes, and its rules cannot contain
some characters. The translation avoids both: each segment begins with a mark, so none is empty; parameters have
numbered names; and text that a rule cannot contain becomes a converter.

Werkzeug matches a segment with several parameters by trying all ways to split it, which takes time that grows
exponentially with their number. If a route has such a segment, a path with a very long segment, which would keep the
server busy, is not found: more than 2000 characters for two parameters, 158 for three, 44 for four.

Needs the extra ``werkzeug``: ``pip install 'turnbuckle[werkzeug]'``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Final, TypeVar, final

import attrs
from werkzeug import exceptions
from werkzeug.routing import BaseConverter, Map, MapAdapter, Rule as WerkzeugRule, ValidationError

from turnbuckle import (
    Converter,
    Match,
    Plugin,
    PluginInfo,
    Route,
    RouterProvider,
    Segment,
    Setup,
)
from turnbuckle_plugins.path_router import (
    ENCODED_SLASH,
    Converters,
    PathRouter,
    Rule,
    Segments,
    TrailingSlash,
    join_segments,
    restore,
)

__all__ = ["WerkzeugRouter", "WerkzeugRouterPlugin"]

_MARK: Final = "="
ArgumentT = TypeVar("ArgumentT")
# The maximum number of tried splits of a segment; they take a few milliseconds.
_MAX_CUTS: Final = 4_000_000
# Werkzeug accepts methods in any case; no route can have this one.
_NO_METHOD: Final = " "


@final
class WerkzeugRouterPlugin(Plugin):
    """Provide the router ``werkzeug``."""

    info = PluginInfo(name="werkzeug_router")

    def provide_routers(self, setup: Setup) -> Iterable[RouterProvider]:
        """Return the router."""
        return [RouterProvider("werkzeug", _make)]


def _make(setup: Setup) -> WerkzeugRouter:
    return WerkzeugRouter(setup.settings.routing.trailing_slash, setup.converters)


class _TextConverter(BaseConverter):
    """Text that a rule cannot contain."""

    weight = 0

    def __init__(self, map: Map, text: str) -> None:  # the parameter names of werkzeug
        super().__init__(map)
        self.regex = re.escape(text)


class _ParameterConverter(BaseConverter):
    """A parameter of one segment."""

    def __init__(self, map: Map, converter: Converter) -> None:
        super().__init__(map)
        self._read: Final = converter.read
        self.weight = converter.rank
        # Character classes are ASCII, and the dot matches any character. A slash in it can only be an encoded slash.
        self.regex = f"(?as:{converter.regex.replace('/', ENCODED_SLASH)})"

    def to_python(self, value: str) -> object:
        """Return the value of the parameter."""
        read = self._read(restore(value))
        if read is None:
            raise ValidationError
        return read[0]


class _SpanningConverter(_ParameterConverter):
    """A parameter of several segments, with their marks."""

    part_isolating = False

    def __init__(self, map: Map, argument: tuple[Converter, int]) -> None:
        converter, behind = argument
        super().__init__(map, converter)
        # Werkzeug matches the following segments by the same expression, so their slashes must be left over.
        self.regex = rf"(?s:.*)(?=(?:/[^/]*){{{behind}}}\Z)"

    def to_python(self, value: str) -> object:
        """Return the value of the parameter."""
        return super().to_python(value.removeprefix(_MARK).replace("/" + _MARK, "/"))


@attrs.frozen(eq=False)
class _Rule(Rule):
    """A route with werkzeug's rule, and the names of its parameters by their names in the rule."""

    text: str
    names: dict[str, str]


@final
class WerkzeugRouter(PathRouter[_Rule]):
    """A router around werkzeug's map.

    Args:
        trailing_slash: what to do if a path differs from a route in its trailing slash only.
        converters: kinds of path parameters by name, in addition to the built-in ones or replacing them.
    """

    def __init__(self, trailing_slash: TrailingSlash = "strict", converters: Converters | None = None) -> None:
        super().__init__(trailing_slash, converters)
        self._map: Final = Map(merge_slashes=False, redirect_defaults=False)
        self._adapter: MapAdapter = self._map.bind("")
        self._longest_segment = sys.maxsize

    def read(self, route: Route) -> _Rule:
        """Translate the path of a route."""
        pattern = self.pattern(route.path)
        names: dict[str, str] = {}
        most = max((len(segment.parameters) for segment in pattern.segments), default=0)
        if most > 1:
            self._longest_segment = min(self._longest_segment, int(_MAX_CUTS ** (1 / most)))
        text = "".join(
            "/" + self._segment(segment, names, len(pattern.segments) - number)
            for number, segment in enumerate(pattern.segments, start=1)
        )
        return _Rule(route, tuple(segment.key for segment in pattern.segments), pattern, text, names)

    def prepare(self) -> None:
        """Add all rules to the map."""
        # Of two rules with one path, the earlier takes precedence, and a rule for GET would answer HEAD as well.
        for rule in sorted(self.rules, key=lambda rule: "HEAD" not in rule.route.methods):
            self._map.add(WerkzeugRule(rule.text, methods=rule.route.methods, endpoint=rule))
        self._map.update()

    def find(self, method: str, segments: Segments, allowed: set[str]) -> Match | None:
        """Return the match of the rule that werkzeug finds."""
        if max(map(len, segments)) > self._longest_segment:
            return None
        path = "/" + _MARK + join_segments(segments, "/" + _MARK)
        known_method = method if method and method == method.upper() else _NO_METHOD
        try:
            rule, values = self._adapter.match(path, known_method)
        except exceptions.MethodNotAllowed as error:
            allowed.update(error.valid_methods or ())
        except exceptions.NotFound:
            pass
        else:
            params = {rule.names[key]: value for key, value in values.items() if key in rule.names}
            return Match(rule.route.handler, params, rule.route)
        return None

    def _segment(self, segment: Segment, names: dict[str, str], behind: int) -> str:
        """Return a segment of a rule, and add the names of its parameters to ``names``; ``behind`` segments follow."""
        # A parameter that spans segments includes their marks.
        parts = ["" if segment.spans_segments else _MARK, self._text(segment.literals[0])]
        for parameter, following in zip(segment.parameters, segment.literals[1:], strict=True):
            key = f"p{len(names)}"
            names[key] = parameter.name
            parts += [f"<{self._converter(parameter.converter, behind)}:{key}>", self._text(following)]
        return "".join(parts)

    def _converter(self, converter: Converter, behind: int) -> str:
        if converter.spans_segments:
            return self._register(_SpanningConverter, (converter, behind))
        return self._register(_ParameterConverter, converter)

    def _text(self, text: str) -> str:
        if "<" not in text and "/" not in text:
            return text
        name = self._register(_TextConverter, join_segments([text], ""))
        return f"<{name}:_{name}>"

    def _register(self, kind: Callable[[Map, ArgumentT], BaseConverter], argument: ArgumentT) -> str:
        """Return the name of a new converter with ``argument``."""
        name = f"c{len(self._map.converters)}"
        # Werkzeug expects a class and only calls it.
        self._map.converters[name] = lambda map: kind(map, argument)  # type: ignore[assignment]
        return name
