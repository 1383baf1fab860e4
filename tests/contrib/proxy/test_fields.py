"""The fields of both directions, and the choice between upstreams, without a network."""

from __future__ import annotations

import pytest

from turnbuckle import BadRequest, Peer, Request, RequestHead
from turnbuckle_contrib.proxy.fields import public_location, response_fields
from turnbuckle_contrib.proxy.upstreams import Upstream, Upstreams, target_of


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/base/login?next=/a", "/up/login?next=/a"),
        ("http://inner:80/base/login", "/up/login"),
        ("HTTP://INNER:80/base/login", "/up/login"),
        ("http://inner:80/other", "http://inner:80/other"),
        ("//inner:80/base/login#x", "/up/login#x"),
        ("https://inner:80/base/", "/up/"),
        ("http://inner:80/base", "/up/"),
        ("http://front.example/base/x", "/up/x"),
        ("/base?x=1", "/up/?x=1"),
        ("/other", "/other"),
        ("/up/login", "/up/login"),
        ("login", "login"),
        ("../x", "../x"),
        ("?page=2", "?page=2"),
        ("", ""),
        ("https://other.example/base/x", "https://other.example/base/x"),
        ("//other.example/base/x", "//other.example/base/x"),
        ("/base//evil.example", "/up/evil.example"),
        ("/based", "/based"),
        ("mailto:a@b", "mailto:a@b"),
        ("http://[bad/base", "http://[bad/base"),
    ],
)
@pytest.mark.parametrize("prefix", ["/up", ""])
def test_location(location: str, expected: str, prefix: str) -> None:
    if not prefix:
        expected = expected.replace("/up/login", "/login").replace("/up/", "/") if location != "/up/login" else location
    found = public_location(
        location, origin="http://inner:80", base="/base", host="front.example", prefix=prefix, is_stripped=True
    )
    assert found == expected


def test_response_fields() -> None:
    raw = [
        (b"Connection", b"close, X-Hop"),
        (b"X-Hop", b"1"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Content-Length", b"5"),
        (b"Proxy-Authenticate", b"Basic"),
        (b"Trailer", b"X-Sum"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
    ]
    assert response_fields(raw, keeps_length=True) == [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert response_fields([(b"Content-Length", b"5")], keeps_length=True) == [("Content-Length", "5")]
    assert response_fields([(b"Content-Length", b"5")], keeps_length=False) == []


@pytest.mark.parametrize(
    "target",
    [
        "/up/../admin",
        "/up/%2e%2e/admin",
        "/up/.%2E/admin",
        "/up/..%2fadmin",
        "/up/..%5cadmin",
        "/up/a%2f..%2fb",
        "/up/./x",
        "/up/x/..",
        "/up/%zz",
        "/up/%ff",
    ],
)
def test_path_that_might_leave_the_upstream(target: str) -> None:
    request = Request(RequestHead(b"GET", target.encode(), 1, []), None, Peer())
    with pytest.raises(BadRequest):
        target_of(request, "/up", is_stripped=True)


@pytest.mark.parametrize(
    ("target", "prefix", "expected"),
    [
        (b"/up/a?b", "/up", "/a?b"),
        (b"/up", "/up", "/"),
        (b"/a/7/x/y", "/a/{id}", "/x/y"),
        (b"/x", "", "/x"),
        (b"//evil.example/x", "", "//evil.example/x"),
        (b"/up//evil.example/x", "/up", "//evil.example/x"),
        (b"/up/a#b", "/up", "/a%23b"),
        (b"/up/\xc3\xbc", "/up", "/%C3%BC"),
        (b"http://front.example/up/a?b", "/up", "/a?b"),
    ],
)
def test_target(target: bytes, prefix: str, expected: str) -> None:
    request = Request(RequestHead(b"GET", target, 1, []), None, Peer())
    upstream = Upstream.of("http://inner/base/")
    assert target_of(request, prefix, is_stripped=True).url(upstream) == f"/base{expected}"


def test_choice_of_an_upstream() -> None:
    now = [0.0]
    one, two, three = (Upstream.of(f"http://{name}") for name in ("one", "two", "three"))
    upstreams = Upstreams([one, two, three], 10.0, lambda: now[0])
    assert {upstreams.choose() for _ in range(3)} == {one, two, three}
    one.active = two.active = 1
    assert [upstreams.choose() for _ in range(3)] == [three] * 3
    upstreams.failed(three)
    assert upstreams.choose() in {one, two}
    assert upstreams.choose([one]) is two
    now[0] = 5.0
    upstreams.failed(one)
    upstreams.failed(two)
    assert upstreams.choose() is three
    now[0] = 11.0
    assert upstreams.choose() is three
