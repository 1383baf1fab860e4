"""JSON-RPC 2.0: the examples of the specification, types, batches, errors and attacks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Annotated, Any

import attrs
import pytest
from annotated_types import Ge

from turnbuckle import App, Forbidden, NotFound, Plugin, Request, StartupError
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.jsonrpc import JSONRPCPlugin, RPCError


class TestJSONRPCPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return JSONRPCPlugin()


@attrs.frozen
class Note:
    title: str
    done: bool = False


def make_app(**settings: object) -> App:
    rpc = JSONRPCPlugin()

    @rpc.method
    async def subtract(minuend: int, subtrahend: int) -> int:
        """Subtract two numbers.

        The second from the first.
        """
        return minuend - subtrahend

    @rpc.method("sum")
    def add(a: int = 0, b: int = 0, c: int = 0) -> int:
        return a + b + c

    @rpc.method
    async def update(*, note: Note, count: Annotated[int, Ge(1)] = 1) -> list[Note]:
        return [note] * count

    @rpc.method
    async def get_data() -> list[object]:
        return ["hello", 5]

    @rpc.method
    async def agent(request: Request, name: str = "user-agent") -> str:
        return request.headers.get(name, "")

    @rpc.method
    async def fail(how: str) -> Any:
        match how:
            case "http":
                raise NotFound("no such note")
            case "own":
                raise RPCError(7, "too late", {"since": "noon"})
            case "bad data":
                raise RPCError(7, "too late", object())
            case "result":
                return object()
            case "cancel":
                raise asyncio.CancelledError
            case "stop":
                raise StopIteration
        raise OSError("db.internal:5432 is gone")

    @rpc.method
    def stop() -> None:
        raise StopIteration

    @rpc.method
    def pair(first: int, second: int = 2, /) -> list[int]:
        return [first, second]

    app = App()
    app.install(rpc, at="/rpc", settings=settings)
    return app


async def post(content: object, app: App | None = None, **headers: str) -> tuple[int, Any]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    async with Client(app or make_app()) as client:
        response = await client.post("/rpc", content=body, headers={"Content-Type": "application/json", **headers})
    return response.status, json.loads(response.content) if response.content else None


def call(method: object, params: object = None, call_id: object = 1, **more: object) -> dict[str, object]:
    return {
        "jsonrpc": "2.0",
        "method": method,
        **({"params": params} if params is not None else {}),
        "id": call_id,
        **more,
    }


def error(code: int, message: str, call_id: object = 1, **more: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message, **more}, "id": call_id}


def result(value: object, call_id: object = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "result": value, "id": call_id}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(call("subtract", [42, 23]), result(19), id="by-position"),
        pytest.param(call("subtract", {"subtrahend": 23, "minuend": 42}), result(19), id="by-name"),
        pytest.param(call("subtract", [42, 23], "x"), result(19, "x"), id="text-id"),
        pytest.param(call("subtract", [42, 23], None), result(19, None), id="null-id"),
        pytest.param(call("subtract", [42, 23], 1.5), result(19, 1.5), id="fraction-id"),
        pytest.param(call("sum", [1, 2]), result(3), id="defaults"),
        pytest.param(call("get_data"), result(["hello", 5]), id="no-params"),
        pytest.param(call("update", {"note": {"title": "a"}}), result([{"title": "a", "done": False}]), id="types"),
        pytest.param(call("agent", {"name": "host"}), result("testserver"), id="request"),
        pytest.param(call("pair", [1]), result([1, 2]), id="positional-only"),
        pytest.param(call("stop"), error(-32603, "Internal error"), id="stop-iteration"),
        pytest.param(call("foobar"), error(-32601, "Method not found"), id="no-method"),
        pytest.param(call("rpc.discover"), error(-32601, "Method not found"), id="no-discovery"),
        pytest.param(call("fail", ["http"]), error(-32000, "no such note", data={"status": 404}), id="http-error"),
        pytest.param(call("fail", ["own"]), error(7, "too late", data={"since": "noon"}), id="own-error"),
        pytest.param(call("fail", ["bad data"]), error(7, "too late"), id="data-without-json"),
        pytest.param(call("fail", ["result"]), error(-32603, "Internal error"), id="result-without-json"),
        pytest.param(call("fail", ["cancel"]), error(-32603, "Internal error"), id="cancels-itself"),
        pytest.param(call("fail", ["x"]), error(-32603, "Internal error"), id="exception"),
        pytest.param(b'{"jsonrpc": "2.0", "method": "foobar, "params"', error(-32700, "Parse error", None), id="parse"),
        pytest.param(b"\xff", error(-32700, "Parse error", None), id="not-utf-8"),
        pytest.param(b"[" * 100_000, error(-32700, "Parse error", None), id="deep"),
    ],
)
async def test_answer_to_a_call(content: object, expected: object) -> None:
    assert await post(content) == (200, expected)


@pytest.mark.parametrize(
    ("content", "call_id", "reason"),
    [
        (1, None, "a call is an object"),
        ("x", None, "a call is an object"),
        ({}, None, 'jsonrpc is "2.0"'),
        ({"method": "sum", "id": 3}, 3, 'jsonrpc is "2.0"'),
        ({"jsonrpc": "1.0", "method": "sum", "id": 3}, 3, 'jsonrpc is "2.0"'),
        ({"jsonrpc": 2.0, "method": "sum", "id": 3}, 3, 'jsonrpc is "2.0"'),
        (call(1), 1, "method is a string"),
        (call(None), 1, "method is a string"),
        (call("sum", "bar"), 1, "params is an array or an object"),
        (call("sum", 1), 1, "params is an array or an object"),
        (call("sum", [], True), None, "id is a string, a number or null"),
        (call("sum", [], [1]), None, "id is a string, a number or null"),
        (call("sum", [], {}), None, "id is a string, a number or null"),
        ([], None, "a batch has at least one call"),
    ],
)
async def test_invalid_request(content: object, call_id: object, reason: str) -> None:
    assert await post(content) == (200, error(-32600, "Invalid Request", call_id, data=reason))


@pytest.mark.parametrize(
    ("method", "params", "faults"),
    [
        ("subtract", [1], [("/subtrahend", "is missing")]),
        ("subtract", {}, [("/minuend", "is missing"), ("/subtrahend", "is missing")]),
        ("subtract", [1, 2, 3], [("", "expected at most 2 parameters, got 3")]),
        ("agent", {"name": "host", "x": 3}, [("", "1 parameters are unknown; there are ['name']")]),
        ("subtract", ["1", True], [("/minuend", "expected int, got str"), ("/subtrahend", "expected int, got bool")]),
        ("update", [{"title": "a"}], [("", "expected at most 0 parameters, got 1")]),
        ("update", {"note": {"title": 1}}, [("/note/title", "expected str, got int")]),
        ("agent", {"request": 1}, [("", "1 parameters are unknown; there are ['name']")]),
        ("pair", {"first": 1}, [("", "1 parameters are unknown; there are []")]),
    ],
)  # fmt: skip
async def test_invalid_params(method: str, params: object, faults: list[tuple[str, str]]) -> None:
    data = [{"pointer": pointer, "reason": reason} for pointer, reason in faults]
    assert await post(call(method, params)) == (200, error(-32602, "Invalid params", data=data))


async def test_constraint() -> None:
    status, content = await post(call("update", {"note": {"title": "a"}, "count": 0}))
    assert (status, content["error"]["code"]) == (200, -32602)
    assert content["error"]["data"][0]["pointer"] == "/count"


async def test_notifications_have_no_response(caplog: pytest.LogCaptureFixture) -> None:
    notification: Mapping[str, object] = {"jsonrpc": "2.0", "method": "sum", "params": [1]}
    assert await post(notification) == (204, None)
    assert await post([notification, {**notification, "method": "nothing"}]) == (204, None)
    with caplog.at_level(logging.ERROR, "turnbuckle.jsonrpc"):
        assert await post({**notification, "method": "fail", "params": ["x"]}) == (204, None)
    assert "db.internal" in caplog.text


async def test_batch() -> None:
    batch = [
        call("sum", [1, 2, 4], "1"),
        {"jsonrpc": "2.0", "method": "sum", "params": [7]},
        call("subtract", [42, 23], "2"),
        {"foo": "boo"},
        call("foo.get", {"name": "myself"}, "5"),
        1,
    ]
    assert await post(batch) == (
        200,
        [
            result(7, "1"),
            result(19, "2"),
            error(-32600, "Invalid Request", None, data='jsonrpc is "2.0"'),
            error(-32601, "Method not found", "5"),
            error(-32600, "Invalid Request", None, data="a call is an object"),
        ],
    )


async def test_size_of_a_batch_is_limited() -> None:
    assert (await post([call("sum")] * 3, make_app(max_batch=3)))[1] == [result(0)] * 3
    reason = "a batch of 4 calls exceeds 3"
    assert await post([call("sum")] * 4, make_app(max_batch=3)) == (
        200,
        error(-32600, "Invalid Request", None, data=reason),
    )


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_concurrency_of_a_batch_is_limited(concurrency: int) -> None:
    rpc, running, most = JSONRPCPlugin(), 0, 0

    @rpc.method
    async def work() -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return running

    app = App()
    app.install(rpc, at="/rpc", settings={"concurrency": concurrency})
    await post([call("work", call_id=number) for number in range(10)], app)
    assert most == concurrency


async def test_other_requests() -> None:
    async with Client(make_app()) as client:
        assert (await client.get("/rpc")).status == 405
        # A form of another site cannot call a method: browsers ask before they send JSON.
        headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
        assert (await client.post("/rpc", content=json.dumps(call("sum")), headers=headers)).status == 415
        assert (await client.post("/rpc", json=call("sum"))).headers["cache-control"] == "no-store"
        assert (await client.post("/rpc", content=b" " * 20_000_000)).status == 413


async def test_guards_protect_methods() -> None:
    rpc = JSONRPCPlugin()
    rpc.method("sum")(lambda: 1)

    def refuse() -> None:
        raise Forbidden

    app = App()
    app.scope("/rpc", plugins=[rpc], guards=[refuse])
    async with Client(app) as client:
        assert (await client.post("/rpc", json=call("sum"))).status == 403


async def test_methods_of_an_object() -> None:
    class Notes:
        def count(self) -> int:
            return 3

        def _secret(self) -> int:
            return 4

    rpc = JSONRPCPlugin()
    rpc.add_object("notes.", Notes())
    app = App(plugins=[rpc])
    async with Client(app) as client:
        assert (await client.post("/rpc", json=call("notes.count"))).json() == result(3)
        for name in ("notes._secret", "notes.__class__", "notes.__init__"):
            assert (await client.post("/rpc", json=call(name))).json()["error"]["code"] == -32601


async def test_description_of_the_methods() -> None:
    _, content = await post(call("rpc.discover"), make_app(discover=True))
    document = content["result"]
    by_name = {method["name"]: method for method in document["methods"]}
    assert document["openrpc"] == "1.3.2"
    assert by_name["subtract"]["summary"] == "Subtract two numbers."
    assert [param["name"] for param in by_name["subtract"]["params"]] == ["minuend", "subtrahend"]
    assert by_name["sum"]["params"][0] == {"name": "a", "required": False, "schema": {"type": "integer"}}
    assert "Note" in json.dumps(document["components"]["schemas"])


def test_names_and_codes_that_are_reserved() -> None:
    rpc = JSONRPCPlugin()
    with pytest.raises(ValueError, match="reserved"):
        rpc.method("rpc.x")(lambda: 1)
    rpc.method("x")(lambda: 1)
    with pytest.raises(ValueError, match="two methods named 'x'"):
        rpc.method("x")(lambda: 2)
    with pytest.raises(ValueError, match="reserved"):
        RPCError(-32001 - 200, "x")
    assert RPCError(-32001, "x").code == -32001


def _variable(*values: int) -> int:
    return 0


def _without_schema(value: asyncio.Event) -> int:
    return 0


@pytest.mark.parametrize(("function", "says"), [(_variable, "*values"), (_without_schema, "without a schema")])
def test_methods_that_cannot_be_served(function: Any, says: str) -> None:
    rpc = JSONRPCPlugin()
    rpc.method(function)
    with pytest.raises(StartupError) as caught:
        App(plugins=[rpc]).resolve()
    (problem,) = caught.value.problems
    assert (problem.diagnostic.code, says in problem.diagnostic.text) == ("TB306", True)
