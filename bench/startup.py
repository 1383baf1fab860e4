"""Measure the cost of plugins at startup and per request: `python -m bench.startup` (part of `make bench`)."""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Coroutine
from typing import Final

from turnbuckle import App, Handler, Plugin, PluginInfo, Request, RequestHead, Response, Route, Setup
from turnbuckle.web.peer import Peer

PLUGINS: Final = 50
HOPS: Final = 20
TRIES: Final = 7
REQUESTS: Final = 5_000
# Less than the difference of two runs of the same app on a quiet machine.
NOISE_MICROS: Final = 0.1
HEAD: Final = RequestHead(b"GET", b"/", 1, [(b"host", b"a")], 0)

_IMPORT: Final = """
import time
start = time.process_time()
import turnbuckle
{more}
print(time.process_time() - start)
"""
_RESOLVE: Final = """
import time
from turnbuckle import App
from bench.startup import plugins
App().resolve()
app = App(plugins=plugins())
start = time.process_time()
app.resolve()
print(time.process_time() - start)
"""


def main() -> int:
    """Print each cost with its limit."""
    argparse.ArgumentParser(prog="bench.startup", description=__doc__).parse_args()
    print("cost of plugins and middleware:")
    _show("import turnbuckle", 1e3 * _in_processes(_IMPORT.format(more="")), 120, "ms")
    _show("import turnbuckle, and App", 1e3 * _in_processes(_IMPORT.format(more="turnbuckle.App")), 120, "ms")
    _show(f"resolve {PLUGINS} imported plugins", 1e3 * _in_processes(_RESOLVE), 60, "ms")
    written, plugged = _compared_plugins()
    _show(f"extra cost of a request with {PLUGINS} plugins", plugged - written, NOISE_MICROS, "µs")
    by_hand, compiled = _compared_hops()
    _show("extra cost of middleware over a closure", (compiled - by_hand) / HOPS, 0.15, "µs")
    return 0


def plugins() -> list[type[Plugin]]:
    """Return plugins that each add a route and a setting."""
    return [type(f"Plugin{at}", (_Sample,), {"info": PluginInfo(name=f"sample_{at}")}) for at in range(PLUGINS)]


class _Sample(Plugin):
    def provide_routes(self, setup: Setup) -> list[Route]:
        return [Route(path=f"/{setup.plugin}/{{id:int}}", handler=_answer)]


async def _answer(request: Request) -> Response:
    return Response(b"x")


async def _pass_on(request: Request, call_next: Handler) -> Response:
    return await call_next(request)


def _show(what: str, value: float, at_most: float, unit: str) -> None:
    print(
        f"  {what:40} {value:8.2f} {unit}   at most {at_most:g}: {'pass' if value <= at_most else 'fail'}", flush=True
    )


def _in_processes(code: str) -> float:
    """Return the median of the seconds that the code prints, over several processes."""
    command = [sys.executable, "-c", code]
    return statistics.median(float(subprocess.check_output(command, text=True)) for _ in range(TRIES))


# -- requests, without any input or output


def _compared_plugins() -> tuple[float, float]:
    written, plugged = App(), App(plugins=plugins())
    for at in range(PLUGINS):
        # Both apps have the same routes, because the routes are not measured.
        written.add_route(f"/sample_{at}/{{id:int}}", _answer)
    for app in (written, plugged):
        app.add_route("/", _answer)
    return _least(written.compile().handle, plugged.compile().handle)


def _compared_hops() -> tuple[float, float]:
    app = App()
    for at in range(HOPS):
        app.add_middleware(_pass_on, name=f"hop_{at}")
    app.add_route("/", _answer)
    # An app with one hop has the same guard around the chain as an app with many hops.
    plain = App(middleware=[_pass_on])
    plain.add_route("/", _answer)
    handler = plain.compile().handle
    for _ in range(HOPS - 1):
        handler = _nested(handler)
    return _least(handler, app.compile().handle)


def _nested(next_handler: Handler) -> Handler:
    async def hop(request: Request) -> Response:
        return await next_handler(request)

    return hop


def _least(first: Handler, second: Handler) -> tuple[float, float]:
    """Return the minimum of microseconds of each handler; they run in turns, under the same conditions."""
    turns = [(_micros(first), _micros(second)) for _ in range(3 * TRIES)]
    return min(one for one, _ in turns), min(other for _, other in turns)


def _micros(handler: Handler) -> float:
    peer = Peer(("192.0.2.1", 5000), ("192.0.2.9", 80))
    start = time.process_time()
    for _ in range(REQUESTS):
        _run(handler(Request(HEAD, None, peer)))
    return (time.process_time() - start) / REQUESTS * 1e6


def _run(answer: Awaitable[Response]) -> None:
    assert isinstance(answer, Coroutine)
    try:
        answer.send(None)
    except StopIteration:
        return
    raise RuntimeError("a handler without awaits has waited")


if __name__ == "__main__":
    sys.exit(main())
