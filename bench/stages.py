"""Print where the time of a request goes, stage by stage: `python -m bench.stages`.

Each stage is timed by itself in this process, on requests of which no two are alike. The whole connection is timed as
well, on a transport that drops what it gets, and at last the server itself, under load by wrk on sockets. So the last
two rows are differences: what the connection adds to the other stages, and what the loop and the sockets add to all.
"""

import argparse
import asyncio
import platform
import runpy
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final

from bench.cpu import pinned, two_cores
from bench.load import measure
from bench.scenarios import SCENARIOS, Scenario
from bench.servers import APPS, TURNBUCKLE, running
from turnbuckle import App, Request
from turnbuckle.http.events import NEED_DATA, Data, RequestHead
from turnbuckle.http.serializer import common_response
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.server.connection.connection import HTTPConnection
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.clock import SystemClock
from turnbuckle.web.content.json import STANDARD_JSON
from turnbuckle.web.handlers import bind_handler
from turnbuckle.web.peer import LazyEvent, Peer
from turnbuckle.web.response.response import Response, json_response

_CONNECTIONS: Final = 64
_REQUESTS: Final = 32 * _CONNECTIONS
_PLAIN: Final = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
_CALL: Final = "call: task, arguments, handler"
_DECODE: Final = "decode JSON"
# The arguments and the answer of typed handlers are compiled into one closure, which has no stages.
_SCENARIOS: Final = tuple(scenario for scenario in SCENARIOS if scenario.name != "typed")
_DATE: Final = b"Date: Sun, 29 Nov 2026 12:00:00 GMT\r\n"


@dataclass(frozen=True)
class Prepared:
    """The requests of one scenario, with what each stage takes and returns."""

    application: Application
    router: TreeRouter
    wires: list[bytes]
    heads: list[RequestHead]
    contents: list[bytes]
    values: list[Any]
    bodies: list[bytes]


