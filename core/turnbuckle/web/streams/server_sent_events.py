"""Format server-sent events (WHATWG HTML, section 9.2).

A line of the format ends with CR, LF or both, and a blank line ends an event. So data and comments are cut into lines
at these characters, and a name or an id that contains one is refused: it could add fields or whole events.

Sources: WHATWG HTML, sections 9.2.5 (parsing) and 9.2.6 (interpreting).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, cast, final

import attrs

__all__ = ["KEEP_ALIVE", "ServerSentEvent", "encode_event"]

KEEP_ALIVE: Final = b":\n\n"
"""A comment, which clients ignore."""

# end-of-line = ( cr lf / cr / lf ); str.splitlines() knows other line ends, which the format does not.
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_NO_LINE: Final = re.compile(r"[^\r\n]*")
# An id with NUL is ignored by clients (section 9.2.6).
_ID: Final = re.compile(r"[^\r\n\x00]*")

Encode = Callable[[object], bytes]


def _id_text(value: str | int) -> str:
    # Any other type is refused by the validator.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else cast(str, value)


def _check_name(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    _check_text(attribute.name, value)
    if not _NO_LINE.fullmatch(value):
        raise ValueError(f"event {value!r:.80} contains a line break")


def _check_id(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    _check_text(attribute.name, value)
    if not _ID.fullmatch(value):
        raise ValueError(f"id {value!r:.80} contains a line break or NUL")


def _check_retry(instance: object, attribute: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise ValueError(f"retry must be a whole number of milliseconds, not {value!r}")


def _check_comment(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    _check_text(attribute.name, value)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__qualname__}")


@final
@attrs.frozen
class ServerSentEvent:
    """One event of an ``SSE`` response.

    Attributes:
        data: a text, which is sent unchanged, or a value that is sent as JSON. With None, browsers dispatch no event,
            unless the event has a name: then its data is empty.
        event: the name of the event, for ``addEventListener``; "" for ``message``.
        id: the id of the event. After a reconnect, the browser sends the last one in ``Last-Event-ID``; a number is
            sent as text. "" for none.
        retry: milliseconds after which the browser reconnects, from now on; None to leave it unchanged.
        comment: a text that clients ignore.

    Raises:
        ValueError: the name contains a line break, the id a line break or NUL, or ``retry`` is negative.
        TypeError: a name, an id or a comment is not a text.
    """

    data: object = None
    event: str = attrs.field(default="", kw_only=True, validator=_check_name)
    id: str = attrs.field(default="", kw_only=True, converter=_id_text, validator=_check_id)
    retry: int | None = attrs.field(default=None, kw_only=True, validator=_check_retry)
    comment: str = attrs.field(default="", kw_only=True, validator=_check_comment)


def encode_event(value: object, encode: Encode) -> bytes:
    """Return one event as it is sent, with its blank line.

    Args:
        value: a ``ServerSentEvent``, or its data.
        encode: encodes data that is not a text as JSON.

    Raises:
        TypeError: the data has no JSON form.
    """
    text = "".join(_fields(value, encode)) if isinstance(value, ServerSentEvent) else _data_lines(value, encode)
    # A lone surrogate has no encoding, as in the body of a response.
    return f"{text}\n".encode("utf-8", "replace")


def _fields(event: ServerSentEvent, encode: Encode) -> list[str]:
    fields = []
    if event.comment:
        fields.append(_lines(": ", event.comment))
    if event.event:
        fields.append(f"event: {event.event}\n")
    if event.id:
        fields.append(f"id: {event.id}\n")
    if event.retry is not None:
        fields.append(f"retry: {event.retry}\n")
    if event.data is not None:
        fields.append(_data_lines(event.data, encode))
    elif event.event:
        # Without a data field, the event would not be dispatched (section 9.2.6).
        fields.append("data: \n")
    return fields


def _data_lines(data: object, encode: Encode) -> str:
    if isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"data of an event is text, not {type(data).__name__}; write data.decode()")
    return _lines("data: ", data if isinstance(data, str) else encode(data).decode())


def _lines(prefix: str, text: str) -> str:
    if "\n" not in text and "\r" not in text:
        return f"{prefix}{text}\n"
    return "".join(f"{prefix}{line}\n" for line in _LINE_END.split(text))
