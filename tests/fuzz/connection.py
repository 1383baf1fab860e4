"""Fuzz the whole connection in memory with each parser: all must give the same valid answers.

``python -m tests.fuzz.connection --minutes 30``
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import zlib
from contextlib import AsyncExitStack
from typing import NamedTuple

from tests.fuzz.driver import Check, Disagreement, fuzz
from tests.wire.serving import PARSERS, client_with
from turnbuckle.testing import Client, Connection
from turnbuckle.testing.parsing.variants import cut
from turnbuckle.testing.transport.activity import turns

__all__ = ["make_check"]

_QUIET_TURNS = 12

# The parser may decide which of several faults it finds first.
_REFUSALS = frozenset({400, 413, 414, 431, 501, 505})


class Seen(NamedTuple):
    """The result of a connection."""

    statuses: list[int]
    contents: list[bytes]
    is_closed: bool


def make_check() -> Check:
    """Return the check."""
    logging.disable(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    clients = loop.run_until_complete(_open_clients())
    return lambda data: loop.run_until_complete(_check(clients, data))


async def _open_clients() -> dict[str, Client]:
    stack = AsyncExitStack()
    return {name: await stack.enter_async_context(client_with(name)) for name in PARSERS}


async def _check(clients: dict[str, Client], data: bytes) -> list[str]:
    pieces = _pieces(data)
    whole = {name: client.connect() for name, client in clients.items()}
    parts = {name: client.connect() for name, client in clients.items()}
    for connection in whole.values():
        connection.post(data)
    for piece in pieces:
        for connection in parts.values():
            connection.post(piece)
        await turns(3)
    connections = [*whole.values(), *parts.values()]
    await _settle(clients, connections)
    permitted = _compare(whole, parts, "", pieces)
    # After the end of the input, no connection may stay open.
    for connection in connections:
        connection._peer.send_eof()
    await _settle(clients, connections)
    permitted += _compare(whole, parts, "at the end: ", pieces)
    for name, connection in (*whole.items(), *parts.items()):
        if not connection.is_closed:
            raise Disagreement(f"{name} is still open after the end of input")
        connection.leave()
    await _settle(clients, connections)
    return permitted


async def _settle(clients: dict[str, Client], connections: list[Connection]) -> None:
    """Wait until there is no more output; the app runs on this loop only, and no handler waits for other things."""
    before = -1
    while before != (now := sum(len(connection.received) + connection.is_closed for connection in connections)):
        before = now
        await turns(_QUIET_TURNS)
    for client in clients.values():
        client.server.activity.check()


def _compare(whole: dict[str, Connection], parts: dict[str, Connection], when: str, pieces: list[bytes]) -> list[str]:
    first = whole["h1"]
    expected = _seen(first)
    permitted = []
    for name, connection in (*whole.items(), *((f"{name} split", part) for name, part in parts.items())):
        if (connection.received, connection.is_closed) == (first.received, first.is_closed):
            continue
        seen = _seen(connection)
        if seen == expected:
            continue
        if not _differ_only_in_refusal(seen, expected):
            raise Disagreement(f"{when}h1: {expected}\n{name}: {seen}\npieces {pieces!r}")
        permitted.append(f"{name}: status")
    return permitted


def _seen(connection: Connection) -> Seen:
    exchange = connection.exchange()
    # Whether 100 is sent depends on the arrival of the content.
    statuses = [status for status in exchange.statuses if status != 100]
    if exchange.is_cut:
        raise Disagreement(f"a response was cut: {exchange.received!r}")
    return Seen(
        statuses, [response.content for response in exchange.responses if response.status < 400], exchange.is_closed
    )


def _differ_only_in_refusal(one: Seen, other: Seen) -> bool:
    last = {*one.statuses[-1:], *other.statuses[-1:]}
    return (one.statuses[:-1], one.contents, one.is_closed) == (
        other.statuses[:-1],
        other.contents,
        other.is_closed,
    ) and last <= _REFUSALS


def _pieces(data: bytes) -> list[bytes]:
    if len(data) < 2:
        return [data]
    chance = random.Random(zlib.crc32(data))
    return cut(data, [chance.randrange(1, len(data)) for _ in range(chance.randint(1, 5))])


if __name__ == "__main__":
    sys.exit(fuzz(make_check))
