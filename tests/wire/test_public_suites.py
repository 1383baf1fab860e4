"""What the public suites ask of a server, kept by our own cases.

h1spec sends 33 requests and asks for a class of status, or for silence while a request is not complete. Http11Probe has
a name for each thing that it sends; here it stands for the case of ours that is the same in kind, with the statuses
that it counts as passed or as no failure.
"""

from __future__ import annotations

import pytest

from tests.wire.cases import fields, head, post
from tests.wire.serving import PARSERS, client_with
from tests.wire.test_cases import CASES, outcomes

_HELLO = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
_CLIENT_ERROR, _ANY_ERROR, _SUCCESS = range(400, 500), range(400, 600), range(200, 300)

# Each place at which h1spec leaves a request unfinished.
UNFINISHED = [1, 4, 10, 11, 15, 19, 20, 21, 24, 26, 27, 36, 37, 38, 39]

H1SPEC = {
    "no-version": (b"GET / \r\n\r\n", _ANY_ERROR),
    "expect": (fields(b"Expect: 100-continue"), (100, *_SUCCESS)),
    "get": (head(), _SUCCESS),
    "odd-but-valid": (b"GET / HTTP/1.1\r\nhoSt:\texample.com\r\nempty:\r\n\r\n", _SUCCESS),
    "brackets-in-name": (fields(b"X-Invalid[]: test"), _CLIENT_ERROR),
    "no-host": (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", _CLIENT_ERROR),
    "two-hosts": (fields(b"Host: example.org"), _CLIENT_ERROR),
    "length-far-below-zero": (fields(b"Content-Length: -123456789123456789123456789"), _CLIENT_ERROR),
    "length-below-zero": (fields(b"Content-Length: -1234"), _CLIENT_ERROR),
    "length-of-letters": (fields(b"Content-Length: abc"), _CLIENT_ERROR),
    "empty-value": (fields(b"X-Empty-Header: "), _SUCCESS),
    "bell-in-value": (fields(b"X-Bad-Control-Char: test\x07"), _CLIENT_ERROR),
    "version": (head(b"GET / HTTP/9.9"), _ANY_ERROR),
    "prefix": (b"Extra line" + head(), _ANY_ERROR),
    "cr-after-the-head": (b"GET / HTTP/1.1\r\nHost: a\r\n\rSome-Header: Test\r\n\r\n", _CLIENT_ERROR),
    "post": (post(b"Content-Length: 5", content=b"hello"), _SUCCESS),
    "coding-and-length": (fields(b"Transfer-Encoding: chunked", b"Content-Length: 5"), _CLIENT_ERROR),
    "post-without-content": (post(b"Content-Length: 0"), _SUCCESS),
}


@pytest.mark.parametrize("parser", PARSERS)
async def test_h1spec_waits_for_what_is_unfinished(parser: str) -> None:
    async with client_with(parser) as client:
        for place in UNFINISHED:
            exchange = await client.raw(_HELLO[:place])
            assert (exchange.received, exchange.is_closed) == (b"", False), _HELLO[:place]


@pytest.mark.parametrize("parser", PARSERS)
async def test_h1spec_asks_for_these_answers(parser: str) -> None:
    async with client_with(parser) as client:
        for name, (data, statuses) in H1SPEC.items():
            assert (await client.raw(data)).statuses[0] in statuses, name


_BAD = frozenset({400})
_BAD_OR_501 = frozenset({400, 501})
_OK = frozenset({200})
_WAIT: frozenset[int] = frozenset()

HTTP11PROBE = {
    "BARE-LF-REQUEST-LINE": ("line-ended-by-lf", _BAD),
    "BARE-LF-HEADER": ("line-end-lf-after-a-field", _BAD),
    "OBS-FOLD": ("line-end-fold-with-space", _BAD),
    "SP-BEFORE-COLON": ("field-space-before-colon", _BAD),
    "MULTI-SP-REQUEST-LINE": ("line-two-spaces-after-method", _BAD),
    "MISSING-HOST": ("host-missing", _BAD),
    "INVALID-VERSION": ("version-9.9", frozenset({400, 505})),
    "EMPTY-HEADER-NAME": ("field-no-name", _BAD),
    "CR-ONLY-LINE-ENDING": ("line-ended-by-cr", _BAD),
    "MISSING-TARGET": ("line-without-target", _BAD),
    "FRAGMENT-IN-TARGET": ("target-fragment", _BAD),
    "INVALID-HEADER-NAME": ("field-name-with-bracket", _BAD),
    "HEADER-NO-COLON": ("field-no-colon", _BAD),
    "DUPLICATE-HOST": ("host-twice-with-another-name", _BAD),
    "DUPLICATE-HOST-SAME": ("host-twice", _BAD),
    "CL-NON-NUMERIC": ("length-letters", _BAD),
    "CL-PLUS-SIGN": ("length-plus", _BAD),
    "WHITESPACE-BEFORE-HEADERS": ("line-end-line-of-a-space-first", _BAD),
    "HOST-WITH-USERINFO": ("host-user", _BAD),
    "HOST-WITH-PATH": ("host-path", _BAD),
    "HOST-EMPTY-VALUE": ("host-empty", _BAD),
    "ASTERISK-WITH-GET": ("target-asterisk-for-get", _BAD),
    "OPTIONS-STAR": ("target-asterisk-form", frozenset({200, 204})),
    "UNKNOWN-TE-501": ("coding-gzip", _BAD_OR_501),
    "LEADING-CRLF": ("line-after-two-crlf", _BAD),
    "ABSOLUTE-FORM": ("target-absolute-form", _OK),
    "METHOD-CASE": ("method-in-small-letters", frozenset({400, 405, 501})),
    "UNKNOWN-METHOD": ("method-unknown", frozenset({400, 405, 501})),
    "POST-CL-BODY": ("length-length", _OK),
    "POST-CL-ZERO": ("length-zero", _OK),
    "POST-NO-CL-NO-TE": ("length-none", _OK),
    "POST-CL-UNDERSEND": ("length-content-cut-short", _WAIT),
    "CHUNKED-BODY": ("chunk-one", _OK),
    "CHUNKED-MULTI": ("chunk-two", _OK),
    "CHUNKED-EMPTY": ("chunk-none", _OK),
    "CHUNKED-NO-FINAL": ("chunk-cut-behind-a-chunk", _WAIT),
    "CHUNKED-EXTENSION": ("extension-name-and-value", _OK),
    "CHUNKED-TRAILER-VALID": ("trailer-one", _OK),
    "CHUNKED-HEX-UPPERCASE": ("chunk-size-in-capitals", _OK),
    "UPGRADE-POST": ("upgrade-to-websocket-by-post", _OK),
    "UPGRADE-MISSING-CONN": ("upgrade-without-the-option", _OK),
    "UPGRADE-UNKNOWN": ("upgrade-to-what-is-not-there", _OK),
    "UPGRADE-HTTP10": ("upgrade-in-http-1.0", _OK),
    "METHOD-CONNECT": ("target-authority-form", frozenset({400, 405, 501})),
    "METHOD-TRACE": ("method-trace", frozenset({405, 501})),
    "TRACE-WITH-BODY": ("method-trace-with-content", frozenset({400, 405, 501})),
    "EXPECT-UNKNOWN": ("expect-unknown", frozenset({200, 417})),
    "GET-WITH-CL-BODY": ("length-of-a-get", frozenset({200, 400})),
    "REQUEST-LINE-TAB": ("line-tab-after-method", _BAD),
    "VERSION-MISSING-MINOR": ("version-without-minor", _BAD),
    "VERSION-LEADING-ZEROS": ("version-with-zeros-before", _BAD),
    "VERSION-WHITESPACE": ("version-with-space-before-digits", _BAD),
    "VERSION-CASE": ("version-in-small-letters", _BAD),
    "HTTP12-VERSION": ("version-1.2", frozenset({200, 505})),
    "CONNECTION-CLOSE": ("connection-close", _OK),
    "HTTP10-DEFAULT-CLOSE": ("connection-http-1.0", _OK),
    "HTTP10-NO-HOST": ("host-missing-in-http-1.0", frozenset({200, 400})),
    "NO-1XX-HTTP10": ("expect-continue-in-http-1.0", _OK),
    "HEAD-NO-BODY": ("method-head", _OK),
    "RANGE-POST": ("field-range-of-a-post", _OK),
    "DUPLICATE-CT": ("field-content-type-twice", frozenset({200, 400})),
    "LONG-URL-OK": ("target-of-7900-bytes", _OK),
    "SPACE-IN-TARGET": ("target-space", _BAD),
    "SMUG-CL-TE-BOTH": ("coding-before-a-length", _BAD),
    "SMUG-CLTE-PIPELINE": ("coding-behind-a-length", _BAD),
    "SMUG-CLTE-SMUGGLED-GET": ("coding-beside-a-length-and-a-request", _BAD),
    "SMUG-DUPLICATE-CL": ("length-twice-that-differ", _BAD),
    "SMUG-DUPLICATE-CL-SMUGGLED-GET": ("length-twice-before-a-request", _BAD),
    "SMUG-CL-LEADING-ZEROS": ("length-zeros-before", frozenset({200, 400})),
    "SMUG-CL-LEADING-ZEROS-OCTAL": ("length-zeros-before-an-octal", frozenset({200, 400})),
    "SMUG-CL-DOUBLE-ZERO": ("length-two-zeros", frozenset({200, 400})),
    "SMUG-CL-TRAILING-SPACE": ("length-space-behind", frozenset({200, 400})),
    "SMUG-CL-EXTRA-LEADING-SP": ("length-two-spaces", frozenset({200, 400})),
    "SMUG-CL-COMMA-DIFFERENT": ("length-list-that-differs", _BAD),
    "SMUG-CL-COMMA-SAME": ("length-list-of-equal", frozenset({200, 400})),
    "SMUG-CL-COMMA-TRIPLE": ("length-list-of-three", frozenset({200, 400})),
    "SMUG-CL-NEGATIVE": ("length-minus-one", _BAD),
    "SMUG-CL-NEGATIVE-ZERO": ("length-minus-zero", _BAD),
    "SMUG-CL-UNDERSCORE": ("length-underscore", _BAD),
    "SMUG-CL-OCTAL": ("length-octal", _BAD),
    "SMUG-CL-HEX-PREFIX": ("length-hexadecimal", _BAD),
    "SMUG-CL-INTERNAL-SPACE": ("length-space-within", _BAD),
    "SMUG-TE-XCHUNKED": ("coding-unknown-beside-a-length", _BAD_OR_501),
    "SMUG-TE-SP-BEFORE-COLON": ("coding-space-before-colon", _BAD),
    "SMUG-TE-NOT-FINAL-CHUNKED": ("coding-gzip-behind", _BAD),
    "SMUG-TE-HTTP10": ("coding-in-http-1.0-beside-a-length", _BAD),
    "SMUG-TE-EMPTY-VALUE": ("coding-empty-beside-a-length", _BAD),
    "SMUG-TE-IDENTITY": ("coding-identity-beside-a-length", _BAD_OR_501),
    "SMUG-TE-DUPLICATE-HEADERS": ("coding-identity-on-a-line-behind", _BAD),
    "SMUG-TE-DOUBLE-CHUNKED": ("coding-twice", _BAD),
    "SMUG-TE-LEADING-COMMA": ("coding-comma-before", _BAD),
    "SMUG-TE-TRAILING-COMMA": ("coding-comma-behind", _BAD),
    "SMUG-TE-CASE-MISMATCH": ("coding-in-mixed-case", _OK),
    "SMUG-TE-VTAB": ("coding-vertical-tab-before", _BAD),
    "SMUG-TE-FORMFEED": ("coding-form-feed-before", _BAD),
    "SMUG-TE-NULL": ("coding-nul-behind", _BAD),
    "SMUG-TE-OBS-FOLD": ("line-end-fold-of-a-coding-beside-a-length", _BAD),
    "SMUG-CHUNKED-WITH-PARAMS": ("coding-parameters", _BAD_OR_501),
    "SMUG-TRANSFER-ENCODING-UNDERSCORE": ("coding-with-underscore-is-another-field", frozenset({200, 400})),
    "SMUG-BARE-CR-HEADER-VALUE": ("field-byte-0b-in-value", _BAD),
    "SMUG-MULTIPLE-HOST-COMMA": ("host-list", _BAD),
    "SMUG-CHUNK-BARE-SEMICOLON": ("extension-empty", _BAD),
    "SMUG-CHUNK-EXT-INVALID-TOKEN": ("extension-bracket-in-name", _BAD),
    "SMUG-CHUNK-EXT-LF": ("extension-lf-alone", _BAD),
    "SMUG-CHUNK-EXT-CR": ("extension-cr", _BAD),
    "SMUG-CHUNK-EXT-CTRL": ("extension-nul", _BAD),
    "SMUG-CHUNK-UNDERSCORE": ("chunk-size-with-underscore", _BAD),
    "SMUG-CHUNK-HEX-PREFIX": ("chunk-size-with-prefix", _BAD),
    "SMUG-CHUNK-SIZE-PLUS": ("chunk-size-plus", _BAD),
    "SMUG-CHUNK-SIZE-TRAILING-OWS": ("chunk-size-before-space", _BAD),
    "SMUG-CHUNK-LEADING-SP": ("chunk-size-after-space", _BAD),
    "SMUG-CHUNK-MISSING-TRAILING-CRLF": ("chunk-without-line-end", _BAD),
    "SMUG-CHUNK-SPILL": ("chunk-content-much-longer", _BAD),
    "SMUG-CHUNK-NEGATIVE": ("chunk-size-minus", _BAD),
    "SMUG-CHUNK-BARE-CR-TERM": ("chunk-size-ended-by-cr", _BAD),
    "SMUG-CHUNK-LF-TERM": ("chunk-size-ended-by-lf", _BAD),
    "SMUG-CHUNK-LF-TRAILER": ("trailer-lf-behind", _BAD),
    "SMUG-TRAILER-CL": ("trailer-content-length", frozenset({200, 400})),
    "SMUG-TRAILER-TE": ("trailer-transfer-encoding", frozenset({200, 400})),
    "SMUG-TRAILER-HOST": ("trailer-host", frozenset({200, 400})),
    "SMUG-TRAILER-AUTH": ("trailer-authorization", frozenset({200, 400})),
    "SMUG-TRAILER-CONTENT-TYPE": ("trailer-content-type", frozenset({200, 400})),
    "SMUG-HEAD-CL-BODY": ("length-of-a-head", frozenset({200, 400})),
    "SMUG-OPTIONS-CL-BODY": ("length-of-options", frozenset({200, 204, 400})),
    "SMUG-ABSOLUTE-URI-HOST-MISMATCH": ("target-absolute-form-of-another-host", frozenset({200, 400})),
    "SMUG-EXPECT-100-CL": ("expect-continue-and-content", frozenset({100, 200})),
    "MAL-BINARY-GARBAGE": ("protocol-garbage", _BAD),
    "MAL-LONG-URL": ("target-of-100000-bytes", frozenset({400, 414, 431})),
    "MAL-LONG-METHOD": ("method-of-a-hundred-thousand-letters", _BAD),
    "MAL-LONG-HEADER-VALUE": ("field-of-100000-bytes", frozenset({400, 431})),
    "MAL-LONG-HEADER-NAME": ("field-name-of-100000-bytes", frozenset({400, 431})),
    "MAL-MANY-HEADERS": ("field-ten-thousand", frozenset({400, 431})),
    "MAL-NUL-IN-URL": ("target-nul", _BAD),
    "MAL-NON-ASCII-URL": ("target-utf-8", _BAD),
    "MAL-NON-ASCII-HEADER-NAME": ("field-utf-8-in-name", _BAD),
    "MAL-CONTROL-CHARS-HEADER": ("field-byte-07-in-value", _BAD),
    "MAL-NUL-IN-HEADER-VALUE": ("field-byte-00-in-value", _BAD),
    "MAL-CL-OVERFLOW": ("length-of-20-digits", _BAD),
    "MAL-CL-EMPTY": ("length-empty", _BAD),
    "MAL-CL-TAB-BEFORE-VALUE": ("length-tab-before", frozenset({200, 400})),
    "MAL-POST-CL-HUGE-NO-BODY": ("length-of-999999999", frozenset({400, 413})),
    "MAL-CHUNK-SIZE-OVERFLOW": ("chunk-size-of-seventeen-digits", _BAD),
    "MAL-CHUNK-EXTENSION-LONG": ("extension-of-100000-bytes", frozenset({400, 431})),
    "MAL-H2-PREFACE": ("protocol-preface-of-http-2", frozenset({400, 505})),
    "MAL-WHITESPACE-ONLY-LINE": ("line-of-spaces", _BAD),
    "MAL-EMPTY-REQUEST": ("line-nothing", _WAIT),
    "MAL-INCOMPLETE-REQUEST": ("line-and-a-field", _WAIT),
    "MAL-URL-OVERLONG-UTF8": ("target-escaped-overlong-utf-8", frozenset({400, 404})),
    "MAL-URL-PERCENT-NULL": ("target-escaped-nul", frozenset({200, 400, 404})),
    "MAL-URL-PERCENT-CRLF": ("target-escaped-line-end", frozenset({200, 400, 404})),
    "MAL-URL-BACKSLASH": ("target-backslash", frozenset({200, 400, 404})),
    "NORM-SP-BEFORE-COLON-CL": ("length-space-before-colon", _BAD),
    "NORM-TAB-IN-NAME": ("field-tab-in-name", _BAD),
}


@pytest.mark.parametrize("name", HTTP11PROBE)
def test_http11probe_counts_as_passed(name: str) -> None:
    case, statuses = HTTP11PROBE[name]
    for parser in PARSERS:
        found = outcomes(parser)[case][0].statuses
        assert set(found[:1]) <= statuses, (parser, found)
        assert bool(found) is bool(statuses), (parser, found)


def test_http11probe_refers_to_cases_that_exist() -> None:
    assert {case for case, _ in HTTP11PROBE.values()} <= set(CASES)
