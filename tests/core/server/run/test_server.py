"""Starting and stopping over real sockets: order, drain, time limits, and cleaning up after failures."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.core.server.polling import TIMEOUT, wait_until
from turnbuckle.errors import LifespanError, ListenError
from turnbuckle.http.parser import H1Parser
from turnbuckle.server.listen.addresses import Address
from turnbuckle.server.model.application import Application, ReadyLifespan, StartBackground
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


class Gate:
    """A handler that says when it was reached, and answers when it is let."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        self.reached.set()
        await self.open.wait()
        return Response("late")


async def hello(request: Request) -> Response:
    return Response("hello")


def application(handle: Handler = hello, **more: object) -> Application:
    return Application(handle=handle, parser_factory=H1Parser, **more)


def lifespan(
    name: str, events: list[str], *, error: Exception | None = None, gate: asyncio.Event | None = None
) -> ReadyLifespan:
    @asynccontextmanager
    async def context(start: StartBackground) -> AsyncIterator[None]:
        events.append(f"+{name}")
        if gate is not None:
            await gate.wait()
        if error is not None:
            raise error
        yield
        events.append(f"-{name}")

    return ReadyLifespan(name=name, context=context)


@asynccontextmanager
async def client(address: Address) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    if address.unix:
        reader, writer = await asyncio.open_unix_connection(address.unix)
    else:
        reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def everything(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), TIMEOUT)


async def answer(server: HTTPServer) -> bytes:
    """Return all that comes back for one request, after which the client sends no more."""
    async with client(server.addresses[0]) as (reader, writer):
        writer.write(GET)
        writer.write_eof()
        return await everything(reader)


async def test_server_answers_between_start_and_stop() -> None:
    async with HTTPServer(application(), port=0) as server:
        address = server.addresses[0]
        assert (await answer(server)).endswith(b"\r\n\r\nhello")
    assert server.addresses == ()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(address.host, address.port)


async def test_server_answers_on_a_unix_socket_and_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    async with HTTPServer(application(), unix=str(path)) as server:
        assert server.addresses[0].url == f"unix:{path}"
        assert (await answer(server)).endswith(b"hello")
    assert not path.exists()


async def test_server_listens_on_every_host() -> None:
    async with HTTPServer(application(), host=["127.0.0.1", "127.0.0.2"], port=0) as server:
        hosts = []
        for address in server.addresses:
            hosts.append(address.host)
            async with client(address):
                pass
    assert hosts == ["127.0.0.1", "127.0.0.2"]


async def test_server_is_started_once() -> None:
    async with HTTPServer(application(), port=0) as server:
        with pytest.raises(RuntimeError, match="started only once"):
            await server.start()


async def test_stop_without_start_does_nothing() -> None:
    server = HTTPServer(application(), port=0)
    server.abort()
    await server.stop()
    assert server.addresses == ()


async def test_lifespans_are_entered_before_anybody_is_accepted_and_left_after_the_last() -> None:
    events: list[str] = []
    gate = asyncio.Event()
    both = (lifespan("a", events), lifespan("b", events, gate=gate))
    server = HTTPServer(application(lifespans=both), port=0)
    starting = asyncio.create_task(server.start())
    await wait_until(lambda: "+b" in events)
    port = server.addresses[0].port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    gate.set()
    await starting
    assert (await answer(server)).endswith(b"hello")
    await server.stop()
    assert events == ["+a", "+b", "-b", "-a"]


async def test_failing_lifespan_leaves_nothing_behind() -> None:
    events: list[str] = []
    both = (lifespan("a", events), lifespan("b", events, error=ValueError("bad password")))
    server = HTTPServer(application(lifespans=both), port=0)
    with pytest.raises(LifespanError, match="lifespan 'b' failed: ValueError: bad password"):
        await server.start()
    assert events == ["+a", "+b", "-a"]
    assert server.addresses == ()


async def test_port_in_use_is_found_before_any_lifespan_is_entered() -> None:
    events: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = HTTPServer(application(lifespans=(lifespan("a", events),)), port=port)
        with pytest.raises(ListenError, match=f"port {port} on 127.0.0.1 is in use"):
            await server.start()
    assert events == []


