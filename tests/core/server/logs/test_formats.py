"""A record is one line of JSON, or text that no part of a record can imitate."""

from __future__ import annotations

import json
import logging
import re
import sys

import pytest
from hypothesis import given, strategies as st

from turnbuckle.server.logs.formats import render_json, render_text, renderer_for
from turnbuckle.server.logs.records import AccessEntry, LogLine, log_line_of

_ANY = st.text(st.characters())
_START = re.compile(r"1970-01-01T00:00:01\.500Z (INFO|ERROR)\s+turnbuckle\.")
_BYTES = st.binary().map(lambda raw: raw.decode("latin-1"))


def _entry(**more: object) -> AccessEntry:
    given: dict[str, object] = {
        "client": "[::1]:1",
        "status": 200,
        "content_bytes": 5,
        "outcome": "complete",
        "time": 1.5,
    }
    return AccessEntry(**given | more)  # type: ignore[arg-type]


def _line(**more: str) -> LogLine:
    return LogLine(**{"time": 1.5, "level": "ERROR", "logger": "turnbuckle.error", "message": "failed"} | more)  # type: ignore[arg-type]


def test_renderer_of_a_format() -> None:
    assert (renderer_for("text"), renderer_for("json")) == (render_text, render_json)


def test_text_of_a_record() -> None:
    assert render_text(_line()) == "1970-01-01T00:00:01.500Z ERROR   turnbuckle.error: failed\n"
    assert render_text(_line(request_id="7f a")) == (
        "1970-01-01T00:00:01.500Z ERROR   turnbuckle.error [7f\\x20a]: failed\n"
    )


def test_text_of_an_access_line() -> None:
    assert render_text(_entry()) == (
        '1970-01-01T00:00:01.500Z INFO    turnbuckle.access: [::1]:1 "-" 200 5 - - complete\n'
    )


def test_text_of_a_traceback_is_marked_line_by_line() -> None:
    text = render_text(_line(exception="Traceback:\n  File\nValueError: a\n2026-01-01 INFO forged\x1b[2J"))
    assert text.splitlines() == [
        "1970-01-01T00:00:01.500Z ERROR   turnbuckle.error: failed",
        "  | Traceback:",
        "  |   File",
        "  | ValueError: a",
        "  | 2026-01-01 INFO forged\\x1b[2J",
    ]


def test_json_of_an_access_line() -> None:
    entry = _entry(
        method="GET",
        target="/?a",
        version="HTTP/1.1",
        seconds=0.0012345678,
        request_id="7f",
        host="a",
        referer="b",
        user_agent="c",
        route="/",
    )
    assert json.loads(render_json(entry)) == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "info",
        "logger": "turnbuckle.access",
        "client": "[::1]:1",
        "method": "GET",
        "target": "/?a",
        "version": "HTTP/1.1",
        "status": 200,
        "bytes": 5,
        "seconds": 0.001235,
        "request_id": "7f",
        "outcome": "complete",
        "reason": None,
        "host": "a",
        "referer": "b",
        "user_agent": "c",
        "route": "/",
    }


def test_json_has_null_for_unknown_values() -> None:
    data = json.loads(render_json(_entry(status=0)))
    assert {name for name, value in data.items() if value is None} == {
        "method", "target", "version", "status", "seconds", "request_id", "reason", "host", "referer", "user_agent",
        "route",
    }  # fmt: skip


def test_json_of_a_record() -> None:
    assert json.loads(render_json(_line(exception="a\nb"))) == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "error",
        "logger": "turnbuckle.error",
        "message": "failed",
        "request_id": None,
        "exception": "a\nb",
    }


@given(target=_BYTES, agent=_BYTES, referer=_BYTES, reason=_ANY, request_id=_ANY)
def test_access_line_contains_any_bytes_of_a_client_escaped(
    target: str, agent: str, referer: str, reason: str, request_id: str
) -> None:
    entry = _entry(method="GET", target=target, user_agent=agent, referer=referer, reason=reason, request_id=request_id)
    data = json.loads(_checked(render_json(entry)))
    assert (data["target"] or "", data["user_agent"] or "", data["referer"] or "") == (target, agent, referer)
    text = _checked(render_text(entry))
    assert _START.match(text)


@given(message=_ANY, request_id=_ANY, exception=_ANY)
def test_record_contains_any_logged_text_escaped(message: str, request_id: str, exception: str) -> None:
    line = _line(message=message, request_id=request_id, exception=exception)
    data = json.loads(_checked(render_json(line)))
    if message.isprintable():
        assert data["message"] == message
    first, *below = render_text(line).removesuffix("\n").split("\n")
    assert _START.match(first)
    assert all(line.startswith("  | ") and line.isprintable() for line in below)


def _checked(line: str) -> str:
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    line.encode("utf-8")
    return line


# -- records of logging ------------------------------------------------------------------------------------------------


def _record(message: object, *args: object, **more: object) -> logging.LogRecord:
    record = logging.LogRecord("shop", logging.INFO, "", 0, message, args, None)
    record.__dict__.update(more)
    return record


def test_line_of_a_record_with_an_exception() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = _record("failed %d", 1, exc_info=sys.exc_info(), stack_info="Stack:\n  here")
    line = log_line_of(record)
    assert (line.logger, line.level, line.message, line.time) == ("shop", "INFO", "failed 1", record.created)
    assert line.exception.startswith("Traceback")
    assert line.exception.endswith("ValueError: broken\nStack:\n  here")
    assert line.size == len(line.message) + len(line.exception)


def test_line_keeps_the_traceback_that_a_record_has_already() -> None:
    assert log_line_of(_record("failed", exc_text="as it was")).exception == "as it was"


@pytest.mark.parametrize(("given", "expected"), [("7f", "7f"), ("-", ""), (7, "")])
def test_line_takes_the_id_that_a_record_has(given: object, expected: str) -> None:
    assert log_line_of(_record("sold", request_id=given)).request_id == expected


def test_line_of_arguments_that_do_not_fit() -> None:
    assert log_line_of(_record("%d", "x")).message == "%d (its arguments cannot be shown: TypeError)"


def test_line_of_an_exception_without_text() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert "Mute" in log_line_of(_record("failed", exc_info=(Mute, Mute(), None))).exception
    assert log_line_of(_record("failed", exc_info=("no", "exception", "at all"))).exception.startswith("(the traceback")


def test_line_is_no_longer_than_it_should_be() -> None:
    line = log_line_of(_record("a" * 100_000 + "b", exc_text="c" * 100_000 + "d"))
    assert line.size < 42_000
    assert line.message.endswith("b")
    assert line.exception.endswith("d")
    assert "characters left out" in line.message
