"""Tests of ``turnbuckle.http.status``."""

import http

import pytest

from turnbuckle.http.status import REASON_PHRASES, reason_phrase

# https://www.iana.org/assignments/http-status-codes: the registered ranges, including first and last code.
REGISTERED = [(100, 104), (200, 208), (226, 226), (300, 308), (400, 418), (421, 426), (428, 429), (431, 431)]
REGISTERED += [(451, 451), (500, 508), (510, 511)]


def test_reason_phrases_cover_the_registry() -> None:
    assert sorted(REASON_PHRASES) == [code for first, last in REGISTERED for code in range(first, last + 1)]


def test_reason_phrases_cover_the_standard_library() -> None:
    assert {int(status) for status in http.HTTPStatus} <= set(REASON_PHRASES)


@pytest.mark.parametrize("status", [pytest.param(status, id=str(status)) for status in REASON_PHRASES])
def test_reason_phrase_can_be_sent(status: int) -> None:
    phrase = reason_phrase(status)
    assert phrase
    assert phrase.isascii()
    assert phrase.isprintable()


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        pytest.param(200, "OK", id="ok"),
        pytest.param(201, "Created", id="created"),
        pytest.param(405, "Method Not Allowed", id="method"),
        pytest.param(413, "Content Too Large", id="rfc9110-name"),
        pytest.param(418, "I'm a teapot", id="teapot"),
        pytest.param(299, "", id="unregistered"),
        pytest.param(0, "", id="no-status"),
    ],
)
def test_reason_phrase_of(status: int, phrase: str) -> None:
    assert reason_phrase(status) == phrase
