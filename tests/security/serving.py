"""Serve one app behind each of the parsers, and check its responses."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Final, final

from tests.security.attacks import HIDDEN, Attack
from turnbuckle import App, Request
from turnbuckle.server.model.application import Application
from turnbuckle.testing import Client, RawExchange

__all__ = ["PARSERS", "Target", "application"]

PARSERS: Final = ("core", "httptools", "h11", *(["zttp"] if find_spec("zttp") else []))
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Short requests are sent byte by byte; longer ones in pieces whose length differs from the length of any line.
_SHORT: Final = 1000
_PIECE: Final = 997


@cache
def application(parser: str) -> Application:
    """Return an app that echoes content at ``/`` and answers everywhere else, compiled once for each parser."""
    app = App(plugins=[] if parser == "core" else [f"{parser}_parser"])

    @app.route("/", methods=_METHODS)
    async def echo(request: Request) -> bytes:
        return await request.read()

    @app.route("/{rest:path}", methods=_METHODS)
    async def reached(request: Request, rest: str) -> str:
        return rest

    plan = app.resolve()
    if parser not in plan.parser.name and parser != "core":
        raise AssertionError(f"parser {plan.parser.name!r} serves, not {parser!r}")
    return app.compile()


@final
class Target:
    """A server to attack."""

    def __init__(self, client: Client) -> None:
        self.client: Final = client

    async def exchanges(self, raw: bytes) -> list[RawExchange]:
        """Send bytes whole, in pieces, and with a request behind them, each on a separate connection."""
        exchanges = [await self.client.raw(raw), await self.client.raw(raw + HIDDEN)]
        if len(raw) < _SHORT:
            return [*exchanges, await self.client.raw(raw, split="bytewise")]
        connection = self.client.connect()
        for start in range(0, min(len(raw), 100 * _PIECE), _PIECE):
            await connection.send(raw[start : start + _PIECE])
        exchanges.append(connection.exchange())
        await connection.close()
        return exchanges

    async def check_refuses(self, attack: Attack) -> None:
        """Fail unless there is one answer, always the same, and the connection ends with it."""
        exchanges = await self.exchanges(attack.raw)
        assert exchanges[0].response.status in attack.statuses
        for exchange in exchanges:
            assert (exchange.statuses, exchange.is_closed) == (exchanges[0].statuses, True)
            assert (exchange.is_cut, exchange.was_reset) == (False, False)
            assert exchange.response.headers["connection"] == "close"

    async def check_serves(self, raw: bytes, *contents: bytes, is_closed: bool = False) -> None:
        """Fail unless these are the contents of the answers, all of status 200."""
        whole, before_another, in_pieces = await self.exchanges(raw)
        for exchange in (whole, in_pieces):
            assert [response.content for response in exchange.responses] == list(contents)
            assert (set(exchange.statuses), exchange.is_closed) == ({200}, is_closed)
        expected = list(contents) if is_closed else [*contents, b"hidden"]
        assert [response.content for response in before_another.responses] == expected
