"""The head of a request, and both ends of its connection, from the scope of a host."""

from __future__ import annotations

from typing import Any

import pytest

from turnbuckle import ProtocolError
from turnbuckle_plugins.asgi.hosted.head import peer_of, read_head


def scope(**parts: Any) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"a")], **parts}


@pytest.mark.parametrize(
    ("parts", "target", "prefix"),
    [
        pytest.param({"path": "/a b/ä"}, b"/a%20b/%C3%A4", "", id="no-raw-path"),
        pytest.param({"path": "/a", "raw_path": None}, b"/a", "", id="raw-path-of-mangum"),
        pytest.param({"path": "/a/b", "raw_path": b"/a%2Fb"}, b"/a%2Fb", "", id="raw-path"),
        pytest.param({"path": "/a", "raw_path": b"/a?x=1", "query_string": b"x=1"}, b"/a?x=1", "", id="query-twice"),
        pytest.param({"path": "*", "raw_path": b"*", "method": "OPTIONS"}, b"*", "", id="asterisk"),
        pytest.param({"path": "/shop/a", "raw_path": b"/shop/a", "root_path": "/shop"}, b"/a", "/shop", id="root"),
        pytest.param({"path": "/shop", "root_path": "/shop/"}, b"/", "/shop", id="root-itself"),
        pytest.param({"path": "/shopping", "root_path": "/shop"}, b"/shopping", "/shop", id="not-below-the-root"),
        pytest.param({"path": "/a", "root_path": "/shop"}, b"/a", "/shop", id="root-removed-by-a-proxy"),
        pytest.param(
            {"path": "/a b/c", "raw_path": b"/%61%20b/c", "root_path": "/a b"},
            b"/c",
            "/a%20b",
            id="root-encoded-otherwise",
        ),
        pytest.param({"path": "/x", "root_path": "//evil.example"}, b"/x", "/evil.example", id="root-names-no-host"),
    ],
)
def test_target_is_below_the_root_path(parts: dict[str, Any], target: bytes, prefix: str) -> None:
    host_head = read_head(scope(**parts))
    assert (host_head.head.target, host_head.prefix) == (target, prefix)


@pytest.mark.parametrize(
    ("parts", "has_content"),
    [
        pytest.param({}, False, id="get"),
        pytest.param({"method": "POST"}, None, id="post-of-an-adapter"),
        pytest.param({"http_version": "2"}, None, id="http2"),
        pytest.param({"headers": [(b"host", b"a"), (b"content-length", b"5")]}, True, id="length"),
        pytest.param({"headers": [(b"host", b"a"), (b"content-length", b"0")]}, False, id="length-0"),
        pytest.param({"headers": [(b"host", b"a"), (b"transfer-encoding", b"chunked")]}, True, id="chunked"),
    ],
)
def test_content_is_announced_or_only_known_to_the_host(parts: dict[str, Any], has_content: bool | None) -> None:
    assert read_head(scope(**parts)).has_content is has_content


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no-host"),
        pytest.param(
            [(b"host", b"a"), (b"content-length", b"5"), (b"transfer-encoding", b"chunked")], id="two-framings"
        ),
    ],
)
def test_request_with_a_head_that_home_refuses_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_head(scope(headers=headers))
    assert caught.value.status == 400


def test_fields_of_the_connection_are_the_hosts() -> None:
    fields = [(b"host", b"a"), (b"connection", b"upgrade"), (b"upgrade", b"h2c"), (b"te", b"trailers")]
    head = read_head(scope(headers=fields)).head
    assert list(head.fields) == [(b"host", b"a"), (b"te", b"trailers")]
    assert head.upgrade == b""


def test_http2_request_without_host_gets_the_hosts_own() -> None:
    assert list(read_head(scope(headers=[], http_version="2", server=["::1", 8000])).head.fields) == [
        (b"host", b"[::1]:8000")
    ]
    assert not list(read_head(scope(headers=[], http_version="1.0")).head.fields)


def test_websocket_is_a_get_with_an_offer() -> None:
    head = read_head(scope(type="websocket", scheme="ws", subprotocols=["chat", "soap"])).head
    assert (head.method, head.upgrade) == (b"GET", b"websocket")
    assert dict(head.fields)[b"sec-websocket-protocol"] == b"chat, soap"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({}, (None, None, "http", "HTTP/1.1"), id="nothing-optional"),
        pytest.param(
            {"client": ["::ffff:192.0.2.1", 5], "server": ("127.0.0.1", 80), "scheme": "https", "http_version": "2"},
            (("192.0.2.1", 5), ("127.0.0.1", 80), "https", "HTTP/2"),
            id="all",
        ),
        pytest.param(
            {"client": None, "server": ["/run/app.sock", None], "scheme": "wss", "type": "websocket"},
            (None, "/run/app.sock", "https", "HTTP/1.1"),
            id="unix-socket",
        ),
        pytest.param({"client": ("", 0), "scheme": "gopher"}, (None, None, "http", "HTTP/1.1"), id="odd"),
    ],
)
def test_peer_has_what_the_host_knows(parts: dict[str, Any], expected: tuple[object, ...]) -> None:
    peer = peer_of(scope(**parts), "/shop")
    assert (peer.client, peer.server, peer.scheme, peer.protocol) == expected
    assert (peer.prefix, peer.tls) == ("/shop", None)


def test_extension_tls_is_passed_on() -> None:
    tls = peer_of(scope(extensions={"tls": {"tls_version": 0x0304, "cipher_suite": 0x1301}}), "").tls
    assert tls is not None
    assert (tls.version, tls.cipher) == ("TLSv1.3", "0x1301")