async def test_port_taken_while_lifespans_are_entered_is_an_error_too() -> None:
    events: list[str] = []
    gate = asyncio.Event()
    server = HTTPServer(application(lifespans=(lifespan("a", events, gate=gate),)), port=0)
    starting = asyncio.create_task(server.start())
    await wait_until(lambda: events)
    with socket.socket() as taken:
        # Linux lets two sockets be bound to a port while neither listens.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", server.addresses[0].port))
        taken.listen()
        gate.set()
        with pytest.raises(ListenError, match=r"cannot listen on http://127\.0\.0\.1"):
            await starting
    assert events == ["+a", "-a"]


async def test_stop_lets_a_request_finish_and_closes_idle_connections() -> None:
    gate = Gate()

    async def either(request: Request) -> Response:
        return await (gate(request) if request.path == "/late" else hello(request))

    server = HTTPServer(application(either), port=0)
    await server.start()
    address = server.addresses[0]
    async with client(address) as (idle, idle_writer), client(address) as (reader, writer):
        idle_writer.write(GET)
        await asyncio.wait_for(idle.readuntil(b"hello"), TIMEOUT)
        writer.write(GET.replace(b"/", b"/late", 1))
        await asyncio.wait_for(gate.reached.wait(), TIMEOUT)
        stopping = asyncio.create_task(server.stop())
        assert await everything(idle) == b""
        gate.open.set()
        received = await everything(reader)
    await asyncio.wait_for(stopping, TIMEOUT)
    assert b"connection: close" in received.lower()
    assert received.endswith(b"late")


async def test_stop_answers_a_request_that_was_on_its_way_on_an_idle_connection() -> None:
    clock = FakeClock()
    server = HTTPServer(application(), port=0, clock=clock)
    await server.start()
    async with client(server.addresses[0]) as (used, writer), client(server.addresses[0]) as (idle, idle_writer):
        for stream in (writer, idle_writer):
            stream.write(GET)
        await asyncio.wait_for(asyncio.gather(used.readuntil(b"hello"), idle.readuntil(b"hello")), TIMEOUT)
        stopping = asyncio.create_task(server.stop())
        await clock.advance(0.1)
        writer.write(GET)
        assert b"\r\nConnection: close\r\n" in await everything(used)
        await clock.advance(Timeouts().last_request)
        assert await everything(idle) == b""
    await asyncio.wait_for(stopping, TIMEOUT)


def waiting_to_be_accepted(port: int) -> int:
    """Return the length of the backlog; under load, the kernel may count a connection later than its client does."""
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if (state, int(local.split(":")[1], 16)) == ("0A", port):
            return int(queues.split(":")[1], 16)
    raise LookupError(port)


def wait_for_backlog(port: int, count: int) -> None:
    """Wait until the kernel has queued the connections, without running the loop."""
    deadline = time.monotonic() + TIMEOUT
    while sys.platform == "linux" and waiting_to_be_accepted(port) < count:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 20])
@pytest.mark.parametrize("count", [1, 3])
async def test_stop_serves_established_connections(turns: int, count: int) -> None:
    server = HTTPServer(application(), port=0)
    await server.start()
    address = (server.addresses[0].host, server.addresses[0].port)
    socks = [socket.create_connection(address, TIMEOUT) for _ in range(count)]
    for sock in socks:
        sock.sendall(GET)
        sock.setblocking(False)
    # One that is not in the backlog when the listening socket is closed is reset; only a supervisor spares it that.
    wait_for_backlog(address[1], count)
    for _ in range(turns):
        await asyncio.sleep(0)
    stopping = asyncio.create_task(server.stop())
    for sock in socks:
        answered = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 4096), TIMEOUT)
        assert answered.endswith(b"hello")
        sock.close()
    await asyncio.wait_for(stopping, TIMEOUT)


async def test_stop_cuts_off_what_does_not_finish_in_time(caplog: pytest.LogCaptureFixture) -> None:
    gate, clock, events = Gate(), FakeClock(), []
    served = application(gate, timeouts=Timeouts(shutdown=30), lifespans=(lifespan("a", events),))
    server = HTTPServer(served, port=0, clock=clock)
    await server.start()
    async with client(server.addresses[0]) as (reader, writer):
        writer.write(GET)
        await asyncio.wait_for(gate.reached.wait(), TIMEOUT)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        await clock.advance(29)
        assert not stopping.done()
        await clock.advance(1)
        await asyncio.wait_for(stopping, TIMEOUT)
        with suppress(ConnectionResetError):
            assert await everything(reader) == b""
    assert "aborting 1 connection that did not finish in time" in caplog.messages
    assert events == ["+a", "-a"]


