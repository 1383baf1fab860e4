"""Kinds of path parameters that an app adds, whichever router is in use."""

from __future__ import annotations

import pytest

from tests.core.startup.finding import error_of
from turnbuckle import App, Converter, Request
from turnbuckle.startup.report.explain import explain_request
from turnbuckle.testing import Client

HEX = Converter(regex="[0-9a-f]+", convert=lambda text: int(text, 16), format=lambda value: f"{value:x}")


def _digits(arguments: str) -> Converter:
    return Converter(regex=f"[0-9]{{{int(arguments)}}}", convert=int, format=str)


def _app(router: str) -> App:
    app = App(router=router, plugins=[f"{router}_router"] if router != "tree" else [], converters=_CONVERTERS)
    app.get("/hex/{value:hex}", name="hex")(_value)
    app.get("/", host="{value:hex}.example.com", name="host")(_value)
    app.scope("/in/{value:digits(2)}").get("/x", name="digits")(_value)
    return app


_CONVERTERS = {"hex": HEX, "digits": _digits}


async def _value(request: Request, value: object) -> str:
    return repr(value)


@pytest.mark.parametrize("router", ["tree", "regex", "werkzeug"])
async def test_converters_of_the_app_are_everywhere(router: str) -> None:
    app = _app(router)
    async with Client(app) as client:
        assert (await client.get("/hex/ff")).text == "255"
        assert (await client.get("/hex/xy")).status == 404
        assert (await client.get("/in/12/x")).text == "12"
        assert (await client.get("/in/123/x")).status == 404
        assert (await client.get("/", headers={"Host": "a1.example.com"})).text == "161"
    assert app.url_for("hex", value=254) == "/hex/fe"
    assert app.url_for("digits", value=34) == "/in/34/x"
    assert app.url_for("host", value=10) == "//a.example.com/"
    assert explain_request(app.plan, "GET", "/hex/xy").candidates[0].reason.startswith("segment 2")


async def test_scope_with_a_parameter_of_the_app_has_its_misses() -> None:
    app = App(converters=_CONVERTERS)

    async def tag(request: Request, call_next: object) -> object:
        response = await call_next(request)  # type: ignore[operator]  # a handler
        response.headers.set("Value", repr(request.path_params["value"]))
        return response

    app.scope("/t/{value:hex}", middleware=[tag])
    async with Client(app) as client:
        assert (await client.get("/t/f/nothing")).headers["value"] == "15"


async def test_built_in_converter_may_be_replaced() -> None:
    app = App(converters={"int": HEX})
    app.get("/{value:int}")(_value)
    async with Client(app) as client:
        assert (await client.get("/ff")).text == "255"


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        pytest.param("x", Converter, "it is the class", id="class"),
        pytest.param("x", "[0-9]+", "it is '[0-9]+'", id="text"),
        pytest.param("a-b", HEX, "its name cannot be used in a pattern", id="name"),
        pytest.param(5, HEX, "its name cannot be used in a pattern", id="no-name"),
    ],
)
def test_converter_that_cannot_be_used(name: str, value: Converter, fault: str) -> None:
    found = error_of(App(converters={name: value}), "TB427")
    assert f"cannot be used: {fault}" in found.text
    assert found.origins[0].location.startswith("tests/")


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        pytest.param("/{x:hxe}", "did you mean 'hex'", id="misspelt"),
        pytest.param("/{x:digits}", "converter 'digits' needs arguments", id="no-arguments"),
        pytest.param("/{x:digits(a)}", "cannot be made: ValueError", id="factory-raises"),
        pytest.param("/{x:nothing(1)}", "is None, which is no Converter", id="factory-makes-none"),
    ],
)
def test_pattern_with_a_converter_that_cannot_be_had(pattern: str, fault: str) -> None:
    app = App(converters={**_CONVERTERS, "nothing": lambda arguments: None})  # type: ignore[dict-item]  # the mistake
    app.get(pattern)(_anything)
    assert fault in error_of(app, "TB405").text


async def _anything(request: Request) -> None:
    return None
