"""Components of the kind ``codec:TYPE``: content in the formats of plugins."""

from __future__ import annotations

import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import JSON, App, Component, Plugin, Request, Response
from turnbuckle.testing import Client, expect_problems

TYPE = "application/vnd.shout.v2"


class Shout:
    """Writes and reads texts in capitals."""

    def encode(self, value: object, /) -> bytes:
        return repr(value).upper().encode()

    def decode(self, content: bytes, /) -> object:
        if content == b"no":
            raise ValueError("on purpose")
        return content.decode().lower()


def _plugin(kind: str, name: str = "shout", made: object = None) -> type[Plugin]:
    component = Component(kind, name, lambda setup: made or Shout())
    return make_plugin(name, provide_components=lambda self, setup: [component])


def _app(*plugins: type[Plugin], **settings: object) -> App:
    app = App(plugins=plugins or (_plugin(f"codec:{TYPE}"),), settings=settings)

    @app.post("/decode")
    async def decode(request: Request) -> str:
        return repr(await request.decode())

    @app.post("/plain")
    def plain(request: Request) -> str:
        return repr(request.sync.decode())

    app.get("/dict")(lambda: {"a": 1})
    app.get("/json")(lambda: JSON({"a": 1}))
    app.get("/text")(lambda: "text")
    inner = app.scope("/inner")
    inner.get("/list")(lambda: [1])
    return app


@pytest.mark.parametrize("path", ["/decode", "/plain"])
@pytest.mark.parametrize(
    ("content_type", "content", "status", "text"),
    [
        pytest.param(TYPE, b"ABC", 200, "'abc'", id="codec"),
        pytest.param(f"{TYPE.upper()}; a=b", b"ABC", 200, "'abc'", id="case-and-parameter"),
        pytest.param("application/json", b"[1]", 200, "[1]", id="json"),
        pytest.param("application/problem+json", b"[1]", 200, "[1]", id="json-suffix"),
        pytest.param("application/x+vnd.shout.v2", b"ABC", 200, "'abc'", id="suffix"),
        pytest.param(TYPE, b"no", 400, f"the content is not {TYPE}", id="malformed"),
        pytest.param("application/json", b"no", 400, "the content is not JSON", id="malformed-json"),
        pytest.param("text/xml", b"<a/>", 415, "'text/xml' is not accepted", id="unknown"),
        pytest.param("", b"ABC", 415, "the content has no type", id="no-type"),
        pytest.param(TYPE, b"A" * 101, 413, "content of 101 bytes exceeds 100", id="too-large"),
    ],
)
async def test_content_is_decoded_by_its_type(
    path: str, content_type: str, content: bytes, status: int, text: str
) -> None:
    async with Client(_app(limits={"json": 100})) as client:
        headers = {"Content-Type": content_type} if content_type else {}
        response = await client.post(path, content=content, headers=headers)
    assert response.status == status
    assert response.text == text or status == 413
    if status == 415:
        assert response.headers["accept"] == f"application/json, {TYPE}"


async def test_large_content_is_not_stored_beyond_the_limit() -> None:
    async def pieces() -> object:
        for _ in range(5):
            yield b"A" * 50

    async with Client(_app(limits={"json": 100})) as client:
        response = await client.post("/decode", content=pieces(), headers={"Content-Type": TYPE})
    assert response.status == 413


@pytest.mark.parametrize("path", ["/dict", "/inner/list"])
async def test_values_are_encoded_as_the_client_accepts(path: str) -> None:
    async with Client(_app()) as client:
        shouted = await client.get(path, headers={"Accept": TYPE})
        json = await client.get(path)
    assert shouted.headers["content-type"] == TYPE
    assert shouted.text.isupper() or shouted.text == "[1]"
    assert json.headers["content-type"] == "application/json"
    assert [shouted.headers["vary"], json.headers["vary"]] == ["Accept", "Accept"]


@pytest.mark.parametrize("path", ["/json", "/text"])
async def test_other_responses_stay(path: str) -> None:
    async with Client(_app()) as client:
        response = await client.get(path, headers={"Accept": TYPE})
    assert response.headers["content-type"] != TYPE
    assert "vary" not in response.headers


async def test_each_format_has_its_own_etag() -> None:
    app = _app()

    @app.get("/note")
    async def read(request: Request) -> Response:
        return request.encode({"a": 1}).etag("v1", weak="weak" in request.query_params)

    @app.put("/note")
    async def write(request: Request) -> None:
        request.check_preconditions(etag="v1", required=True)

    @app.get("/cheap")
    async def cheap(request: Request) -> Response:
        request.check_preconditions(etag="v1")
        return request.encode({"a": 1}).etag("v1")

    async with Client(app) as client:
        tags = {
            accept: (await client.get("/note", headers={"Accept": accept})).headers["etag"]
            for accept in ["application/json", TYPE]
        }
        assert tags == {"application/json": '"v1"', TYPE: f'"v1;{TYPE}"'}
        weak = await client.get("/note?weak=", headers={"Accept": TYPE})
        assert weak.headers["etag"] == f'W/"v1;{TYPE}"'
        for path in ["/note", "/cheap"]:
            for accept, tag in tags.items():
                fields = {"Accept": accept, "If-None-Match": tag}
                assert (await client.get(path, headers=fields)).status == 304
                other = next(value for value in tags.values() if value != tag)
                response = await client.get(path, headers={"Accept": accept, "If-None-Match": other})
                assert (response.status, response.headers["etag"], response.headers["vary"]) == (200, tag, "Accept")
        for tag in tags.values():
            assert (await client.put("/note", headers={"If-Match": tag})).status == 204
            assert (await client.put("/note", headers={"If-None-Match": tag, "If-Match": tag})).status == 412
        assert (await client.put("/note", headers={"If-Match": '"v0"'})).status == 412


async def test_setting_chooses_between_two_codecs() -> None:
    plugins = [_plugin(f"codec:{TYPE}", "one"), _plugin(f"codec:{TYPE}", "two")]
    async with Client(_app(*plugins, components={f"codec:{TYPE}": "two"})) as client:
        assert (await client.post("/decode", content=b"A", headers={"Content-Type": TYPE})).text == "'a'"


def test_problem_of_two_codecs_has_the_key_as_toml_writes_it() -> None:
    with expect_problems("TB401") as problems:
        _app(_plugin(f"codec:{TYPE}", "one"), _plugin(f"codec:{TYPE}", "two")).resolve()
    assert f'fix: decide with the setting components."codec:{TYPE}" = "one"' in str(problems[0])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("codec", "write it like 'codec:application/msgpack'"),
        ("codecs:a/b", "write it like 'codec:application/msgpack'"),
        ("codec:msgpack", "write it like 'codec:application/msgpack'"),
        ("codec:A/B", "write it like 'codec:application/msgpack'"),
        ("codec:a/b; c=d", "write it like 'codec:application/msgpack'"),
        ("codec:application/json", "is JSON, whose codec has the kind 'json'"),
    ],
)
def test_kind_without_a_media_type_is_a_problem(kind: str, message: str) -> None:
    with expect_problems("TB308") as problems:
        _app(_plugin(kind)).resolve()
    assert message in str(problems[0])


def test_codec_without_methods_is_a_problem() -> None:
    with expect_problems("TB507") as problems:
        _app(_plugin(f"codec:{TYPE}", made=object())).compile()
    assert "has no encode, decode" in str(problems[0])
