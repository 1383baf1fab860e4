"""``setup.monitor`` sees the streams of a connection as it sees the requests of HTTP/1.1."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from tests.plugins.http2.frames import get
from tests.plugins.http2.peer import H2Peer
from turnbuckle import App, Request, ResponseEnd, ServerFigures, Setup
from turnbuckle.testing import Client


async def test_streams_are_counted_one_by_one(engine: str) -> None:
    app = App(plugins=["http2"], settings={"plugin": {"http2": {"cleartext": True, "engine": engine}}})
    ends: list[ResponseEnd] = []
    figures: list[Callable[[], ServerFigures]] = []
    seen: list[int] = []

    @app.lifespan
    async def watch(setup: Setup) -> AsyncIterator[None]:
        figures.append(setup.monitor(ends.append))
        yield

    @app.get("/")
    async def hello(request: Request) -> str:
        seen.append(figures[0]().requests)
        return "hello"

    async with Client(app) as client:
        peer = H2Peer(client.connect())
        await peer.start()
        await peer.send(get(1), get(3))
        assert [peer.response(stream).status for stream in (1, 3)] == [200, 200]
        now = figures[0]()
        assert (now.connections, now.accepted, now.requests) == (1, 1, 0)
    assert [(end.status, end.outcome, end.sent_bytes) for end in ends] == [(200, "complete", 5)] * 2
    assert seen[0] >= 1
