"""Requests of foreign pages are refused; pages of the app, and programs, are served."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest

from turnbuckle import App, Forbidden, HTTPError, Plugin, Request, Response, StartupError
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.csrf import CSRFPlugin, csrf_field, csrf_token

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_TRUSTED = ["https://accounts.example.com", "https://*.friends.example"]


class TestCSRFPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return CSRFPlugin()


class TestCSRFMiddleware(MiddlewareConformance):
    plugin = CSRFPlugin
    # The client of the suite has cookies.
    headers: ClassVar[Mapping[str, str]] = {"Sec-Fetch-Site": "same-origin"}

    def use(self, request: Request) -> None:
        csrf_token(request)


def _app(**settings: object) -> App:
    app = App(plugins=[("csrf", settings)])

    @app.get("/form")
    async def form(request: Request) -> Response:
        return Response(f"<form method=post>{csrf_field(request)}</form>", content_type="text/html")

    @app.get("/token")
    async def token(request: Request) -> list[str]:
        return [csrf_token(request), csrf_token(request)]

    @app.route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def home(request: Request) -> dict[str, object]:
        form = await request.form() if request.content_type == _FORM["Content-Type"] else {}
        return {"method": request.method, "note": form.get("note")}

    return app


async def _post(
    fields: dict[str, str], method: str = "POST", base: str = "https://example.com", **settings: object
) -> int:
    async with Client(_app(**settings), base_url=base) as client:
        return (await client.request(method, "/", headers={"Cookie": "session=1", **fields})).status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="same-origin"),
        pytest.param({"Sec-Fetch-Site": "none"}, 200, id="by-the-user"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="neighbour"),
        pytest.param({"Sec-Fetch-Site": ""}, 403, id="empty"),
        pytest.param({"Sec-Fetch-Site": "Same-Origin"}, 403, id="case"),
        pytest.param({"Sec-Fetch-Site": "future"}, 403, id="unknown"),
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "https://example.com"}, 403, id="redirected"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200, id="no-referrer"),
        pytest.param({"Origin": "https://example.com"}, 200, id="own-origin"),
        pytest.param({"Origin": "https://example.com:443"}, 200, id="own-origin-with-port"),
        pytest.param({"Origin": "http://example.com"}, 403, id="without-tls"),
        pytest.param({"Origin": "https://example.com:8443"}, 403, id="other-port"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="foreign-origin"),
        pytest.param({"Origin": "https://example.com.evil.example"}, 403, id="longer"),
        pytest.param({"Origin": "https://evilexample.com"}, 403, id="suffix"),
        pytest.param({"Origin": "https://www.example.com"}, 403, id="subdomain"),
        pytest.param({"Origin": "https://example.com@evil.example"}, 403, id="userinfo"),
        pytest.param({"Origin": "https://evil.example https://example.com"}, 403, id="two-origins"),
        pytest.param({"Origin": "null"}, 403, id="sandbox"),
        pytest.param({"Origin": ""}, 403, id="empty-origin"),
        pytest.param({"Origin": "example.com"}, 403, id="no-scheme"),
        pytest.param({}, 403, id="neither"),
        pytest.param({"X-CSRF-Token": "x" * 86}, 403, id="made-up-token"),
    ],
)
async def test_origin_of_an_unsafe_request(method: str, fields: dict[str, str], status: int) -> None:
    assert await _post(fields, method) == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"Origin": "https://accounts.example.com"}, 200, id="exact"),
        pytest.param({"Origin": "https://accounts.example.com", "Sec-Fetch-Site": "cross-site"}, 200, id="cross-site"),
        pytest.param({"Origin": "https://a.b.friends.example"}, 200, id="pattern"),
        pytest.param({"Origin": "https://friends.example"}, 403, id="pattern-itself"),
        pytest.param({"Origin": "http://a.friends.example"}, 403, id="scheme"),
        pytest.param({"Origin": "https://evil.example/.friends.example"}, 403, id="path"),
        pytest.param({"Origin": "https://evil.example#.friends.example"}, 403, id="fragment"),
        pytest.param({"Origin": "https://a.friends.example.evil.example"}, 403, id="longer"),
        pytest.param({"Origin": "https://accounts.example.com:444"}, 403, id="port"),
        pytest.param({"Origin": "https://evil-friends.example"}, 403, id="suffix"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="no-origin"),
    ],
)
async def test_trusted_origins(fields: dict[str, str], status: int) -> None:
    assert await _post(fields, trusted_origins=_TRUSTED) == status


async def test_fields_that_are_repeated_decide_nothing() -> None:
    for name, values in {
        "Origin": ["https://example.com", "https://evil.example"],
        "Sec-Fetch-Site": ["none"] * 2,
    }.items():
        async with Client(_app(), base_url="https://example.com") as client:
            assert (await client.post("/", headers=[(name, value) for value in values])).status == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_safe_methods_pass(method: str) -> None:
    assert await _post({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, method) in (200, 204)


async def test_programs_without_cookies_pass() -> None:
    async with Client(_app()) as client:
        assert (await client.post("/")).status == 200
        assert (await client.post("/", headers={"Authorization": "Bearer x"})).status == 200
        assert (await client.post("/", headers={"Origin": "https://evil.example"})).status == 403


# -- tokens


def _token_of(response: ClientResponse) -> str:
    found = re.search(r'value="([^"]*)"', response.text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("base", "cookie"), [("https://example.com", "__Host-csrf"), ("http://example.com", "csrf")])
async def test_token_of_a_form(base: str, cookie: str) -> None:
    async with Client(_app(), base_url=base) as client:
        page = await client.get("/form")
        assert page.headers["vary"] == "Cookie"
        field = page.headers["set-cookie"]
        assert field.startswith(f"{cookie}=")
        assert ("Secure" in field) == base.startswith("https")
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(field.split("; "))
        content = urlencode({"note": "a & b", "csrf_token": _token_of(page)}).encode()
        response = await client.post("/", content=content, headers=_FORM)
        assert (response.status, response.json()) == (200, {"method": "POST", "note": "a & b"})
        # The cookie stays, so that forms in other tabs remain valid.
        assert "set-cookie" not in (await client.get("/form")).headers
        assert (await client.post("/", headers={"X-CSRF-Token": _token_of(page)})).status == 200


async def test_token_is_another_text_each_time() -> None:
    async with Client(_app()) as client:
        tokens = [*(await client.get("/token")).json(), *(await client.get("/token")).json()]
        assert len(set(tokens)) == 4
        for token in tokens:
            assert (await client.post("/", headers={"X-CSRF-Token": token})).status == 200


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_token_of_another_user_is_refused() -> None:
    app = _app()
    async with Client(app) as own, Client(app) as other:
        await own.get("/form")
        token = _token_of(await other.get("/form"))
        assert (await own.post("/", headers={"X-CSRF-Token": token})).status == 403
        assert (await own.post("/", content=urlencode({"csrf_token": token}).encode(), headers=_FORM)).status == 403


async def test_cookie_is_not_sent_to_other_clients() -> None:
    app = App(plugins=["csrf"])
    page = Response("the same for all", headers={"Cache-Control": "public, max-age=60"})

    @app.get("/")
    async def home(request: Request) -> Response:
        csrf_token(request)
        return page

    cookies = []
    for _ in range(3):
        async with Client(app) as client:
            response = await client.get("/")
        cookies.append(response.headers.get_list("set-cookie"))
        assert response.headers["cache-control"] == "private, no-cache"
    assert [len(cookie) for cookie in cookies] == [1, 1, 1]
    assert len({cookie[0] for cookie in cookies}) == 3
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("POST", "/"), ("GET", "/")])
@pytest.mark.parametrize("fields", [{}, {"Cookie": "a=1"}, {"Origin": "https://evil.example"}])
async def test_form_on_the_page_of_an_error_has_its_cookie(method: str, path: str, fields: dict[str, str]) -> None:
    app = App(plugins=["csrf"])

    @app.route("/", methods=["GET", "POST"])
    async def home() -> None:
        raise Forbidden

    @app.post("/send")
    async def send() -> str:
        return "sent"

    @app.error_handler(HTTPError)
    async def page(request: Request, error: HTTPError) -> Response:
        return Response(csrf_field(request), status=error.status)

    async with Client(app, base_url="https://example.com") as client:
        response = await client.request(method, path, headers=fields)
        assert len(response.headers.get_list("set-cookie")) == 1
        content = urlencode({"csrf_token": _token_of(response)}).encode()
        assert (await client.post("/send", content=content, headers=_FORM)).text == "sent"


async def test_damaged_tokens_and_cookies_are_refused() -> None:
    async with Client(_app()) as client:
        token = _token_of(await client.get("/form"))
        for damaged in (token[:-1], token[1:], token + "A", token[::-1], "", "é" * 86, "A" * 86, token + "=="):
            response = await client.post("/", headers={"X-CSRF-Token": damaged.encode("latin-1").decode("latin-1")})
            assert response.status == 403, damaged
        for cookie in ("csrf=", "csrf=x", "csrf=" + "A" * 42, "csrf=" + "\xe9" * 43):
            response = await client.post("/", headers={"X-CSRF-Token": token, "Cookie": cookie})
            assert response.status == 403, cookie


async def test_content_of_the_form_arrives_in_pieces() -> None:
    async with Client(_app()) as client:
        token = _token_of(await client.get("/form")).encode()
        content = _pieces(b"note=x&csrf_to", b"ken=" + token[:9], token[9:])
        assert (await client.post("/", content=content, headers=_FORM)).json()["note"] == "x"


async def test_other_fields_of_the_form_are_no_token() -> None:
    async with Client(_app()) as client:
        token = _token_of(await client.get("/form"))
        for name in ("x_csrf_token", "csrf_token2", "CSRF_TOKEN", "csrf%5ftoken"):
            response = await client.post("/", content=f"{name}={token}".encode(), headers=_FORM)
            assert response.status == 403, name


async def test_size_of_a_form_without_origin_is_limited() -> None:
    async with Client(_app(form_size=1000)) as client:
        token = _token_of(await client.get("/form"))
        content = urlencode({"csrf_token": token, "note": "x" * 1000}).encode()
        assert (await client.post("/", content=content, headers=_FORM)).status == 413
        assert (await client.post("/", content=_pieces(content[:500], content[500:]), headers=_FORM)).status == 413
        own = {"Sec-Fetch-Site": "same-origin", **_FORM}
        assert (await client.post("/", content=content, headers=own)).status == 200


async def test_multipart_needs_the_header_field() -> None:
    app = App(plugins=["csrf"])

    @app.get("/form")
    async def form(request: Request) -> str:
        return csrf_field(request)

    @app.post("/", streams_body=True)
    async def upload(request: Request) -> str:
        return str(sum([len(piece) async for piece in request.stream()]))

    async with Client(app) as client:
        token = _token_of(await client.get("/form"))
        part = f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n--b--\r\n'.encode()
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        assert (await client.post("/", content=part, headers=headers)).status == 403
        response = await client.post("/", content=part, headers={**headers, "X-CSRF-Token": token})
        assert response.text == str(len(part))


async def test_field_without_the_plugin_is_empty() -> None:
    app = App()

    @app.get("/")
    async def show(request: Request) -> str:
        return csrf_field(request) + csrf_token(request) + "."

    async with Client(app) as client:
        assert (await client.get("/")).text == "."


async def test_templates_have_the_field(tmp_path: Path) -> None:
    jinja = pytest.importorskip("turnbuckle_plugins.jinja_templates")
    (tmp_path / "macros.html").write_text("{% macro form() %}<form>{{ csrf_field() }}</form>{% endmacro %}")
    (tmp_path / "page.html").write_text(
        '{% from "macros.html" import form %}{{ form() }}<meta name="csrf" content="{{ csrf_token() }}">'
    )
    app = App(plugins=["csrf", ("jinja_templates", {"folders": [str(tmp_path)]})])

    @app.get("/")
    async def page() -> object:
        return jinja.Template("page.html")

    @app.post("/")
    async def save() -> str:
        return "saved"

    async with Client(app) as client:
        response = await client.get("/")
        field = r'<input type="hidden" name="csrf_token" value="([\w-]{86})">'
        found = re.fullmatch(rf'<form>{field}</form><meta name="csrf" content="([\w-]{{86}})">', response.text)
        assert found is not None
        assert (await client.post("/", headers={"X-CSRF-Token": found[1]})).text == "saved"
        assert (await client.post("/", headers={"X-CSRF-Token": found[2]})).text == "saved"
        assert (await client.post("/")).status == 403


async def test_route_without_the_check() -> None:
    app = App(plugins=["csrf", "method_override"])
    foreign = {"Sec-Fetch-Site": "cross-site", "Cookie": "a=1", **_FORM}

    @app.post("/hook", without=["csrf", "method_override"])
    async def hook(request: Request) -> str:
        return request.method + csrf_field(request) + csrf_token(request)

    @app.post("/other")
    async def other() -> str:
        return "other"

    async with Client(app) as client:
        assert (await client.post("/hook", content=b"_method=DELETE", headers=foreign)).text == "POST"
        assert (await client.post("/other", headers=foreign)).status == 403
        assert (await client.post("/nowhere", headers=foreign)).status == 403


async def test_content_reaches_a_mounted_app() -> None:
    async def echo(scope: dict[str, object], receive: Callable[[], Any], send: Callable[[object], Any]) -> None:
        if scope["type"] == "http":
            content = (await receive())["body"]
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": content})

    app = App(plugins=["csrf", "asgi"])
    app.mount("/old", echo)

    @app.get("/form")
    async def form(request: Request) -> str:
        return csrf_field(request)

    async with Client(app) as client:
        content = f"a=b&csrf_token={_token_of(await client.get('/form'))}".encode()
        assert (await client.post("/old/x", content=content, headers=_FORM)).content == content
        assert (await client.post("/old/x", content=b"a=b", headers=_FORM)).status == 403


async def test_refusal_says_why() -> None:
    async with Client(_app(), base_url="https://example.com") as client:
        foreign = await client.post("/", headers={"Origin": "https://evil.example"})
        none = await client.post("/", headers={"Cookie": "a=1"})
    assert foreign.text == (
        "a page of another site may not send this request: Origin is 'https://evil.example', not https://example.com"
    )
    assert none.text == (
        "this request needs the field Origin, or a token in the form field csrf_token or the header field X-CSRF-Token"
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"trusted_origins": ["null"]}, "any page can send it from a sandboxed frame"),
        ({"trusted_origins": ["https://example.com/"]}, "it must end after the host and the port"),
        ({"trusted_origins": ["https://Example.com"]}, "its letters must be in lower case"),
        ({"trusted_origins": ["https://exämple.com"]}, "Punycode"),
        ({"trusted_origins": ["example.com"]}, "write it as browsers do"),
        ({"trusted_origins": ["https://example.com:443"]}, "write 'https://example.com'"),
        ({"trusted_origins": ["https://*.com"]}, "all sites below a top-level domain"),
        ({"trusted_origins": ["*"]}, "is no origin"),
        ({"trusted_origins": ["https://a.*.com"]}, "is no origin"),
        ({"field": "a b"}, "letters, digits"),
        ({"cookie": "a;b"}, "letters, digits"),
        ({"header": "a b"}, "not a token"),
        ({"form_size": 0}, "form_size"),
    ],
)
def test_wrong_settings_are_reported_at_startup(settings: dict[str, object], text: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**settings).resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]
    assert text in str(caught.value.problems[0])
