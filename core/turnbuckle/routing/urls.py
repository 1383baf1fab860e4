"""Build the path of a named route, so that matching it returns the same parameters.

Parameters that matching would not return are refused: values that the converter does not match, texts that a mixed
segment would split differently, and dot segments, which clients resolve before they send a request (RFC 3986, section
5.2.4).
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
        RouteError: a parameter is missing or unknown, or its value has no text.
    """
    _check_unknown(pattern, params)
    path = "".join("/" + _write_segment(segment, pattern, params) for segment in pattern.segments)
    if path.startswith("//"):
        raise RouteError(f"{pattern.text!r} would start with '//', which clients read as a host")
    return path


def _check_unknown(pattern: Pattern, params: Mapping[str, object]) -> None:
    expected = {parameter.name for parameter in pattern.parameters}
    if unknown := sorted(params.keys() - expected):
        raise RouteError(f"{pattern.text!r} has no parameter {', '.join(map(repr, unknown))}")


def _write_segment(segment: Segment, pattern: Pattern, params: Mapping[str, object]) -> str:
    text = write_text(segment, pattern, params)
    parts = text.split("/") if segment.spans_segments else [text]
    if not _DOTS.isdisjoint(parts):
        raise RouteError(f"{pattern.text!r} with {text!r}: clients resolve '.' and '..' before they send a request")
    return encode_segments(text) if segment.spans_segments else encode_segment(text)


def write_text(segment: Segment, pattern: Pattern, params: Mapping[str, object]) -> str:
    """Return the text of a segment of ``pattern``, not yet encoded.

    Raises:
        RouteError: a parameter is missing, or its value has no text.
    """
    texts = [_write_value(parameter, pattern, params) for parameter in segment.parameters]
    if len(texts) > 1:
        _check_split(segment, pattern, texts)
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


def _check_split(segment: Segment, pattern: Pattern, texts: list[str]) -> None:
    separators = segment.literals[1:-1]
    joined = interleave(["", *separators, ""], texts)
    splitter = Splitter([parameter.converter.language for parameter in segment.parameters], separators)
    if splitter.split(joined) != texts:
        raise RouteError(f"{pattern.text!r}: {joined!r} would be split into other parameters than {texts!r}")
