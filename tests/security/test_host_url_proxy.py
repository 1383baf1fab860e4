"""Section B of the bug classes: Host, target, paths, and whom to trust, through the whole server."""

from __future__ import annotations

import os
from urllib.parse import urljoin, urlsplit

import pytest

from tests.security.attacks import START, Attack, attacks
from tests.security.serving import PARSERS, Target
from turnbuckle import HTML, App, HTTPError, Redirect, Request, RouteError
from turnbuckle.testing import Client
from turnbuckle.web.response.file import content_disposition


@pytest.mark.parametrize("attack", attacks(39))
async def test_row_39_one_host_and_no_more(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("attack", attacks(40))
async def test_row_40_host_is_held_to_its_grammar(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("host", [b"a", b"example.com:8080", b"127.0.0.1:1", b"[::1]:80", b"x_y.example", b"a.:80"])
async def test_row_40_host_within_its_grammar_is_taken(target: Target, host: bytes) -> None:
    await target.check_serves(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", b"")


@pytest.mark.parametrize(
    ("line", "host", "url"),
    [
        pytest.param(b"GET /x?y HTTP/1.1\r\nHost: a:80", "a:80", "http://a:80/x?y", id="origin-form"),
        pytest.param(b"GET http://b/x HTTP/1.1\r\nHost: a", "b", "http://b/x", id="absolute-form-goes-first"),
        pytest.param(b"GET //evil.example/x HTTP/1.1\r\nHost: a", "a", "http://a//evil.example/x", id="two-slashes"),
        pytest.param(b"GET /@evil.example HTTP/1.1\r\nHost: a", "a", "http://a/@evil.example", id="at-in-the-path"),
    ],
)
async def test_row_40_url_has_the_host_that_was_checked(line: bytes, host: str, url: str) -> None:
    app = App()

    @app.get("/{rest:path}")
    async def show(request: Request) -> list[str]:
        return [request.host, request.url]

    async with Client(app) as client:
        exchange = await client.raw(line + b"\r\n\r\n")
    assert exchange.response.json() == [host, url]
    assert urlsplit(url).hostname == host.partition(":")[0]


async def test_row_40_scheme_is_that_of_the_connection(target: Target) -> None:
    """A target that says https does not make it so (RFC 9110, section 7.4)."""
    assert (await target.client.raw(b"GET https://b/x HTTP/1.1\r\nHost: a\r\n\r\n")).statuses == [421]


@pytest.mark.parametrize("attack", attacks(41))
async def test_row_41_target_has_one_of_the_four_forms(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


def _redirecting(router: str) -> App:
    app = App(settings={"router": router, "routing": {"trailing_slash": "redirect"}})
    app.get("/{first}/")(_ok)
    app.get("/{first}/{second}/{third}/")(_ok)
    app.get("/{first}/{second}/{third}/{fourth}/")(_ok)
    return app


async def _ok(request: Request) -> str:
    return "ok"


@pytest.mark.parametrize("router", ["tree", "regex"])
@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/%2f..",
        "//evil.example",
        "///evil.example",
        "//evil.example/a/b",
        "/%2fevil.example",
        "/%5cevil.example",
        "/.//evil.example/a",
        "/..//evil.example/a",
        "/evil.example:80",
        "/http:evil.example",
        "/@evil.example",
        "/%0d%0aLocation:evil.example",
        "/%09/evil.example/a",
    ],
)
async def test_row_42_correcting_a_slash_leads_to_the_same_host(path: str, router: str) -> None:
    async with Client(_redirecting(router), base_url="http://good.example") as client:
        exchange = await client.raw(f"GET {path}?next=//evil.example HTTP/1.1\r\nHost: good.example\r\n\r\n".encode())
    response = exchange.response
    assert response.status in {200, 308, 404}
    if response.status == 308:
        location = response.headers["location"]
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))
        assert urlsplit(urljoin("http://good.example" + path, location)).netloc == "good.example"


async def test_row_42_something_is_redirected_at_all() -> None:
    async with Client(_redirecting("")) as client:
        response = await client.get("/evil.example")
    assert (response.status, response.headers["location"]) == (308, "/evil.example/")


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        pytest.param("//evil.example", "/evil.example", id="two-slashes"),
        pytest.param("/\\evil.example", "/evil.example", id="backslash"),
        pytest.param("\\\\evil.example", "/evil.example", id="backslashes"),
        pytest.param("///evil.example", "/evil.example", id="three-slashes"),
        pytest.param(" //evil.example", "%20//evil.example", id="space-before"),
        pytest.param("/ä b", "/%C3%A4%20b", id="beyond-ascii"),
        pytest.param('/"><script>', "/%22%3E%3Cscript%3E", id="markup"),
    ],
)
def test_row_42_redirect_to_a_path_names_no_host(location: str, sent: str) -> None:
    assert Redirect(location).headers["location"] == sent


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("/a\r\nSet-Cookie: b=c", "/a%0D%0ASet-Cookie:%20b=c"),
        ("/a\nb", "/a%0Ab"),
        ("/a\x00", "/a%00"),
        # Browsers ignore tabs and line breaks, which would leave two slashes at the start.
        ("/\t/evil.example", "/%09/evil.example"),
        ("\x1b", "%1B"),
    ],
)
def test_row_42_control_in_a_redirect_is_percent_encoded(location: str, sent: str) -> None:
    assert Redirect(location).headers["location"] == sent


def test_row_42_empty_redirect_is_refused() -> None:
    with pytest.raises(ValueError, match="the location of a redirect is empty"):
        Redirect("")


