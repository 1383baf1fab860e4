"""Tests of ``turnbuckle.web.content.negotiation``."""

import time

import pytest
from hypothesis import given, strategies as st

from turnbuckle.web.content.negotiation import best_charset, best_coding, best_language, best_media_type

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "offers", "best"),
    [
        pytest.param("", "text/html application/json", "text/html", id="empty"),
        pytest.param("application/json", "text/html application/json", "application/json", id="one"),
        pytest.param("APPLICATION/JSON", "text/html application/json", "application/json", id="case"),
        pytest.param("image/png", "text/html application/json", None, id="none"),
        pytest.param(BROWSER, "application/json text/html", "text/html", id="browser"),
        pytest.param("*/*", "application/json text/html", "application/json", id="any"),
        pytest.param("text/*", "application/json text/html", "text/html", id="any-text"),
        pytest.param("text/plain;q=0.5, text/html;q=0.6", "text/plain text/html", "text/html", id="weights"),
        pytest.param("text/html ; q=0.2 , text/plain ;Q=0.1", "text/plain text/html", "text/html", id="spaces"),
        pytest.param("text/html;q=0, */*", "text/html application/json", "application/json", id="excluded"),
        pytest.param("text/html;q=0.000", "text/html", None, id="zero"),
        pytest.param("*/*;q=0", "text/html", None, id="excludes-all"),
        # RFC 9110, section 12.5.1: the most specific range decides, not the one with the highest weight.
        pytest.param("text/*;q=0.9, text/html;q=0.1", "text/html text/plain", "text/plain", id="specific"),
        # The client names JSON, and accepts the rest: axios and jQuery send this.
        pytest.param("application/json, text/plain, */*", "text/html application/json", "application/json", id="axios"),
        pytest.param("application/json, text/html", "text/html application/json", "text/html", id="server-decides"),
        pytest.param("text/plain;format=flowed", "text/plain", None, id="parameter-required"),
        pytest.param("text/plain;a=flowed", "text/plain;a=FLOWED", "text/plain;a=FLOWED", id="parameter"),
        pytest.param("text/plain;a=1;q=0.2, text/plain", "text/plain;a=1 text/plain", "text/plain", id="level"),
        pytest.param('text/plain;a="x, y;q=0"', 'text/plain;a="x, y;q=0"', 'text/plain;a="x, y;q=0"', id="quoted"),
        pytest.param("application/json; charset=utf-8", "application/json", "application/json", id="charset"),
        pytest.param("text/html;q=0.5;level=1", "text/html", "text/html", id="extension"),
        # Old versions of Java's HttpURLConnection.
        pytest.param("text/html, image/gif, *; q=.2, */*; q=.2", "application/json text/html", "text/html", id="java"),
        pytest.param("*", "text/html", "text/html", id="star"),
        pytest.param("garbage", "text/html", "text/html", id="garbage-counts-as-absent"),
        pytest.param("text/html;q=high, text/plain", "text/html text/plain", "text/plain", id="malformed-weight"),
        pytest.param("text/html;q=2, text/plain", "text/html text/plain", "text/plain", id="weight-beyond-1"),
        pytest.param("text/html;q=-1, */*;q=0.1", "text/html", "text/html", id="negative-weight"),
        pytest.param("*/html, text/plain", "text/html text/plain", "text/plain", id="type-star-alone"),
        pytest.param(",, ,text/html,,", "text/plain text/html", "text/html", id="empty-members"),
        pytest.param('text/plain;a="open, text/html', "text/html text/plain", None, id="open-quote"),
    ],
)
def test_best_media_type(accept: str, offers: str, best: str | None) -> None:
    available = [offers] if '"' in offers else offers.split()
    assert best_media_type([accept], available) == best


def test_best_media_type_of_several_fields_and_of_none() -> None:
    assert best_media_type(["text/html;q=0.1", "text/plain"], ["text/html", "text/plain"]) == "text/plain"
    assert best_media_type([], ["text/html", "text/plain"]) == "text/html"


@pytest.mark.parametrize("offer", ["html", "text/*", "", "text/html, text/plain"])
def test_best_media_type_refuses_an_offer(offer: str) -> None:
    with pytest.raises(ValueError, match="is no media type"):
        best_media_type([], [offer])


