"""Cache-Control by route, by media type and by default, and private for responses to one user."""

from __future__ import annotations

import pytest

from turnbuckle import App, NotModified, Plugin, Request, Response, StartupError
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.cache_control import CacheControlPlugin

_PUBLIC = "public, max-age=60"


class TestCacheControlPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return CacheControlPlugin()


class TestCacheControlMiddleware(MiddlewareConformance):
    plugin = CacheControlPlugin


def _app(**config: object) -> App:
    app = App(plugins=[("cache_control", config)])

    async def answer(request: Request) -> Response:
        query = request.query_params
        fields = [(name.replace("_", "-"), value) for name, value in query.items() if name not in {"status", "kind"}]
        return Response(b"x", int(query.get("status", "200")), fields, query.get("kind", "text/html"))

    app.get("/")(answer)
    app.post("/")(answer)
    app.get("/public", options={"cache_control": _PUBLIC})(answer)
    app.get("/untouched", options={"cache_control": False})(answer)

    @app.get("/unchanged", options={"cache_control": _PUBLIC})
    async def unchanged(request: Request) -> Response:
        raise NotModified({"ETag": '"1"'})

    return app


async def _get(path: str, app: App | None = None, method: str = "GET", **fields: str) -> ClientResponse:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    async with Client(app or _app(), raise_exceptions=False) as client:
        return await client.request(method, path, headers=headers)


async def _value(path: str, app: App | None = None, method: str = "GET", **fields: str) -> str | None:
    lines = (await _get(path, app, method, **fields)).headers.get_list("cache-control")
    assert len(lines) <= 1
    return lines[0] if lines else None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/", "no-cache"),
        ("/?kind=text/css", "max-age=3600"),
        ("/?kind=image/png", "public, max-age=60, immutable"),
        ("/?kind=IMAGE/PNG;q=1", "public, max-age=60, immutable"),
        ("/public", _PUBLIC),
        ("/public?kind=text/css", _PUBLIC),
        ("/untouched", None),
        ("/untouched?status=404", None),
        ("/?Cache-Control=max-age=5", "max-age=5"),
        ("/public?Cache-Control=max-age=5", "max-age=5"),
        ("/?status=404", "no-store"),
        ("/public?status=503", "no-store"),
        ("/?status=404&Cache-Control=max-age=5", "max-age=5"),
        ("/nowhere", "no-store"),
        ("/public?status=301", _PUBLIC),
        ("/unchanged", _PUBLIC),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_value_follows_from_route_type_and_status(path: str, value: str | None, method: str) -> None:
    types = {"text/css": "max-age=3600", "image/*": "public, max-age=60, immutable"}
    assert await _value(path, _app(types=types), method) == value


async def test_other_methods_get_no_field() -> None:
    assert await _value("/", method="POST") is None


async def test_empty_values_set_no_field() -> None:
    app = _app(default="", errors="")
    assert await _value("/", app) is None
    assert await _value("/nowhere", app) is None


@pytest.mark.parametrize(
    ("path", "fields", "value"),
    [
        ("/public?Set-Cookie=a=b", {}, "private, max-age=60"),
        ("/public", {"authorization": "Basic x"}, "private, max-age=60"),
        ("/public?Vary=Accept,%20Cookie", {}, "private, max-age=60"),
        ("/public", {"cookie": "a=b"}, _PUBLIC),
        ("/", {"cookie": "a=b"}, "private, no-cache"),
        ("/?Cache-Control=public,%20s-maxage=9,%20max-age=5&Set-Cookie=a=b", {}, "private, max-age=5"),
        ("/?Cache-Control=max-age=5&Set-Cookie=a=b", {}, "private, max-age=5"),
        ("/?Cache-Control=private,%20max-age=5&Set-Cookie=a=b", {}, "private, max-age=5"),
        ("/?Cache-Control=no-store&Set-Cookie=a=b", {}, "no-store"),
        ("/?Cache-Control=public,%20max-age=5", {"authorization": "Basic x"}, "public, max-age=5"),
    ],
)
async def test_response_for_one_user_is_private(path: str, fields: dict[str, str], value: str) -> None:
    assert await _value(path, **fields) == value


async def test_cookie_of_other_middleware_is_seen() -> None:
    app = App(plugins=["cache_control", "sessions"])

    @app.get("/", options={"cache_control": _PUBLIC})
    async def home(request: Request) -> str:
        request.session["user"] = "ada"
        return "x"

    response = await _get("/", app)
    assert "set-cookie" in response.headers
    assert response.headers["cache-control"].startswith(("private", "no-store"))


async def test_response_that_is_sent_to_all_users_stays_apart() -> None:
    app = App(plugins=["cache_control"])
    shared = Response(b"x")

    @app.get("/", options={"cache_control": _PUBLIC})
    async def home(request: Request) -> Response:
        return shared

    for _ in range(2):
        assert await _value("/", app) == _PUBLIC
        assert await _value("/", app, authorization="Basic x") == "private, max-age=60"


async def test_response_that_is_sent_on_two_routes_has_the_policy_of_each() -> None:
    app = App(plugins=["cache_control"])
    shared = Response(b"x")

    @app.get("/public", options={"cache_control": _PUBLIC})
    async def public(request: Request) -> Response:
        return shared

    @app.get("/secret", options={"cache_control": "no-store"})
    async def secret(request: Request) -> Response:
        return shared

    for _ in range(2):
        assert await _value("/public", app) == _PUBLIC
        assert await _value("/secret", app) == "no-store"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"default": "max-age"}, "'max-age' needs a whole number of seconds, as in 'max-age=60'"),
        ({"default": "max-age=1h"}, "'max-age=1h' needs a whole number of seconds"),
        ({"errors": "no-store; max-age=0"}, "is no directive of Cache-Control"),
        ({"default": "no-store, max-age=60"}, "contradicts itself: it has 'no-store' and 'max-age'"),
        ({"default": "public, private"}, "contradicts itself: it has 'public' and 'private'"),
        ({"types": {"images": "no-cache"}}, "'images' is no pattern of media types; write it like 'image/*'"),
        ({"types": {"image/*": "max-age=x"}}, "'max-age=x' needs a whole number of seconds"),
    ],
)
def test_settings_are_checked(config: dict[str, object], message: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**config).resolve()
    assert message in str(caught.value.problems[0])


@pytest.mark.parametrize("value", [True, "", 60, "max-age", "public\r\nX: y"])
def test_option_is_checked(value: object) -> None:
    app = App(plugins=["cache_control"], options={"cache_control": value})
    with pytest.raises(StartupError) as caught:
        app.resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB439"]
