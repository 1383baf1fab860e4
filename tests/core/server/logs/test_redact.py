"""Secrets are replaced in every form that they may have in a line."""

import json
import traceback

import pytest
from hypothesis import given, strategies as st

from turnbuckle.server.logs.formats import render_json, render_text
from turnbuckle.server.logs.records import AccessEntry, LogLine
from turnbuckle.server.logs.redact import Redactor


def _cleaned(message: str, *secrets: str) -> str:
    line = LogLine(time=0.0, level="INFO", logger="a", message=message, exception=message)
    Redactor(secrets).clean(line)
    assert line.message == line.exception
    return line.message


@pytest.mark.parametrize(
    "form",
    [
        pytest.param('it\'s "so" s€cret/', id="plain"),
        pytest.param(repr('it\'s "so" s€cret/'), id="python"),
        pytest.param(json.dumps('it\'s "so" s€cret/'), id="json"),
        pytest.param("?a=it%27s+%22so%22+s%E2%82%ACcret%2F", id="query"),
        pytest.param(str('it\'s "so" s€cret/'.encode()), id="raw"),
    ],
)
def test_secret_is_found_in_other_forms(form: str) -> None:
    cleaned = _cleaned(f"before {form} after", 'it\'s "so" s€cret/')
    assert "cret" not in cleaned
    assert "********" in cleaned


def test_longer_secret_goes_first() -> None:
    assert _cleaned("secret-and-more", "secret", "secret-and-more") == "********"


def test_short_secret_is_let_pass() -> None:
    assert _cleaned("development", "dev", "") == "development"


def test_access_line_shows_no_secret() -> None:
    fields = ("target", "referer", "user_agent", "host", "reason", "request_id")
    entry = AccessEntry(
        client="a", status=200, content_bytes=0, outcome="complete", time=0.0, **dict.fromkeys(fields, "a-hunter22-b")
    )
    Redactor(["hunter22"]).clean(entry)
    assert {getattr(entry, name) for name in fields} == {"a-********-b"}


@given(st.text(st.characters(codec="utf-8"), min_size=6))
def test_no_line_holds_a_secret(secret: str) -> None:
    try:
        raise KeyError(secret)
    except KeyError as error:
        text = "".join(traceback.format_exception(error))
    line = LogLine(time=0.0, level="ERROR", logger="a", message=f"no {secret}", exception=text)
    Redactor([secret]).clean(line)
    assert line.message == "no ********"
    assert repr(secret)[1:-1] not in line.exception.rpartition("KeyError")[2]
    assert json.loads(render_json(line))["message"] == "no ********"
    assert "no ********" in render_text(line)
