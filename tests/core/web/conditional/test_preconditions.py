"""Tests of ``turnbuckle.web.conditional.preconditions``: the rules of RFC 9110, section 13."""

import pytest

from turnbuckle.web.conditional.preconditions import failed_precondition, is_if_range_true, parse_entity_tags
from turnbuckle.web.headers import Headers

MODIFIED = 784_111_777.0
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
BEFORE = b"Sun, 06 Nov 1994 08:49:36 GMT"
AFTER = b"Sun, 06 Nov 1994 08:49:38 GMT"


def section(**fields: bytes) -> Headers:
    return Headers([(name.replace("_", "-").encode(), value) for name, value in fields.items()])


@pytest.mark.parametrize(
    ("lines", "tags"),
    [
        pytest.param(['"a"'], ('"a"',), id="one"),
        pytest.param(['"a", W/"b","c,d"'], ('"a"', 'W/"b"', '"c,d"'), id="several"),
        pytest.param(['"a"', '"b"'], ('"a"', '"b"'), id="lines"),
        pytest.param([', "a" ,, "b",'], ('"a"', '"b"'), id="empty-members"),
        pytest.param(['""'], ('""',), id="empty-tag"),
        pytest.param(["*"], ("*",), id="any"),
        pytest.param(["a"], (), id="unquoted"),
        pytest.param(['"a" "b"'], (), id="no-comma"),
        pytest.param(['"a", *'], (), id="any-in-a-list"),
        pytest.param(['w/"a"'], (), id="small-w"),
        pytest.param(['"a'], (), id="open"),
        pytest.param(['"a b"'], (), id="space"),
        pytest.param([""], (), id="empty"),
    ],
)
def test_parse_entity_tags(lines: list[str], tags: tuple[str, ...]) -> None:
    assert parse_entity_tags(lines) == tags


def test_long_lists_take_linear_time() -> None:
    assert len(parse_entity_tags(['"a", ' * 20_000])) == 20_000
    assert parse_entity_tags(['"a" ' + " ," * 20_000 + "x"]) == ()