@pytest.mark.parametrize(
    ("accept", "offers", "best"),
    [
        pytest.param("", "en de", "en", id="empty"),
        pytest.param("de", "en de", "de", id="one"),
        pytest.param("fr", "en de", None, id="none"),
        pytest.param("de", "en de-AT", "de-AT", id="filter"),
        pytest.param("de-AT", "en de", "de", id="lookup"),
        pytest.param("zh-Hant-CN-x-private1", "en zh-Hant", "zh-Hant", id="lookup-in-steps"),
        pytest.param("zh-x-private1", "zh-x zh", "zh", id="lookup-leaves-no-single-letter"),
        pytest.param("DE_at", "en de-AT", "de-AT", id="case-and-underscore"),
        pytest.param("en;q=0.5, de", "en de", "de", id="weights"),
        pytest.param("de-AT, en", "en de", "de", id="order-of-the-client"),
        pytest.param("en-US,en;q=0.9,de;q=0.8", "de en-GB", "en-GB", id="browser"),
        pytest.param("fr, *;q=0.1", "en fr", "fr", id="wildcard-last"),
        pytest.param("fr, *;q=0.1", "en de", "en", id="wildcard"),
        pytest.param("*, en;q=0.1", "en de", "de", id="wildcard-leaves-out-named"),
        pytest.param("de-CH;q=0, de", "de-CH de-AT", "de-AT", id="excluded"),
        pytest.param("de, *;q=0", "en de", "de", id="others-excluded"),
        pytest.param("*;q=0", "en", None, id="all-excluded"),
        pytest.param("toolonglanguage, de", "en de", "de", id="malformed-member"),
        pytest.param("de;level=1, en", "de en", "en", id="parameter"),
    ],
)
def test_best_language(accept: str, offers: str, best: str | None) -> None:
    assert best_language([accept] if accept else [], offers.split()) == best


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        pytest.param([], "utf-8", id="absent"),
        pytest.param(["iso-8859-1"], "ISO-8859-1", id="case"),
        pytest.param(["iso-8859-1;q=0.5, utf-8;q=0.4"], "ISO-8859-1", id="weights"),
        pytest.param(["*, utf-8;q=0"], "ISO-8859-1", id="others"),
        pytest.param(["koi8-r"], None, id="none"),
    ],
)
def test_best_charset(accept: list[str], best: str | None) -> None:
    assert best_charset(accept, ["utf-8", "ISO-8859-1"]) == best


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        pytest.param([], None, id="absent"),
        pytest.param([""], None, id="empty"),
        pytest.param(["gzip, br"], "br", id="server-decides"),
        pytest.param(["gzip, br;q=0.9"], "gzip", id="weights"),
        pytest.param(["x-gzip"], "gzip", id="alias"),
        pytest.param(["*"], "br", id="any"),
        pytest.param(["*, br;q=0"], "gzip", id="any-other"),
        pytest.param(["identity"], None, id="identity"),
        pytest.param(["gzip;q=0"], None, id="excluded"),
        pytest.param(["gzip;q=0.5, identity"], None, id="identity-preferred"),
        pytest.param(["identity;q=0.5, gzip;q=0.8, br;q=0.1"], "gzip", id="identity-between"),
    ],
)
def test_best_coding(accept: list[str], best: str | None) -> None:
    assert best_coding(accept, ["br", "gzip"]) == best


@pytest.mark.parametrize("piece", ["a/b,", '"', '\\"', ',"', ";q=", "a/b;x=", "de-", '"\\', "*/*;q=0.1,"])
def test_negotiation_is_linear(piece: str) -> None:
    text = piece * (65536 // len(piece))
    began = time.process_time()
    for choose in (best_media_type, best_language, best_charset, best_coding):
        choose([text], ["text/html"])
    # With backtracking this would take minutes.
    assert time.process_time() - began < 1


@given(st.lists(st.text(alphabet=',;="\\ */-.q01aé\t', max_size=40), max_size=3))
def test_negotiation_never_fails(values: list[str]) -> None:
    offers = ["text/html", "application/json"]
    assert best_media_type(values, offers) in {None, *offers}
    for choose in (best_language, best_charset, best_coding):
        assert choose(values, ["a", "a-b"]) in {None, "a", "a-b"}
