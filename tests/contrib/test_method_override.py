"""A form that asks for another method gets it, and a page of another site does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

import pytest

from turnbuckle import App, Plugin, Request, StartupError
from turnbuckle.testing import Client, expect_problems
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.method_override import MethodOverridePlugin

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_OWN = {"Sec-Fetch-Site": "same-origin", "Cookie": "session=1"}
_FOREIGN = {"Sec-Fetch-Site": "cross-site", "Cookie": "session=1"}
_FIELD = "X-HTTP-Method-Override"


class TestMethodOverridePlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return MethodOverridePlugin()

    def plugins(self) -> list[object]:
        return ["csrf"]


class TestMethodOverrideMiddleware(MiddlewareConformance):
    plugin = MethodOverridePlugin
    headers: ClassVar[Mapping[str, str]] = {"Sec-Fetch-Site": "same-origin"}

    def plugins(self) -> list[object]:
        return ["csrf"]


def _app(*plugins: object, **settings: object) -> App:
    app = App(plugins=[("method_override", settings), *(plugins or ("csrf",))])

    @app.route("/item", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def item(request: Request) -> dict[str, object]:
        form = dict((await request.form()).items()) if request.content_type == _FORM["Content-Type"] else {}
        return {"method": request.method, "form": form}

    @app.delete("/only-delete")
    async def delete() -> str:
        return "deleted"

    return app


async def _post(content: bytes, app: App | None = None, method: str = "POST", **headers: str) -> tuple[int, object]:
    fields = {**_FORM, **_OWN, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with Client(app or _app()) as client:
        response = await client.request(method, "/item", content=content, headers=fields)
    return response.status, response.json()["method"] if response.status == 200 else response.text


@pytest.mark.parametrize(
    ("content", "method"),
    [
        (b"_method=DELETE", "DELETE"),
        (b"a=b&_method=put&c=d", "PUT"),
        (b"_method=PATCH&_method=DELETE", "PATCH"),
        (b"_method=GET", "POST"),
        (b"_method=HEAD", "POST"),
        (b"_method=CONNECT", "POST"),
        (b"_method=DELETE%0d%0aX:y", "POST"),
        (b"_method=", "POST"),
        (b"x_method=DELETE", "POST"),
        (b"", "POST"),
    ],
)
async def test_form_field(content: bytes, method: str) -> None:
    assert await _post(content) == (200, method)


async def test_handler_reads_the_form() -> None:
    async with Client(_app()) as client:
        response = await client.post("/item", content=b"a=%C3%A9&_method=PUT", headers={**_FORM, **_OWN})
    assert response.json() == {"method": "PUT", "form": {"a": "é", "_method": "PUT"}}


async def test_route_of_the_new_method_is_found() -> None:
    async with Client(_app()) as client:
        response = await client.post("/only-delete", content=b"_method=DELETE", headers={**_FORM, **_OWN})
        assert response.text == "deleted"
        assert (await client.post("/only-delete", headers=_OWN)).status == 405


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_replaced(method: str) -> None:
    assert await _post(b"_method=PATCH", method=method, X_HTTP_Method_Override="PATCH") == (200, method)


@pytest.mark.parametrize(
    ("value", "method"), [("DELETE", "DELETE"), ("delete", "DELETE"), ("GET", "POST"), ("", "POST"), ("X Y", "POST")]
)
async def test_header_field(value: str, method: str) -> None:
    assert await _post(b"_method=PUT", X_HTTP_Method_Override=value) == (200, method)


async def test_field_in_a_multipart_form_is_not_read() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--b--\r\n'
    assert await _post(part, Content_Type="multipart/form-data; boundary=b") == (200, "POST")


async def test_large_form_stays_post() -> None:
    app = _app(form_size=100)
    assert await _post(b"_method=PUT&a=" + b"x" * 50, app) == (200, "PUT")
    assert await _post(b"_method=PUT&a=" + b"x" * 100, _app(form_size=100)) == (200, "POST")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"_method=PUT&a="
        yield b"x" * 100

    async with Client(_app(form_size=100)) as client:
        assert (await client.post("/item", content=pieces(), headers={**_FORM, **_OWN})).status == 413


async def test_page_of_another_site_cannot_override() -> None:
    async with Client(_app()) as client:
        for headers in (_FOREIGN, {"Cookie": "session=1"}, {"Origin": "https://evil.example"}):
            response = await client.post("/item", content=b"_method=DELETE", headers={**_FORM, **headers})
            assert response.status == 403


async def test_header_only_needs_no_csrf() -> None:
    app = _app("request_id", field="")
    async with Client(app) as client:
        assert (await client.post("/item", headers={_FIELD: "PUT"})).json()["method"] == "PUT"
        response = await client.post("/item", content=b"_method=DELETE", headers=_FORM)
        assert response.json()["method"] == "POST"


def test_field_without_csrf_is_reported_at_startup() -> None:
    with pytest.raises(StartupError) as caught:
        _app("request_id").resolve()
    assert "csrf" in str(caught.value.problems[0])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"methods": ["GET"]}, "a POST must not become GET"),
        ({"methods": ["put"]}, "capital letters, unlike 'put'"),
        ({"field": "a b"}, "letters, digits"),
        ({"header": "a b"}, "not a token"),
        ({"form_size": 0}, "form_size"),
    ],
)
def test_wrong_settings_are_reported_at_startup(settings: dict[str, object], text: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**settings).resolve()
    assert "TB202" in [problem.diagnostic.code for problem in caught.value.problems]
    assert text in str(caught.value.problems[0])


def test_route_without_csrf_is_without_the_override_as_well() -> None:
    app = App(plugins=["csrf", "method_override"])
    app.post("/hook", without=["csrf", "method_override"])(_hook)
    app.post("/form")(_hook)
    runs = {
        planned.route.path: [link.record.name for link in app.plan.middleware_of(planned)]
        for planned, _ in app.plan.routes()
    }
    assert runs == {"/hook": [], "/form": ["csrf", "method_override"]}
    app = App(plugins=["csrf", "method_override"])
    app.post("/hook", without=["csrf"])(_hook)
    with expect_problems("TB412") as found:
        app.compile()
    assert "take 'method_override' away as well" in str(found[0])


async def _hook() -> str:
    return "called"