def main() -> None:
    """Print a table for each scenario."""
    options = _options()
    run = _runner(options.loop)
    scenarios = [scenario for scenario in _SCENARIOS if scenario.name in options.scenario]
    server_core, load_core = two_cores()
    with pinned(server_core):
        tables = [run(_stages(scenario, options.rounds)) for scenario in scenarios]
    served: list[float | None] = [None] * len(scenarios)
    if options.loop == "auto" and shutil.which("wrk") is not None:
        served = _served(scenarios, server_core, load_core, max(2, options.rounds // 2))
    loop = "asyncio" if run is asyncio.run else "uvloop"
    print(f"Python {platform.python_version()}, {loop}, core parser, microseconds of CPU per request")
    for scenario, stages, micros in zip(scenarios, tables, served, strict=True):
        print(f"\n{scenario.title}")
        _print(stages, micros)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.stages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="rounds; the best one of each stage counts")
    names = [scenario.name for scenario in _SCENARIOS]
    parser.add_argument("--scenario", nargs="+", choices=names, default=names, help="only these kinds of requests")
    parser.add_argument("--loop", choices=["auto", "asyncio"], default="auto", help="asyncio also leaves sockets out")
    return parser.parse_args()


def _runner(loop: str) -> Callable[[Any], dict[str, float]]:
    if loop == "auto":
        try:
            import uvloop
        except ImportError:
            pass
        else:
            return uvloop.run
    return asyncio.run


def _served(scenarios: Sequence[Scenario], core: int, load_core: int, rounds: int) -> list[float | None]:
    """Return the CPU time per request of the server itself, in each scenario."""
    with running(TURNBUCKLE, core) as target:
        return [
            min(measure(target, scenario.template, core=load_core, seconds=1).cpu_micros for _ in range(rounds))
            for scenario in scenarios
        ]


def _print(stages: dict[str, float], served: float | None) -> None:
    whole = stages.pop("whole")
    rows = {**stages, "connection: states, deadlines, request, rendering": whole - sum(stages.values())}
    if served is not None:
        rows["loop and sockets"] = served - whole
    total = sum(rows.values())
    for name, micros in rows.items():
        print(f"  {name:50} {micros:6.2f} {micros / total:6.0%}")
    print(f"  {'all' if served is not None else 'all, without sockets':50} {total:6.2f}")


# -- the stages


async def _stages(scenario: Scenario, rounds: int) -> dict[str, float]:
    """Return the microseconds of CPU that each stage takes for a request."""
    prepared = await _prepare(scenario)
    stages: dict[str, Callable[[Prepared], Awaitable[float]]] = {
        "parse": _parse,
        "route": _route,
        _CALL: _call,
        _DECODE: _decode,
        "encode JSON": _encode,
        "serialize: response, head": _serialize,
        "whole": _whole,
    }
    best = dict.fromkeys(stages, float("inf"))
    for _ in range(rounds):
        for name, stage in stages.items():
            best[name] = min(best[name], await stage(prepared) / _REQUESTS * 1e6)
    # The handler decodes its content.
    best[_CALL] -= best[_DECODE]
    return {name: micros for name, micros in best.items() if name != _DECODE or prepared.contents[0]}


async def _prepare(scenario: Scenario) -> Prepared:
    app: App = runpy.run_path(str(APPS / "turnbuckle_app.py"))["app"]
    application = app.compile()
    router = TreeRouter()
    for planned, _ in app.plan.routes():
        router.add(planned.route)
    router.freeze()
    wires = [wire_of(scenario, 10_000_000 + number) for number in range(_REQUESTS)]
    heads, contents = [], []
    for wire in wires:
        parser = application.parser_factory(application.limits)
        parser.feed(wire)
        head = parser.next_event()
        data = parser.next_event()
        assert isinstance(head, RequestHead)
        heads.append(head)
        contents.append(data.data if isinstance(data, Data) else b"")
    prepared = Prepared(application, router, wires, heads, contents, [], [])
    for request, bound in _bound(prepared):
        prepared.values.append(await bound(request))
    prepared.bodies.extend(
        value.encode() if isinstance(value, str) else STANDARD_JSON.encode(value) for value in prepared.values
    )
    return prepared


def wire_of(scenario: Scenario, number: int) -> bytes:
    """Return the bytes of a request as wrk makes them."""
    return (scenario.template or _PLAIN).replace("%d", str(number)).encode()


class _Source:
    """Content that has arrived."""

    trailers = ()

    def __init__(self, content: bytes) -> None:
        self.limit = 1_000_000
        self._content = content

    def take(self) -> bytes | None:
        return self._content

    async def receive(self) -> bytes:
        content, self._content = self._content, b""
        return content


def _peer() -> Peer:
    return Peer(lost=LazyEvent())


def _bound(prepared: Prepared) -> list[tuple[Request, Callable[[Request], Awaitable[Any]]]]:
    """Return requests with their handlers, ready to be called; the content of each can be read once."""
    bound = {route: bind_handler(route.handler) for route in prepared.router.routes}
    pairs = []
    for head, content in zip(prepared.heads, prepared.contents, strict=True):
        request = Request(head, _Source(content) if content else None, _peer())
        _, request.path_params, route = prepared.router.find(request.method, request.raw_path)
        assert route is not None
        pairs.append((request, bound[route]))
    return pairs


async def _parse(prepared: Prepared) -> float:
    parser = prepared.application.parser_factory(prepared.application.limits)
    began = time.process_time()
    for wire in prepared.wires:
        parser.feed(wire)
        while parser.next_event() is not NEED_DATA:
            pass
    return time.process_time() - began


async def _route(prepared: Prepared) -> float:
    find = prepared.router.find
    requests = [Request(head, None, _peer()) for head in prepared.heads]
    began = time.process_time()
    for request in requests:
        find(request.method, request.raw_path)
    return time.process_time() - began


async def _call(prepared: Prepared) -> float:
    loop = asyncio.get_running_loop()
    context = copy_context()
    pairs = _bound(prepared)
    began = time.process_time()
    for number, (request, bound) in enumerate(pairs, start=1):
        asyncio.Task(bound(request), loop=loop, name="stage", context=context.copy())  # type: ignore[arg-type]
        if number % _CONNECTIONS == 0:
            await asyncio.sleep(0)
    return time.process_time() - began


async def _decode(prepared: Prepared) -> float:
    began = time.process_time()
    for content in prepared.contents:
        if content:
            STANDARD_JSON.decode(content)
    return time.process_time() - began


async def _encode(prepared: Prepared) -> float:
    began = time.process_time()
    for value in prepared.values:
        if not isinstance(value, str):
            STANDARD_JSON.encode(value)
    return time.process_time() - began


async def _serialize(prepared: Prepared) -> float:
    began = time.process_time()
    for value, body in zip(prepared.values, prepared.bodies, strict=True):
        response = Response(value) if isinstance(value, str) else json_response(body)
        common_response(200, response.fields(), body, _DATE, b"GET")
    return time.process_time() - began


class _Sink(asyncio.Transport):
    """A transport that drops what is written."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Drop the data."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return addresses as those of a socket."""
        return ("127.0.0.1", 8000) if name in {"peername", "sockname"} else default

    def get_write_buffer_size(self) -> int:
        """Return 0: nothing is kept."""
        return 0

    def abort(self) -> None:
        """Do nothing: there is no socket."""


async def _whole(prepared: Prepared) -> float:
    loop = asyncio.get_running_loop()
    state = ServerState(prepared.application, SystemClock(loop), loop)
    connections = [HTTPConnection(state) for _ in range(_CONNECTIONS)]
    for connection in connections:
        connection.connection_made(_Sink())
    began = time.process_time()
    for number, wire in enumerate(prepared.wires):
        connections[number % _CONNECTIONS].data_received(wire)
        if number % _CONNECTIONS == _CONNECTIONS - 1:
            await asyncio.sleep(0)
    spent = time.process_time() - began
    for connection in connections:
        connection.abort()
        connection.connection_lost(None)
    return spent


if __name__ == "__main__":
    main()