# The method, the ETag of the representation, the fields, and the status; the representation is of DATE.
_CASES = [
    # 13.1.1, If-Match: strong comparison.
    pytest.param("PUT", '"a"', {"if_match": b'"a"'}, None, id="if-match"),
    pytest.param("PUT", '"a"', {"if_match": b'"b", "a"'}, None, id="if-match-list"),
    pytest.param("PUT", '"a"', {"if_match": b'"b"'}, 412, id="if-match-false"),
    pytest.param("GET", '"a"', {"if_match": b'"b"'}, 412, id="if-match-false-get"),
    pytest.param("PUT", 'W/"a"', {"if_match": b'W/"a"'}, 412, id="if-match-weak"),
    pytest.param("PUT", '"a"', {"if_match": b'W/"a"'}, 412, id="if-match-weak-field"),
    pytest.param("PUT", '"a"', {"if_match": b"*"}, None, id="if-match-any"),
    pytest.param("PUT", "", {"if_match": b"*"}, None, id="if-match-any-without-etag"),
    pytest.param("PUT", "", {"if_match": b'"a"'}, 412, id="if-match-without-etag"),
    pytest.param("PUT", '"a"', {"if_match": b"a"}, 412, id="if-match-malformed"),
    # 13.1.2, If-None-Match: weak comparison.
    pytest.param("GET", '"a"', {"if_none_match": b'"a"'}, 304, id="if-none-match"),
    pytest.param("HEAD", '"a"', {"if_none_match": b'"b", W/"a"'}, 304, id="if-none-match-head"),
    pytest.param("GET", 'W/"a"', {"if_none_match": b'"a"'}, 304, id="if-none-match-weak"),
    pytest.param("PUT", '"a"', {"if_none_match": b'"a"'}, 412, id="if-none-match-put"),
    pytest.param("PUT", "", {"if_none_match": b"*"}, 412, id="if-none-match-any-put"),
    pytest.param("GET", '"a"', {"if_none_match": b"*"}, 304, id="if-none-match-any"),
    pytest.param("GET", '"a"', {"if_none_match": b'"b"'}, None, id="if-none-match-true"),
    pytest.param("GET", "", {"if_none_match": b'"a"'}, None, id="if-none-match-without-etag"),
    pytest.param("GET", '"a"', {"if_none_match": b"a"}, None, id="if-none-match-malformed"),
    # 13.1.3, If-Modified-Since.
    pytest.param("GET", "", {"if_modified_since": DATE}, 304, id="if-modified-since"),
    pytest.param("HEAD", "", {"if_modified_since": AFTER}, 304, id="if-modified-since-later"),
    pytest.param("GET", "", {"if_modified_since": BEFORE}, None, id="if-modified-since-earlier"),
    pytest.param("POST", "", {"if_modified_since": DATE}, None, id="if-modified-since-post"),
    pytest.param("GET", "", {"if_modified_since": b"yesterday"}, None, id="if-modified-since-malformed"),
    # 13.1.4, If-Unmodified-Since.
    pytest.param("PUT", "", {"if_unmodified_since": DATE}, None, id="if-unmodified-since"),
    pytest.param("PUT", "", {"if_unmodified_since": BEFORE}, 412, id="if-unmodified-since-earlier"),
    pytest.param("GET", "", {"if_unmodified_since": BEFORE}, 412, id="if-unmodified-since-get"),
    pytest.param("PUT", "", {"if_unmodified_since": b"?"}, None, id="if-unmodified-since-malformed"),
    # 13.2.2: an entity tag takes precedence over a date, and If-Match is evaluated first.
    pytest.param("PUT", '"a"', {"if_match": b'"a"', "if_unmodified_since": BEFORE}, None, id="date-is-ignored"),
    pytest.param("GET", '"a"', {"if_none_match": b'"b"', "if_modified_since": DATE}, None, id="date-is-ignored-get"),
    pytest.param("GET", '"a"', {"if_none_match": b'"a"', "if_modified_since": BEFORE}, 304, id="tag-decides"),
    pytest.param("GET", '"a"', {"if_match": b'"b"', "if_none_match": b'"a"'}, 412, id="if-match-first"),
    pytest.param("GET", '"a"', {"if_match": b'"a"', "if_none_match": b'"a"'}, 304, id="then-if-none-match"),
    pytest.param("GET", '"a"', {"if_match": b'"a"', "if_modified_since": DATE}, 304, id="then-if-modified-since"),
    pytest.param("GET", '"a"', {"if_unmodified_since": DATE, "if_none_match": b'"a"'}, 304, id="both-dates-true"),
    pytest.param("GET", '"a"', {}, None, id="no-fields"),
]


@pytest.mark.parametrize(("method", "etag", "fields", "status"), _CASES)
def test_failed_precondition(method: str, etag: str, fields: dict[str, bytes], status: int | None) -> None:
    assert failed_precondition(method, section(**fields), etag, MODIFIED) == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"if_match": b"*"}, 412, id="if-match"),
        pytest.param({"if_none_match": b"*"}, None, id="if-none-match"),
        pytest.param({"if_unmodified_since": DATE}, None, id="if-unmodified-since"),
        pytest.param({"if_modified_since": DATE}, None, id="if-modified-since"),
    ],
)
def test_resource_that_does_not_exist(fields: dict[str, bytes], status: int | None) -> None:
    assert failed_precondition("PUT", section(**fields), "", None, exists=False) == status


def test_repeated_date_is_ignored() -> None:
    fields = Headers([(b"if-modified-since", DATE), (b"if-modified-since", DATE)])
    assert failed_precondition("GET", fields, "", MODIFIED) is None


@pytest.mark.parametrize(
    ("lines", "is_true"),
    [
        pytest.param([], True, id="none"),
        pytest.param([b'"a"'], True, id="tag"),
        pytest.param([b'"b"'], False, id="other-tag"),
        pytest.param([b'W/"a"'], False, id="weak-tag"),
        pytest.param([DATE], True, id="date"),
        pytest.param([AFTER], False, id="later-date"),
        pytest.param([BEFORE], False, id="earlier-date"),
        pytest.param([b'"a", "b"'], False, id="list"),
        pytest.param([b"*"], False, id="any"),
        pytest.param([b'"a"', b'"a"'], False, id="repeated"),
    ],
)
def test_if_range(lines: list[bytes], is_true: bool) -> None:
    fields = Headers([(b"if-range", line) for line in lines])
    assert is_if_range_true(fields, '"a"', MODIFIED) is is_true


def test_if_range_of_a_weak_etag_is_false() -> None:
    assert not is_if_range_true(section(if_range=b'W/"a"'), 'W/"a"', None)
