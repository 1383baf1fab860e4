"""Malformed requests: none of them reaches a handler, and what follows them is read correctly.

Sources: RFC 9113, sections 8.1.1, 8.2 and 8.3; RFC 9110, sections 5.5, 7.2 and 8.6.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.plugins.http2.frames import Code, data, get, headers, post, request
from tests.plugins.http2.peer import H2Peer
from tests.plugins.http2.serving import Served
from turnbuckle.testing import Client

Pairs = list[tuple[bytes, bytes]]

METHOD, SCHEME, AUTHORITY, PATH = request()


def _with(*fields: tuple[bytes, bytes]) -> Pairs:
    return request(b"GET", b"/echo", *fields)


def _path(path: bytes, method: bytes = b"GET") -> Pairs:
    return request(method, path)


def _authority(*values: bytes, host: bytes = b"") -> Pairs:
    authorities = [(b":authority", value) for value in values]
    return [METHOD, SCHEME, *authorities, PATH, *([(b"host", host)] if host else [])]


FIELDS: Mapping[str, Pairs] = {
    # Section 8.2.1: names and values.
    "uppercase-name": _with((b"X-Test", b"a")),
    "uppercase-last-letter": _with((b"x-tesT", b"a")),
    "empty-name": _with((b"", b"a")),
    "colon-in-name": _with((b"x:y", b"a")),
    "colon-at-end-of-name": _with((b"x:", b"a")),
    "space-in-name": _with((b"x y", b"a")),
    "space-behind-name": _with((b"x ", b"a")),
    "name-with-nul": _with((b"x\0", b"a")),
    "name-with-line-feed": _with((b"x\ny", b"a")),
    "name-with-a-whole-line": _with((b"x: y\r\ntransfer-encoding", b"chunked")),
    "name-beyond-ascii": _with((b"x\xe4", b"a")),
    "name-with-del": _with((b"x\x7f", b"a")),
    "value-with-nul": _with((b"x", b"a\0b")),
    "value-with-line-feed": _with((b"x", b"a\nb")),
    "value-with-carriage-return": _with((b"x", b"a\rb")),
    "value-with-a-field": _with((b"x", b"a\r\ntransfer-encoding: chunked")),
    "value-with-a-request": _with((b"x", b"a\r\n\r\nGET /hidden HTTP/1.1\r\nhost: a")),
    "value-with-space-before": _with((b"x", b" a")),
    "value-with-space-behind": _with((b"x", b"a ")),
    "value-with-tab-behind": _with((b"x", b"a\t")),
    # Section 8.2.2: fields of a connection.
    "connection": _with((b"connection", b"close")),
    "connection-naming-a-field": _with((b"connection", b"x"), (b"x", b"a")),
    "keep-alive": _with((b"keep-alive", b"timeout=5")),
    "proxy-connection": _with((b"proxy-connection", b"close")),
    "transfer-encoding": _with((b"transfer-encoding", b"chunked")),
    "upgrade": _with((b"upgrade", b"websocket")),
    "te-gzip": _with((b"te", b"gzip")),
    "te-trailers-and-gzip": _with((b"te", b"trailers, gzip")),
    # Section 8.3: pseudo-fields.
    "unknown-pseudo-field": [METHOD, SCHEME, AUTHORITY, PATH, (b":test", b"a")],
    "pseudo-field-of-responses": [METHOD, SCHEME, AUTHORITY, PATH, (b":status", b"200")],
    "pseudo-field-behind-a-field": [METHOD, SCHEME, AUTHORITY, (b"x", b"a"), PATH],
    "method-behind-a-field": [SCHEME, AUTHORITY, PATH, (b"x", b"a"), METHOD],
    "no-pseudo-field": [(b"x", b"a")],
    "empty-block": [],
    "no-method": [SCHEME, AUTHORITY, PATH],
    "no-scheme": [METHOD, AUTHORITY, PATH],
    "no-path": [METHOD, SCHEME, AUTHORITY],
    "two-methods": [METHOD, METHOD, SCHEME, AUTHORITY, PATH],
    "two-schemes": [METHOD, SCHEME, SCHEME, AUTHORITY, PATH],
    "two-paths": [METHOD, SCHEME, AUTHORITY, PATH, PATH],
    "two-other-paths": [METHOD, SCHEME, AUTHORITY, PATH, (b":path", b"/wait")],
    "protocol-without-connect": [METHOD, SCHEME, AUTHORITY, PATH, (b":protocol", b"websocket")],
    # Section 8.3.1.
    "empty-path": _path(b""),
    "path-without-slash": _path(b"echo"),
    "path-of-a-whole-url": _path(b"http://other/echo"),
    "path-with-space": _path(b"/echo HTTP/1.1"),
    "path-with-line-end": _path(b"/echo\r\nx: y"),
    "path-with-nul": _path(b"/echo\0"),
    "path-with-fragment": _path(b"/echo#a"),
    "path-beyond-ascii": _path(b"/\xe4"),
    "asterisk-for-get": _path(b"*"),
    "empty-method": _path(b"/echo", b""),
    "method-with-space": _path(b"/echo", b"GET /hidden HTTP/1.1\r\n"),
    "method-with-line-end": _path(b"/echo", b"GET\r\n"),
    "scheme-with-line-end": [METHOD, (b":scheme", b"http\r\nx: y"), AUTHORITY, PATH],
    "empty-scheme": [METHOD, (b":scheme", b""), AUTHORITY, PATH],
    "scheme-that-is-a-url": [METHOD, (b":scheme", b"http://other/"), AUTHORITY, PATH],
    # Sections 8.3.1 and RFC 9110, 7.2: the authority.
    "no-authority-and-no-host": _authority(),
    "two-authorities": _authority(b"a", b"b"),
    "two-equal-authorities": _authority(b"a", b"a"),
    "authority-against-host": _authority(b"a", host=b"b"),
    "authority-against-host-with-port": _authority(b"a", host=b"a:81"),
    "two-hosts": [*_authority(host=b"a"), (b"host", b"b")],
    "two-hosts-and-authority": [*_authority(b"a", host=b"a"), (b"host", b"b")],
    "empty-authority": _authority(b""),
    "authority-with-user": _authority(b"user@a"),
    "authority-with-path": _authority(b"a/b"),
    "authority-with-space": _authority(b"a b"),
    "authority-with-line-end": _authority(b"a\r\nx: y"),
    "authority-with-list": _authority(b"a, b"),
    "host-with-path": _authority(host=b"a/b?x="),
    # RFC 9110, section 8.6.
    "length-of-a-letter": _with((b"content-length", b"x")),
    "length-with-sign": _with((b"content-length", b"+0")),
    "negative-length": _with((b"content-length", b"-1")),
    "length-with-underscore": _with((b"content-length", b"1_0")),
    "two-lengths": _with((b"content-length", b"0"), (b"content-length", b"5")),
    "list-of-lengths": _with((b"content-length", b"0, 0")),
    "empty-length": _with((b"content-length", b"")),
    "huge-length": _with((b"content-length", b"9" * 5000)),
    "length-without-content": _with((b"content-length", b"5")),
}


def _check_refused(peer: H2Peer, stream: int = 1) -> None:
    """Fail unless the stream, or the connection, ended with PROTOCOL_ERROR, or the response is 4xx."""
    response = peer.response(stream)
    if response.heads:
        assert response.status in {400, 413, 414, 421, 431, 501}
        return
    assert peer.outcome[1] == Code.PROTOCOL_ERROR, f"nothing refuses it: {peer.frames[-3:]}"


@pytest.mark.parametrize("fields", [pytest.param(fields, id=name) for name, fields in FIELDS.items()])
async def test_malformed_request_reaches_no_handler(served: Served, engine: str, fields: Pairs) -> None:
    if engine == "zttp" and fields is FIELDS["scheme-that-is-a-url"]:
        pytest.skip("a gap that docs/operate/http2.md names: zttp does not report the scheme, so nothing uses it")
    await served.peer.send(headers(1, fields))

    _check_refused(served.peer)
    assert served.handlers.begun == 0
    if not served.peer.is_closed:
        await served.peer.send(get(3))
        assert served.peer.response(3).status == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param(_authority(b"a", host=b"a"), 200, id="authority-and-host"),
        pytest.param(_authority(host=b"a"), 200, id="host"),
        pytest.param(_authority(b"a:80"), 200, id="port"),
        pytest.param(_authority(b"[::1]:80"), 200, id="address"),
        pytest.param([PATH, AUTHORITY, SCHEME, METHOD], 200, id="other-order"),
        pytest.param(request(b"OPTIONS", b"*"), 204, id="asterisk"),
        pytest.param(_with((b"te", b"trailers")), 200, id="te-trailers"),
        pytest.param(_with((b"x", b"")), 200, id="empty-value"),
        pytest.param(_with((b"x", b"a\xe4b c")), 200, id="value-beyond-ascii"),
        pytest.param(_with((b"x_y", b"a"), (b"x.!#$%&'*+-^`|~9", b"a")), 200, id="odd-names"),
        pytest.param(_with((b"content-length", b"0")), 200, id="length-0"),
        pytest.param(_with((b"cookie", b"a=b"), (b"cookie", b"c=d")), 200, id="cookie-in-parts"),
        pytest.param([METHOD, SCHEME, AUTHORITY, (b":path", b"/none")], 404, id="not-found"),
        pytest.param([(b":method", b"BREW"), SCHEME, AUTHORITY, PATH], 501, id="unknown-method"),
    ],
)
async def test_odd_request_is_served(served: Served, fields: Pairs, status: int) -> None:
    await served.peer.send(headers(1, fields))

    assert (served.peer.response(1).statuses, served.peer.response(1).is_complete) == ([status], True)


async def test_cookies_in_parts_become_one_field(served: Served) -> None:
    await served.peer.send(headers(1, _with((b"cookie", b"a=b"), (b"x", b"y"), (b"cookie", b"c=d"))))

    assert "a=b; c=d" in served.peer.response(1).fields["x-fields"]


# -- content


@pytest.mark.parametrize(
    ("length", "frames"),
    [
        pytest.param(b"4", [data(1, b"hello", ends=True)], id="longer"),
        pytest.param(b"6", [data(1, b"hello", ends=True)], id="shorter"),
        pytest.param(b"5", [data(1, ends=True)], id="missing"),
        pytest.param(b"0", [data(1, b"hello", ends=True)], id="none-expected"),
        pytest.param(b"6", [data(1, b"hel"), data(1, b"lo", ends=True)], id="shorter-in-two-frames"),
        pytest.param(b"4", [data(1, b"hel"), data(1, b"lo", ends=True)], id="longer-in-two-frames"),
        pytest.param(b"6", [data(1, b"hello", ends=True, padding=1)], id="shorter-by-its-padding"),
        pytest.param(b"6", [data(1, b"hello"), headers(1, [(b"x", b"y")])], id="shorter-before-trailers"),
    ],
)
async def test_length_that_does_not_add_up_is_refused(served: Served, length: bytes, frames: list[bytes]) -> None:
    await served.peer.send(post(1, b"/echo", (b"content-length", length)), *frames)

    _check_refused(served.peer)
    assert b"hel" not in served.peer.response(1).content


TRAILERS: Mapping[str, Pairs] = {
    "pseudo-field": [(b":path", b"/hidden")],
    "method": [(b":method", b"GET")],
    "pseudo-field-of-responses": [(b":status", b"200")],
    "uppercase-name": [(b"X", b"a")],
    "line-end-in-value": [(b"x", b"a\r\nb: c")],
    "nul-in-value": [(b"x", b"a\0")],
    "connection": [(b"connection", b"close")],
    "transfer-encoding": [(b"transfer-encoding", b"chunked")],
}


@pytest.mark.parametrize("trailers", [pytest.param(fields, id=name) for name, fields in TRAILERS.items()])
async def test_malformed_trailers_are_refused(served: Served, trailers: Pairs) -> None:
    await served.peer.send(post(1, b"/echo"), data(1, b"hello"), headers(1, trailers))

    _check_refused(served.peer)


async def test_trailers_are_read_and_change_no_field(served: Served) -> None:
    trailers = [(b"x-sum", b"1"), (b"host", b"other"), (b"content-length", b"9"), (b"authorization", b"b")]
    await served.peer.send(post(1, b"/echo"), data(1, b"hello"), headers(1, trailers))

    response = served.peer.response(1)
    if response.heads and response.status == 200:
        assert response.content == b"hello"
        assert "other" not in response.fields["x-fields"]
        assert "authorization" not in response.fields["x-fields"]
    else:
        _check_refused(served.peer)


async def test_connect_is_refused(served: Served) -> None:
    await served.peer.send(headers(1, [(b":method", b"CONNECT"), (b":authority", b"other:443")], ends=False))

    assert served.handlers.begun == 0
    response = served.peer.response(1)
    assert response.reset is not None or response.status in {400, 405, 501}
    await served.peer.send(get(3))
    assert served.peer.response(3).status == 200


# -- the policy is one for both versions


@pytest.mark.parametrize("value", [b"a\0b", b"a\x01b", b"a\x7fb", b"a\x1bb"])
async def test_control_characters_are_refused_as_in_http_1(served: Served, value: bytes) -> None:
    raw = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + value + b"\r\n\r\n"
    refused = (await served.client.raw(raw)).statuses == [400]
    await served.peer.send(headers(1, _with((b"x", value))))

    assert refused == (served.peer.response(1).statuses != [200])


@pytest.mark.parametrize("name", [b"x_y", b"x y", b"x\xe4", b"content-length", b"host"])
async def test_names_are_refused_as_in_http_1(served: Served, name: bytes) -> None:
    client: Client = served.client
    raw = b"GET / HTTP/1.1\r\nHost: a\r\n" + name + b": a\r\n\r\n"
    refused = (await client.raw(raw)).statuses == [400]
    await served.peer.send(headers(1, _with((name, b"a"))))

    assert refused == (served.peer.response(1).statuses != [200])