@pytest.mark.parametrize("router", ["tree", "regex"])
@pytest.mark.parametrize(
    "value", ["//evil.example", "/evil.example", "\\evil.example", "a\r\nb", "a?b#c", "a%2f..", "é", '"><script>']
)
def test_row_42_url_for_writes_a_path_of_the_route_alone(value: str, router: str) -> None:
    app = App(settings={"router": router})
    app.get("/{rest:path}", name="all")(_ok)
    app.get("/one/{segment}/x", name="one")(_ok)
    for name, params in (("all", {"rest": value}), ("one", {"segment": value})):
        path = app.url_for(name, **params)
        assert path.startswith("/")
        assert not path.startswith(("//", "/\\"))
        assert path.isascii()
        assert path.isprintable()
        assert not set(path) & set(' ?#"<>\\')


@pytest.mark.parametrize("value", ["..", ".", "../../admin", "\udc80"])
def test_row_42_url_for_refuses_what_would_lead_elsewhere(value: str) -> None:
    app = App()
    app.get("/users/{name:path}", name="user")(_ok)
    with pytest.raises(RouteError):
        app.url_for("user", name=value)


@pytest.mark.parametrize("value", ["evil.example/", "a.b", "a@b", "a:1", "", "a\r\nb"])
def test_row_42_url_for_writes_no_other_host(value: str) -> None:
    app = App()
    app.scope("", host="{tenant}.example.com").get("/", name="home")(_ok)
    with pytest.raises(RouteError):
        app.url_for("home", tenant=value)


@pytest.mark.parametrize("parser", PARSERS)
async def test_row_43_underscores_are_no_hyphens(parser: str) -> None:
    app = App(plugins=[] if parser == "core" else [f"{parser}_parser"])

    @app.post("/")
    async def show(request: Request) -> list[object]:
        names = ("X-Forwarded-For", "Transfer-Encoding", "Content-Length", "Host")
        return [*(request.headers.get(name) for name in names), (await request.read()).decode()]

    fields = b"X_Forwarded_For: 1.1.1.1\r\nTransfer_Encoding: chunked\r\nContent_Length: 5\r\nHost_: b\r\n\r\n"
    async with Client(app) as client:
        exchange = await client.raw(START + fields)
    assert exchange.response.json() == [None, None, None, "a", ""]


async def test_row_43_forwarded_fields_change_nothing_by_default() -> None:
    app = App()

    @app.get("/")
    async def show(request: Request) -> list[object]:
        return [list(request.client or ()), request.scheme, request.host, request.url, request.raw_path]

    claims = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "6.6.6.6",
        "X-Original-URL": "/admin",
        "X-Rewrite-URL": "/admin",
        "Forwarded": 'for=6.6.6.6;proto=https;host="evil.example"',
        "Script_Name": "/evil",
        "Proxy": "http://evil.example",
        "X-HTTP-Method-Override": "DELETE",
    }
    async with Client(app, client=("192.0.2.1", 5)) as client:
        response = await client.get("/", headers=claims)
    assert response.json() == [["192.0.2.1", 5], "http", "testserver", "http://testserver/", "/"]


async def test_row_43_no_field_becomes_a_variable_of_the_environment() -> None:
    app = App()

    @app.get("/")
    async def show(request: Request) -> list[str]:
        return [name for name, value in os.environ.items() if "evil.example" in value]

    async with Client(app) as client:
        assert (await client.get("/", headers={"Proxy": "http://evil.example"})).json() == []


_MARKUP = '"><script>alert(1)</script>'


@pytest.mark.parametrize("debug", [False, True])
async def test_row_47_no_answer_of_the_core_holds_markup_of_the_client(debug: bool) -> None:
    app = App(debug=debug)

    @app.get("/fails/{text}")
    async def fails(request: Request, text: str) -> str:
        raise RuntimeError(text)

    @app.get("/refused/{text}")
    async def refused(request: Request, text: str) -> str:
        raise HTTPError(400, f"no {text}")

    @app.get("/redirected/{text}")
    async def redirected(request: Request, text: str) -> Redirect:
        return Redirect("/" + text)

    async with Client(app) as client:
        for path in ("/fails/", "/refused/", "/redirected/", "/nowhere/"):
            response = await client.get(path + _MARKUP, headers={"Accept": "text/html", "Referer": _MARKUP})
            is_text = response.headers["content-type"] == "text/plain; charset=utf-8"
            assert is_text or "<script" not in response.text, path
            assert "<script" not in response.headers.get("location", "")


async def test_row_47_refusals_repeat_nothing_of_what_was_sent(target: Target) -> None:
    for raw in (b"GET /<script> HTTP/1.1\r\n\r\n", b"<script> / HTTP/1.1\r\n\r\n", b"GET / <script>\r\n\r\n"):
        exchange = await target.client.raw(raw)
        assert exchange.response.headers["content-type"] == "text/plain; charset=utf-8"
        assert b"script" not in exchange.received


def test_row_47_names_of_files_are_quoted_in_a_field() -> None:
    assert content_disposition('a".html; x="<b>') == (
        "attachment; filename=\"a_.html; x=_<b>\"; filename*=UTF-8''a%22.html%3B%20x%3D%22%3Cb%3E"
    )
    with pytest.raises(ValueError, match="cannot be sent"):
        content_disposition("a\r\nSet-Cookie: b=c")


def test_html_says_its_charset() -> None:
    # Without it, a browser may be led to guess one in which harmless bytes are markup.
    assert HTML("x").content_type == "text/html; charset=utf-8"
