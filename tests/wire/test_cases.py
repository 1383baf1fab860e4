"""Raw cases through the whole server with each parser: the same verdict, however the bytes are cut.

Each case is sent whole, byte by byte, and with another request behind it, which is answered on a connection that is
kept and dropped on one that is closed. Then it is cut in two at every place of its head and, where it is short, of its
content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import pytest

from tests.wire.cases import NEXT, Case
from tests.wire.connections import CONNECTIONS, EXPECTATIONS, PIPELINES, RESPONSES, UPGRADES
from tests.wire.content import CHUNKS, CODINGS, EXTENSIONS, LENGTHS, TRAILERS
from tests.wire.field_lines import FIELDS, HOSTS, LINE_ENDS
from tests.wire.request_lines import METHODS, OTHER_PROTOCOLS, REQUEST_LINES, TARGETS, VERSIONS
from tests.wire.serving import PARSERS, check_exchange, client_with
from turnbuckle.testing import RawExchange
from turnbuckle.testing.parsing.variants import byte_by_byte, pairs
from turnbuckle.testing.transport.activity import turns

GROUPS: Mapping[str, Mapping[str, Case]] = {
    "method": METHODS,
    "target": TARGETS,
    "version": VERSIONS,
    "line": REQUEST_LINES,
    "protocol": OTHER_PROTOCOLS,
    "host": HOSTS,
    "field": FIELDS,
    "line-end": LINE_ENDS,
    "length": LENGTHS,
    "coding": CODINGS,
    "chunk": CHUNKS,
    "extension": EXTENSIONS,
    "trailer": TRAILERS,
    "connection": CONNECTIONS,
    "expect": EXPECTATIONS,
    "upgrade": UPGRADES,
    "pipeline": PIPELINES,
    "response": RESPONSES,
}
CASES = {f"{group}-{name}": case for group, cases in GROUPS.items() for name, case in cases.items()}

# Longer ones are not dripped, nor cut everywhere: time goes with the square of the length.
_MAX_DRIP = 1500
_MAX_CUT = 260
# More bytes would be a part of their content or of a request that is not complete.
_OPEN_ENDED = {"pipeline-half-then-nothing", "expect-continue-waiting", "expect-continue-waiting-for-chunks"}
# Connections of one server: with thousands, most of the time would go to the garbage collector, which visits them all.
_BATCH = 300
# Enough to deliver a piece, and to begin the response to the request that it completes.
_TURNS_PER_PIECE = 3


def test_there_are_cases_by_the_hundred() -> None:
    assert len(CASES) >= 600


@cache
def outcomes(parser: str) -> Mapping[str, tuple[RawExchange, RawExchange]]:
    """Return the exchange of every case, and of every case with another request behind it."""

    async def run() -> Mapping[str, tuple[RawExchange, RawExchange]]:
        async with client_with(parser) as client:
            sent = {name: (client.connect(), client.connect()) for name in CASES}
            for name, (alone, with_another) in sent.items():
                alone.post(CASES[name].data)
                with_another.post(CASES[name].data + NEXT)
            # All at once: waiting until nothing more happens takes its time.
            await client.settle()
            return {name: (one.exchange(), other.exchange()) for name, (one, other) in sent.items()}

    return asyncio.run(run())


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    followed = case if case.is_closed else case._replace(statuses=(*case.statuses, 200))
    for parser in PARSERS:
        alone, with_another = outcomes(parser)[name]
        check_exchange(alone, case, parser)
        if case.statuses and name not in _OPEN_ENDED:
            check_exchange(with_another, followed, parser)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("group", GROUPS)
async def test_cases_byte_by_byte(parser: str, group: str) -> None:
    cases = [case.data for case in GROUPS[group].values() if len(case.data) <= _MAX_DRIP]
    await check_cuts(parser, [(data, byte_by_byte(data)) for data in cases])


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("group", GROUPS)
async def test_cases_cut_in_two_anywhere(parser: str, group: str) -> None:
    cases = [case.data for case in GROUPS[group].values() if len(case.data) <= _MAX_CUT]
    await check_cuts(parser, list(first_pieces(cases)))


def first_pieces(cases: Sequence[bytes]) -> Iterator[tuple[bytes, Sequence[bytes]]]:
    """Cut each case at every place, except where another case began with the same bytes."""
    seen: set[bytes] = set()
    for data in cases:
        for pieces in pairs(data):
            if pieces[0] not in seen:
                seen.add(pieces[0])
                yield data, pieces


async def check_cuts(parser: str, cuts: Sequence[tuple[bytes, Sequence[bytes]]]) -> None:
    """Fail unless the bytes that come back are those that come back when all is sent in one piece."""
    cases = list(dict.fromkeys(data for data, _ in cuts))
    wholes = dict(zip(cases, await send_all(parser, [[data] for data in cases]), strict=True))
    for start in range(0, len(cuts), _BATCH):
        batch = cuts[start : start + _BATCH]
        for (data, pieces), found in zip(batch, await send_all(parser, [pieces for _, pieces in batch]), strict=True):
            assert found == wholes[data], f"{data!r} sent as {pieces!r}"
            assert not found.was_reset


class Received(NamedTuple):
    """What a client has of the server at the end."""

    data: bytes
    is_closed: bool
    was_reset: bool


async def send_all(parser: str, cases: Sequence[Sequence[bytes]]) -> Sequence[Received]:
    """Send cases at once, each over a separate connection: every first piece, then every second, and so on."""
    async with client_with(parser) as client:
        sent = [(client.connect(), pieces) for pieces in cases]
        for number in range(max(map(len, cases))):
            for connection, pieces in sent:
                if number < len(pieces):
                    connection.post(pieces[number])
            await turns(_TURNS_PER_PIECE)
        await client.settle()
        return [Received(connection.received, connection.is_closed, connection.was_reset) for connection, _ in sent]