class Stubborn:
    """A handler that takes no notice of being cancelled, until it is let go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.events: list[str] = []

    async def __call__(self, request: Request) -> Response:
        self.reached.set()
        while not self.open.is_set():
            try:
                await self.open.wait()
            except asyncio.CancelledError:
                self.events.append("cancelled")
        self.events.append("done")
        return Response("late")


async def test_stop_leaves_lifespans_only_after_the_handlers_of_lost_connections() -> None:
    stubborn = Stubborn()
    served = application(stubborn, lifespans=(lifespan("a", stubborn.events),))
    server = HTTPServer(served, port=0)
    await server.start()
    async with client(server.addresses[0]) as (_, writer):
        writer.write(GET)
        await asyncio.wait_for(stubborn.reached.wait(), TIMEOUT)
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    stubborn.open.set()
    await asyncio.wait_for(stopping, TIMEOUT)
    assert stubborn.events == ["+a", "done", "-a"]


async def test_stop_gives_up_on_a_handler_that_ignores_that_it_was_cancelled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stubborn, clock = Stubborn(), FakeClock()
    server = HTTPServer(application(stubborn, timeouts=Timeouts(shutdown=30)), port=0, clock=clock)
    await server.start()
    async with client(server.addresses[0]) as (_, writer):
        writer.write(GET)
        await asyncio.wait_for(stubborn.reached.wait(), TIMEOUT)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        await clock.advance(30)
        await wait_until(lambda: stubborn.events == ["cancelled"])
        assert not stopping.done()
        await clock.advance(1)
        await asyncio.wait_for(stopping, TIMEOUT)
    assert "cancelled but still running: 1 handler" in caplog.messages
    stubborn.open.set()
    await wait_until(lambda: stubborn.events[-1] == "done")


async def test_serve_returns_when_asked_to_stop() -> None:
    server = HTTPServer(application(), port=0)
    serving = asyncio.create_task(server.serve())
    await wait_until(lambda: server.addresses)
    server.request_stop()
    await asyncio.wait_for(serving, TIMEOUT)
    assert server.addresses == ()


async def test_serve_asked_twice_does_not_wait() -> None:
    gate = Gate()
    server = HTTPServer(application(gate, timeouts=Timeouts(shutdown=0)), port=0)
    serving = asyncio.create_task(server.serve())
    await wait_until(lambda: server.addresses)
    async with client(server.addresses[0]) as (_, writer):
        writer.write(GET)
        await asyncio.wait_for(gate.reached.wait(), TIMEOUT)
        server.request_stop()
        server.request_stop()
        await asyncio.wait_for(serving, TIMEOUT)
    assert server.addresses == ()


async def test_serve_asked_to_stop_while_it_starts_unwinds_and_returns() -> None:
    events: list[str] = []
    both = (lifespan("a", events), lifespan("b", events, gate=asyncio.Event()))
    server = HTTPServer(application(lifespans=both), port=0)
    serving = asyncio.create_task(server.serve())
    await wait_until(lambda: "+b" in events)
    server.request_stop()
    await asyncio.wait_for(serving, TIMEOUT)
    assert events == ["+a", "+b", "-a"]
    assert server.addresses == ()


async def test_serve_cancelled_while_it_starts_is_cancelled() -> None:
    events: list[str] = []
    server = HTTPServer(application(lifespans=(lifespan("a", events, gate=asyncio.Event()),)), port=0)
    serving = asyncio.create_task(server.serve())
    await wait_until(lambda: events)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_serve_cancelled_stops_properly() -> None:
    events: list[str] = []
    server = HTTPServer(application(lifespans=(lifespan("a", events),)), port=0)
    serving = asyncio.create_task(server.serve())
    await wait_until(lambda: server.addresses)
    await answer(server)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert events == ["+a", "-a"]
