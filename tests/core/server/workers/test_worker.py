"""A worker follows the commands of its supervisor and reports to it; the test plays the supervisor."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.core.server.polling import wait_until
from tests.core.server.run.test_server import GET, TIMEOUT, Gate, answer, application, client
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.server.workers import worker as worker_module
from turnbuckle.server.workers.channel import Channel
from turnbuckle.server.workers.process_env import WORKER, WorkerEnvironment
from turnbuckle.server.workers.worker import Worker, resident_memory
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler


@asynccontextmanager
async def supervised(
    handle: Handler | None = None, *, clock: FakeClock | None = None, **place: Any
) -> AsyncIterator[tuple[Channel, HTTPServer, asyncio.Task[None]]]:
    """Serve as a worker; yield the supervisor's end of the channel, the server, and the task that serves."""
    ours, theirs = socket.socketpair()
    worker = Worker(WorkerEnvironment(channel=theirs.detach(), fds=(), **place))
    served = worker.with_request_count(application(handle) if handle else application())
    server = HTTPServer(served, port=0, clock=clock)
    with ours:
        serving = asyncio.create_task(worker.serve(server))
        channel = Channel(ours)
        try:
            await wait_until(lambda: server.addresses)
            yield channel, server, serving
        finally:
            serving.cancel()
            await asyncio.wait([serving])


async def test_worker_reports_that_it_serves_and_sends_heartbeats() -> None:
    clock = FakeClock()
    async with supervised(clock=clock, counts_requests=True, heartbeat_interval=1.0) as (channel, server, _):
        await wait_until(lambda: channel.receive() == [{"ready": True}, {"requests": 0, "memory": 0}])
        await answer(server)
        await answer(server)
        await clock.advance(1.0)
        assert channel.receive() == [{"requests": 2, "memory": 0}]


async def test_worker_reports_its_memory_when_asked_and_counts_nothing_unless_asked() -> None:
    clock = FakeClock()
    async with supervised(clock=clock, reports_memory=True) as (channel, server, _):
        await answer(server)
        await clock.advance(1.0)
        last = channel.receive()[-1]
        assert last["requests"] == 0
        assert last["memory"] > 1_000_000


@pytest.mark.parametrize("how", ["message", "signal", "end of the supervisor"])
async def test_worker_finishes_its_requests_when_stopped_or_without_a_supervisor(how: str) -> None:
    gate = Gate()
    async with supervised(gate) as (channel, server, serving):
        async with client(server.addresses[0]) as (reader, writer):
            writer.write(GET)
            await asyncio.wait_for(gate.reached.wait(), TIMEOUT)
            for _ in range(2):
                # The second time changes nothing: it may come from the supervisor and from a service manager.
                if how == "message":
                    channel.send(stop=True)
                elif how == "signal":
                    os.kill(os.getpid(), signal.SIGTERM)
                else:
                    channel.close()
            await wait_until(lambda: not server.addresses)
            gate.open.set()
            assert (await asyncio.wait_for(reader.read(), TIMEOUT)).endswith(b"late")
        await asyncio.wait_for(asyncio.shield(serving), TIMEOUT)


async def test_worker_that_is_cut_off_does_not_wait() -> None:
    gate = Gate()
    async with supervised(gate) as (channel, server, serving), client(server.addresses[0]) as (_, writer):
        writer.write(GET)
        await asyncio.wait_for(gate.reached.wait(), TIMEOUT)
        channel.send(abort=True)
        await asyncio.wait_for(asyncio.shield(serving), TIMEOUT)
        assert not gate.open.is_set()


def test_worker_is_taken_from_the_environment_and_refuses_with_a_reason() -> None:
    ours, theirs = socket.socketpair()
    before = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
    }
    environ = {WORKER: WorkerEnvironment(channel=theirs.detach(), fds=(7,)).to_json(), "HOME": "/"}
    try:
        worker = Worker.take_from(environ)
        # Signals for the supervisor reach the whole process group.
        os.kill(os.getpid(), signal.SIGHUP)
        worker.refuse("error: no")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert environ == {"HOME": "/"}
    assert (worker.fds, worker.has_served) == ((7,), False)
    with ours:
        assert Channel(ours).receive() == [{"refused": "error: no"}]


async def test_counted_application_answers_as_before() -> None:
    async def hello(request: Request) -> Response:
        return Response("hello")

    async with supervised(hello, counts_requests=True) as (_, server, _):
        assert (await answer(server)).endswith(b"hello")


def test_resident_memory_grows_with_allocated_bytes() -> None:
    before = resident_memory()
    held = bytearray(b"x" * 50_000_000)
    assert resident_memory() - before > 20_000_000
    assert len(held) == 50_000_000


def test_maximum_memory_is_reported_where_the_system_has_no_current_value(monkeypatch: pytest.MonkeyPatch) -> None:
    now = resident_memory()
    monkeypatch.setattr(worker_module, "_STATM", Path("/none"))
    assert resident_memory() > now / 2
