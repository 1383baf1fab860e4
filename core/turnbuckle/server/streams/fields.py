"""Encode the head of a response, and check the head of a request, of a carrier that frames messages by itself.

HTTP/2 streams and the messages of ASGI have no lines: a head is a status and pairs of a name in lower case and a value.
The rules for names, values and lengths are the same as for HTTP/1.1.

Sources: RFC 9110, sections 5.5, 5.6.2, 6.5.1, 6.6.1, 7.6.1 and 8.6; RFC 9113, sections 8.2 and 8.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias, final

from turnbuckle.errors import ProtocolError
from turnbuckle.http.body_writer import BodyFraming, choose_framing
from turnbuckle.http.encoded_fields import Field, encode_field, is_storable
from turnbuckle.http.events import RawFields, RequestHead
from turnbuckle.http.framing import body_length
from turnbuckle.http.grammar import FIELD_VALUE, FIELD_VALUE_BYTES, TOKEN, is_authority, is_target
from turnbuckle.http.limits import Limits
from turnbuckle.http.serializer import announced_length

__all__ = [
    "FieldPair",
    "check_request_head",
    "common_head",
    "encode_pairs",
    "response_fields",
]

FieldPair: TypeAlias = tuple[bytes, bytes]
"""The name of a field in lower case, and its value."""

_MAX_PAIRS: Final = 1024

# Most requests name one of few hosts.
_MAX_KNOWN: Final = 64
_is_known_authority: Final = lru_cache(256)(is_authority)

# Fields of a connection of HTTP/1.1, dropped here: an application may set them because it also runs on HTTP/1.1.
_OF_CONNECTION: Final = frozenset({"connection", "proxy-connection", "upgrade"})
_REFUSED: Final = frozenset({"keep-alive", "transfer-encoding"})
# The fields that the server shares with the application.
_SINGLE: Final = frozenset({"date", "server"})
# The fields that decide, together with the request, which part of the content is sent.
_SELECTION: Final = frozenset({"accept-ranges", "etag", "last-modified"})
_SPECIAL: Final = _OF_CONNECTION | _REFUSED | _SINGLE | _SELECTION | {"content-length", "trailer"}

_SPECIAL_METHODS: Final = frozenset({b"HEAD", b"CONNECT"})
_STATUSES_WITHOUT_CONTENT: Final = frozenset({204, 205, 304})

# The two spaces and the version, which a request line has beside method and target.
_REST_OF_REQUEST_LINE: Final = len(b"  HTTP/1.1")
# The bytes of a name in lower case.
_NAME_BYTES: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_OF_CONNECTION_IN_REQUESTS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)


@final
class _EncodedPairs(dict[Field, FieldPair]):
    """Encoded fields by field. A field is checked and encoded on first use; secrets are never stored."""

    def __missing__(self, field: Field) -> FieldPair:
        if isinstance(field[0], str) and field[0].lower() in _SPECIAL:
            raise KeyError(field[0])
        pair = _encode(field)
        if _is_storable(pair):
            if len(self) >= _MAX_PAIRS:
                self.clear()
            self[field] = pair
        return pair


_common_pairs: Final = _EncodedPairs()
_common_pair: Final = _common_pairs.__getitem__


def _encode(field: Field) -> FieldPair:
    name, value = field
    encode_field(name, value)
    return name.lower().encode("ascii"), value.encode("latin-1")


def _is_storable(pair: FieldPair) -> bool:
    return is_storable(pair[0].decode("ascii"), pair[1])


def common_head(
    status: int, fields: Sequence[Field], length: int, method: bytes, date: FieldPair | None
) -> list[FieldPair] | None:
    """Return the fields of a response whose content is complete; None if they need the careful path.

    They need it if the method or the status is a special one, or if a field decides about framing, ranges or
    preconditions.

    Raises:
        TypeError, ValueError: a field cannot be sent.
    """
    if status < 200 or status > 599 or status in _STATUSES_WITHOUT_CONTENT or method in _SPECIAL_METHODS:
        return None
    try:
        pairs = [*map(_common_pair, fields)]
    except KeyError:
        return None
    if date is not None:
        pairs.append(date)
    pairs.append((b"content-length", b"%d" % length))
    return pairs


def response_fields(
    status: int, fields: Sequence[Field], method: bytes, date: FieldPair | None, length: int | None = None
) -> tuple[list[FieldPair], BodyFraming, int | None]:
    """Return the fields of a response, how its content is framed, and the announced length.

    Args:
        status: 200 to 599.
        fields: of the application. Fields of a connection are dropped.
        method: of the request.
        date: the Date field of the server, which a Date of the application replaces; None for none.
        length: bytes of content, if they are known without a Content-Length of the application.

    Returns:
        The pairs; ``NONE``, ``LENGTH``, or ``UNTIL_CLOSE`` for content of unknown length, which the end of the stream
        ends; and the length, if it is announced.

    Raises:
        TypeError: a name or a value is not a str.
        ValueError: the status is not valid, or a field cannot be sent.
    """
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"{status!r} is not the status of a final response")
    announced = announced_length(fields)
    if length is not None and announced is not None and announced != length:
        raise ValueError(f"content of {length} bytes does not match the announced Content-Length of {announced}")
    length = announced if length is None else length
    framing = choose_framing(method, 0, status, length)
    pairs = _application_pairs(fields)
    if date is not None and not any(name == b"date" for name, _ in pairs):
        pairs.append(date)
    if status == 205:
        pairs.append((b"content-length", b"0"))
    elif _shows_length(method, status, framing, length, announced):
        pairs.append((b"content-length", b"%d" % (length or 0)))
    return pairs, framing, length


def _application_pairs(fields: Sequence[Field]) -> list[FieldPair]:
    pairs: list[FieldPair] = []
    single: set[str] = set()
    for field in fields:
        lower = field[0].lower()
        if lower in _REFUSED:
            raise ValueError(f"field {field[0]!r} is set by the server: it follows from the content and the connection")
        if lower in single:
            raise ValueError(f"field {field[0]!r} appears twice")
        if lower in _SINGLE:
            single.add(lower)
        if lower not in _OF_CONNECTION and lower != "content-length":
            pairs.append(_encode(field))
    return pairs


def _shows_length(method: bytes, status: int, framing: BodyFraming, length: int | None, announced: int | None) -> bool:
    if length is None or status == 204 or (method == b"CONNECT" and status < 300):
        return False
    # A 304, and a HEAD response without a body, do not show the length that the response to GET would have.
    return (
        framing is BodyFraming.LENGTH or announced is not None or (method == b"HEAD" and length > 0 and status != 304)
    )


def encode_pairs(fields: Iterable[Field]) -> list[FieldPair]:
    """Return encoded fields, such as the fields of an interim response.

    Raises:
        TypeError, ValueError: a field cannot be sent.
    """
    return [_encode(field) for field in fields]


def check_request_head(head: RequestHead, limits: Limits, *, has_content: bool) -> None:
    """Check the head of a request that no parser of HTTP/1.1 has checked, and set its ``content_length``.

    Raises:
        ProtocolError: 400 for a malformed field, Host or Content-Length, or a field of a connection; 414 or 431 for a
            head that exceeds a limit.
    """
    line = len(head.method) + len(head.target) + _REST_OF_REQUEST_LINE
    if line > limits.request_line:
        raise ProtocolError(f"request line of {line} bytes exceeds {limits.request_line}", status=414)
    if not is_target(head.method, head.target):
        raise ProtocolError(f"target {head.target[:40]!r} is malformed")
    fields = head.fields
    by_name = dict(fields)
    if not _are_common(fields, by_name, limits):
        _check_fields(fields, limits)
    host = by_name.get(b"host")
    if host is not None and not (_is_known_authority(host) if len(host) <= _MAX_KNOWN else is_authority(host)):
        raise ProtocolError(f"Host of {host[:40]!r} is not a host with an optional port")
    lengths = [value for name, value in fields if name == b"content-length"] if b"content-length" in by_name else []
    _set_length(head, lengths, has_content=has_content)


def _are_common(fields: RawFields, by_name: Mapping[bytes, bytes], limits: Limits) -> bool:
    """Return whether a look at all fields at once shows that they are valid; most are."""
    names = b"".join(by_name)
    # No value may contain a line feed, so each value is between two of them.
    values = b"\n".join([b"", *[value for _, value in fields], b""])
    size = len(names) + len(values) + 3 * len(fields)
    return (
        len(by_name) == len(fields) <= limits.field_count
        and size <= limits.field_line
        and size <= limits.header_section
        and not names.translate(None, _NAME_BYTES)
        and b"" not in by_name
        and _OF_CONNECTION_IN_REQUESTS.isdisjoint(by_name)
        and len(values.translate(None, FIELD_VALUE_BYTES)) == len(fields) + 1
        and b"\n " not in values
        and b" \n" not in values
        and b"\t" not in values
    )


def _check_fields(fields: RawFields, limits: Limits) -> None:
    """Raise the reason why fields are refused."""
    if len(fields) > limits.field_count:
        raise ProtocolError(f"{len(fields)} field lines exceed {limits.field_count}", status=431)
    section = 0
    for name, value in fields:
        if TOKEN.fullmatch(name) is None or name != name.lower():
            raise ProtocolError(f"field name {name[:40]!r} is malformed")
        if FIELD_VALUE.fullmatch(value) is None or value != value.strip(b" \t"):
            raise ProtocolError(f"value of field {name[:40]!r} is malformed")
        if name in _OF_CONNECTION_IN_REQUESTS:
            raise ProtocolError(f"field {name!r} belongs to a connection of HTTP/1.1")
        size = len(name) + len(value) + 2
        if size > limits.field_line:
            raise ProtocolError(f"field line of {size} bytes exceeds {limits.field_line}", status=431)
        section += size + 2
    if section > limits.header_section:
        raise ProtocolError(f"field lines of {section} bytes exceed {limits.header_section}", status=431)
    if sum(name == b"host" for name, _ in fields) > 1:
        raise ProtocolError("Host present more than once")


def _set_length(head: RequestHead, lengths: list[bytes], *, has_content: bool) -> None:
    head.content_length = body_length((), lengths) if lengths else None
    if not has_content:
        if head.content_length:
            raise ProtocolError(f"Content-Length is {head.content_length}, and there is no content")
        head.content_length = 0
        head.expects_continue = False
