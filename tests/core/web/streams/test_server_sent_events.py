"""The bytes of an event, and the values that could add another one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st

from turnbuckle import ServerSentEvent
from turnbuckle.web.content.json import encode_json
from turnbuckle.web.streams.server_sent_events import encode_event


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param("news", b"data: news\n\n", id="text"),
        pytest.param("", b"data: \n\n", id="empty"),
        pytest.param({"a": [1, "é"]}, 'data: {"a":[1,"é"]}\n\n'.encode(), id="json"),
        pytest.param(None, b"data: null\n\n", id="json-null"),
        pytest.param("a\nb\r\nc\rd\n", b"data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n", id="every-line-end"),
        pytest.param("a\u2028b\x0bc\x85\0", "data: a\u2028b\x0bc\x85\0\n\n".encode(), id="no-line-ends"),
        pytest.param("  x", b"data:   x\n\n", id="leading-spaces"),
        pytest.param("a\ud800", b"data: a?\n\n", id="lone-surrogate"),
        pytest.param(
            ServerSentEvent("x", event="tick", id=0, retry=0), b"event: tick\nid: 0\nretry: 0\ndata: x\n\n", id="all"
        ),
        pytest.param(ServerSentEvent({"n": 1}, id="7"), b'id: 7\ndata: {"n":1}\n\n', id="json-with-id"),
        pytest.param(ServerSentEvent(event="bye"), b"event: bye\ndata: \n\n", id="name-only"),
        pytest.param(ServerSentEvent(id="9"), b"id: 9\n\n", id="id-only"),
        pytest.param(ServerSentEvent(comment="a\rdata: b"), b": a\n: data: b\n\n", id="comment"),
    ],
)
def test_event_is_encoded(value: object, sent: bytes) -> None:
    assert encode_event(value, encode_json) == sent


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"event": "a\nb"}, r"event 'a\nb' contains a line break", id="event-lf"),
        pytest.param({"event": "a\rb"}, r"event 'a\rb' contains a line break", id="event-cr"),
        pytest.param({"id": "1\n\n"}, r"id '1\n\n' contains a line break or NUL", id="id-lf"),
        pytest.param({"id": "1\0"}, r"id '1\x00' contains a line break or NUL", id="id-nul"),
        pytest.param({"retry": -1}, "retry must be a whole number of milliseconds, not -1", id="retry-negative"),
        pytest.param({"retry": 1.5}, "retry must be a whole number of milliseconds, not 1.5", id="retry-float"),
        pytest.param({"retry": True}, "retry must be a whole number of milliseconds, not True", id="retry-bool"),
    ],
)
def test_event_that_cannot_be_sent_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        ServerSentEvent("x", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("fields", [{"event": b"a"}, {"id": 1.5}, {"id": True}, {"comment": 3}])
def test_field_of_another_type_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="must be a str, not"):
        ServerSentEvent("x", **fields)  # type: ignore[arg-type]


def test_data_in_bytes_is_refused() -> None:
    with pytest.raises(TypeError, match=re.escape("write data.decode()")):
        encode_event(b"x", encode_json)


def _parse(stream: str) -> list[tuple[str, str, str]]:
    """Return name, data and id of the events in a stream, as the algorithm of WHATWG HTML, section 9.2.6, does."""
    events = []
    name = data = last_id = ""
    for line in re.split(r"\r\n|\r|\n", stream):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append((name or "message", data.removesuffix("\n"), last_id))
            name = data = ""
        elif field == "event":
            name = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            last_id = value
    return events


_NO_LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))


@settings(max_examples=50)
@given(data=st.text(st.characters(exclude_categories=["Cs"])), name=_NO_LINES, id=_NO_LINES, comment=st.text())
def test_client_receives_the_event_and_no_other(data: str, name: str, id: str, comment: str) -> None:
    event = ServerSentEvent(data, event=name, id=id, comment=comment)
    received = _parse(encode_event(event, encode_json).decode())
    assert received == [(name or "message", re.sub(r"\r\n|\r", "\n", data), id)]
