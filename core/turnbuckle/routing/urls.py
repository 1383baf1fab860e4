"""Write the path of a named route, so that matching it gives the same parameters back.

What could not come back is refused: values that the converter would not read, texts that a mixed segment
would cut elsewhere, and dot segments, which clients resolve before they ask (RFC 3986, section 5.2.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnbuckle.errors import RouteError
from turnbuckle.routing.escapes import encode_segment, encode_segments
from turnbuckle.routing.languages.splitting import Splitter
from turnbuckle.routing.patterns import Pattern
from turnbuckle.routing.segments import Parameter, Segment, interleave

_DOTS: Final = frozenset({".", ".."})


def build_path(pattern: Pattern, params: Mapping[str, object]) -> str:
    """Return the percent-encoded path of ``pattern`` with ``params``.

    Raises:
        RouteError: a parameter is missing, unknown, or has a value that cannot be written.
    """
    _check_unknown(pattern, params)
    path = "".join("/" + _write_segment(segment, pattern, params) for segment in pattern.segments)
    if path.startswith("//"):
        raise RouteError(f"{pattern.text!r} would begin with '//', which clients read as a host")
    return path


def _check_unknown(pattern: Pattern, params: Mapping[str, object]) -> None:
    expected = {parameter.name for parameter in pattern.parameters}
    if unknown := sorted(params.keys() - expected):
        raise RouteError(f"{pattern.text!r} has no parameter {', '.join(map(repr, unknown))}")


def _write_segment(segment: Segment, pattern: Pattern, params: Mapping[str, object]) -> str:
    text = write_text(segment, pattern, params)
    parts = text.split("/") if segment.spans_segments else [text]
    if not _DOTS.isdisjoint(parts):
        raise RouteError(f"{pattern.text!r} with {text!r}: clients resolve '.' and '..' before they ask")
    return encode_segments(text) if segment.spans_segments else encode_segment(text)


def write_text(segment: Segment, pattern: Pattern, params: Mapping[str, object]) -> str:
    """Return the text of one segment of ``pattern``, not yet encoded.

    Raises:
        RouteError: a parameter is missing, or has a value that cannot be written.
    """
    texts = [_write_value(parameter, pattern, params) for parameter in segment.parameters]
    if len(texts) > 1:
        _check_cut(segment, pattern, texts)
    return interleave(segment.literals, texts)


def _write_value(parameter: Parameter, pattern: Pattern, params: Mapping[str, object]) -> str:
    if parameter.name not in params:
        raise RouteError(f"{pattern.text!r} needs parameter {parameter.name!r}")
    value = params[parameter.name]
    try:
        text = parameter.converter.write(value)
        text.encode()
    except (ValueError, TypeError) as error:
        raise RouteError(f"{pattern.text!r}: parameter {parameter.name!r} cannot be {value!r}: {error}") from error
    return text


def _check_cut(segment: Segment, pattern: Pattern, texts: list[str]) -> None:
    separators = segment.literals[1:-1]
    joined = interleave(["", *separators, ""], texts)
    splitter = Splitter([parameter.converter.language for parameter in segment.parameters], separators)
    if splitter.split(joined) != texts:
        raise RouteError(f"{pattern.text!r}: {joined!r} would be read as other parameters than {texts!r}")
