"""Clients that send requests without a pause, and count the requests that are not answered."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Tally:
    """The outcome of the requests.

    Attributes:
        sent: requests that were sent, at least in part.
        answered: requests with a complete and correct answer.
        connections: how many were opened.
        refused: connections that were not accepted, on which no request was sent.
        lost: the failure of each other request, in words.
    """

    sent: int = 0
    answered: int = 0
    connections: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)


class LoadGenerator:
    """Clients of a server that answers ``/echo/N`` with N.

    Args:
        host: address of the server.
        port: its port.
        keep_alive: number of clients that keep their connection.
        fresh: number of clients that open a connection for each request.
        pause: maximum seconds between two requests of a client that keeps its connection; other clients pause a quarter
            of it.
    """

    def __init__(self, host: str, port: int, *, keep_alive: int = 6, fresh: int = 2, pause: float = 0.02) -> None:
        self._address = (host, port)
        self._kept = keep_alive
        self._fresh = fresh
        self._pause = pause
        self._numbers = itertools.count()
        self._over = asyncio.Event()
        self._refused = asyncio.Event()
        self.tally = Tally()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Tally]:
        """Send inside the block; at its end, wait for the requests in flight."""
        pauses = [self._pause * number / self._kept for number in range(self._kept)]
        async with asyncio.TaskGroup() as group:
            for pause in pauses:
                group.create_task(self._send_on_one_connection(pause))
            for _ in range(self._fresh):
                group.create_task(self._send_on_fresh_connections())
            try:
                yield self.tally
            finally:
                self._over.set()

    async def finished(self) -> None:
        """Return when the server no longer accepts connections."""
        await self._refused.wait()

    async def _send_on_fresh_connections(self) -> None:
        while not self._over.is_set():
            stream = await self._connect()
            if stream is None:
                return
            try:
                await self._request(stream, "close")
            finally:
                stream[1].close()
            await asyncio.sleep(self._pause / 4)

    async def _send_on_one_connection(self, pause: float) -> None:
        while not self._over.is_set():
            stream = await self._connect()
            if stream is None:
                return
            try:
                while await self._request(stream, "keep-alive"):
                    await asyncio.sleep(pause)
                    if self._over.is_set():
                        return
            finally:
                stream[1].close()

    async def _connect(self) -> Stream | None:
        try:
            stream = await asyncio.open_connection(*self._address)
        except ConnectionRefusedError:
            self.tally.refused += 1
            self._refused.set()
            return None
        self.tally.connections += 1
        return stream

    async def _request(self, stream: Stream, connection: str) -> bool:
        """Send a request; return whether another may follow on the connection."""
        number = str(next(self._numbers))
        self.tally.sent += 1
        try:
            stream[1].write(f"GET /echo/{number} HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n".encode())
            head = (await stream[0].readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            content = await stream[0].readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.tally.lost.append(f"{number}: {type(error).__name__}: {error}")
            return False
        if content.decode() != number:
            self.tally.lost.append(f"{number}: answered with {head} {content!r}")
            return False
        self.tally.answered += 1
        return "connection: close" not in head


def problems(tally: Tally) -> Iterator[str]:
    """Yield the failures, in words."""
    yield from tally.lost[:10]
    if tally.sent != tally.answered:
        yield f"{tally.sent} sent, {tally.answered} answered"
