"""The app that all cases are sent to, compiled once for each parser, and the checks of an exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from importlib.util import find_spec

from tests.wire.cases import Case
from turnbuckle import App, Application, Request, Response
from turnbuckle.testing import Client, RawExchange

__all__ = ["PARSERS", "check_exchange", "client_with", "make_app"]

# The parser's name, and the plugin that provides it.
PARSERS = {"h1": "", "httptools": "httptools_parser", "h11": "h11_parser"}
if find_spec("zttp"):
    PARSERS["zttp"] = "zttp_parser"


def make_app(*plugins: str, parser: object = None) -> App:
    """An app that answers with the content, with the path, and with responses of every framing."""
    app = App("wire", plugins=list(plugins), parser=parser)

    @app.route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def echo(request: Request) -> bytes:
        return await request.read()

    @app.get("/next")
    async def after(request: Request) -> str:
        return "next"

    @app.post("/unread")
    async def unread(request: Request) -> str:
        return "unread"

    @app.get("/none")
    async def none(request: Request) -> None:
        return None

    @app.get("/same")
    async def same(request: Request) -> Response:
        return Response(status=304)

    @app.get("/reset")
    async def reset(request: Request) -> Response:
        return Response(status=205)

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    @app.get("/failure")
    async def failure(request: Request) -> str:
        raise RuntimeError("as it should")

    @app.get("/{rest:path}")
    async def path(request: Request, rest: str) -> str:
        return rest

    return app


@cache
def _application(parser: str) -> Application:
    plugin = PARSERS[parser]
    return make_app(*([plugin] if plugin else [])).compile()


def client_with(parser: str) -> Client:
    """A client of the app with one of the parsers."""
    # Hundreds of connections at once, on a machine that may be busy.
    return Client(_application(parser), timeout=60.0)


def check_exchange(exchange: RawExchange, case: Case, name: str = "") -> None:
    """Fail unless all that came back is what the case says."""
    assert exchange.statuses == list(case.statuses), name
    assert (exchange.is_closed, exchange.is_cut, exchange.was_reset) == (case.is_closed, False, False), name
    if case.content is not None:
        assert exchange.responses[0].content == case.content, name
    if exchange.responses:
        announced = "close" in exchange.responses[-1].headers.get("connection", "")
        assert announced == case.is_closed, name
