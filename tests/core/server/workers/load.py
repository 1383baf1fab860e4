"""A client that sends requests without a pause, and counts those that are not answered."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Tally:
    """What became of the requests.

    Attributes:
        sent: requests that were sent, in part at least.
        answered: those that got a complete answer, and their own.
        connections: how many were opened.
        refused: connections that were not accepted, on which nothing was sent.
        lost: why each of the others was not answered.
    """

    sent: int = 0
    answered: int = 0
    connections: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)


class Load:
    """Clients of a server that answers ``/echo/N`` with N.

    Args:
        host: address of the server.
        port: its port.
        keep_alive: clients that use a connection for as long as it is kept.
        fresh: clients that use a connection for each request.
        pause: seconds that the clients which keep their connection let pass between two requests, at most; the others
            a quarter of it.
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
        """Send inside the block; requests that are under way at its end are waited for."""
        pauses = [self._pause * number / self._kept for number in range(self._kept)]
        async with asyncio.TaskGroup() as group:
            for pause in pauses:
                group.create_task(self._keep_sending(pause))
            for _ in range(self._fresh):
                group.create_task(self._send_each_anew())
            try:
                yield self.tally
            finally:
                self._over.set()

    async def finished(self) -> None:
        """Return when the server accepts nobody any more."""
        await self._refused.wait()

    async def _send_each_anew(self) -> None:
        while not self._over.is_set():
            stream = await self._connect()
            if stream is None:
                return
            try:
                await self._ask(stream, "close")
            finally:
                stream[1].close()
            await asyncio.sleep(self._pause / 4)

    async def _keep_sending(self, pause: float) -> None:
        while not self._over.is_set():
            stream = await self._connect()
            if stream is None:
                return
            try:
                while await self._ask(stream, "keep-alive"):
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

    async def _ask(self, stream: Stream, connection: str) -> bool:
        """Send a request, and tell whether another may follow on the connection."""
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
    """Yield what should not be, in words."""
    yield from tally.lost[:10]
    if tally.sent != tally.answered:
        yield f"{tally.sent} sent, {tally.answered} answered"
