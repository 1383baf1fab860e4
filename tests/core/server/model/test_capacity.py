"""A server limits its connections and requests, and answers the clients that it turns away."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator

import attrs
import pytest

from tests.core.server.serving_in_memory import GET, ServedConnection, hello, post, post_head, serving
from turnbuckle.server.connection.admission import Admission, AdmissionStatus
from turnbuckle.server.model import capacity
from turnbuckle.server.model.capacity import Capacity, open_file_limit, raise_open_file_limit
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.testing.client.connection import Connection
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.upgrade import SwitchProtocols


async def _connect(served: ServedConnection) -> Connection:
    connection = served.server.connect()
    await connection.settle()
    return connection


# -- connections -------------------------------------------------------------------------------------------------------


async def test_connections_are_bounded() -> None:
    async with serving(hello, capacity=Capacity(connections=2, retry_after=7)) as served:
        second, third = await _connect(served), await _connect(served)
        assert (second.statuses, third.statuses) == ([], [503])
        assert b"\r\nRetry-After: 7\r\n" in third.received
        assert b"\r\nConnection: close\r\n" in third.received
        assert b"\r\nDate: " in third.received
        assert third.is_closed
        await second.close()
        fourth = await _connect(served)
        await fourth.send(GET)
        assert fourth.statuses == [200]


async def test_connection_that_is_turned_away_gets_to_read_why() -> None:
    async with serving(hello, capacity=Capacity(connections=1)) as served:
        late = served.server.connect()
        await late.send(GET)
        assert late.statuses == [503]
        assert not late.is_lost
        await served.advance(3)
        assert late.is_lost


async def test_connections_that_are_turned_away_by_the_score_get_no_answer() -> None:
    async with serving(hello, capacity=Capacity(connections=1)) as served:
        late = [await _connect(served) for _ in range(34)]
        assert [connection.statuses for connection in late[-3:]] == [[503], [], []]
        assert late[-1].is_lost
        await served.advance(3)
        assert (await _connect(served)).statuses == [503]


async def test_connections_of_one_address_are_bounded() -> None:
    async with serving(hello, capacity=Capacity(connections_per_address=2)) as served:
        second, third = await _connect(served), await _connect(served)
        assert (second.statuses, third.statuses) == ([], [429])
        assert b"\r\nRetry-After: 5\r\n" in third.received
        await second.reset()
        assert (await _connect(served)).statuses == []


async def test_connection_that_switched_counts_until_it_is_lost() -> None:
    async def switch(request: Request) -> Response:
        return SwitchProtocols("other", asyncio.Protocol)

    async with serving(switch, capacity=Capacity(connections=1)) as served:
        await served.send(GET[:-2] + b"Connection: upgrade\r\nUpgrade: other\r\n\r\n")
        assert served.statuses == [101]
        assert (await _connect(served)).statuses == [503]
        await served.connection.reset()
        assert (await _connect(served)).statuses == []


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", 429, id="ipv4"),
        pytest.param("192.0.2.1", "192.0.2.2", 0, id="other-ipv4"),
        pytest.param("192.0.2.1", "::ffff:192.0.2.1", 429, id="ipv4-mapped"),
        pytest.param("2001:db8::1", "2001:db8::ffff:1", 429, id="same-64"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", 0, id="other-64"),
        pytest.param("10.1.2.3", "10.1.2.3", 0, id="exempt-network"),
        pytest.param("2001:db8:5::1", "2001:db8:5::1", 0, id="exempt-address"),
        pytest.param("198.51.100.7", "::ffff:198.51.100.7", 0, id="exempt-mapped-network"),
        pytest.param("", "", 0, id="no-address"),
    ],
)
def test_addresses_are_counted(first: str, second: str, status: int) -> None:
    admission = Admission(
        Capacity(connections_per_address=1, exempt=("10.0.0.0/8", "2001:db8:5::1", "::ffff:198.51.100.0/120"))
    )
    assert admission.enter(_peer(first)) == 0
    assert admission.enter(_peer(second)) == status
    admission.leave(_peer(first), AdmissionStatus.ADMITTED)
    assert admission.enter(_peer(first)) == 0


def _peer(address: str) -> Peer:
    return Peer((address, 1) if address else None)


def test_connections_leave_files_for_others() -> None:
    files = open_file_limit()
    admission = Admission(Capacity())
    entered = sum(admission.enter(Peer()) == 0 for _ in range(files))
    assert entered == admission.files.connections <= files - files // 8


@pytest.mark.parametrize("limit", [64, 128, 256, 1024])
def test_few_files_are_divided_so_that_the_app_has_some(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "open_file_limit", lambda: limit)
    monkeypatch.setattr(capacity, "_open_files", lambda: 16)
    budget = capacity.divide_open_files()
    app = limit - 16 - budget.connections - budget.rejections - budget.accepted
    assert app >= min(64, (limit - 16) // 2)
    assert min(budget.connections, budget.rejections, budget.accepted) >= 1


def test_no_files_at_all_leave_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "open_file_limit", lambda: 8)
    monkeypatch.setattr(capacity, "_open_files", lambda: 16)
    assert capacity.divide_open_files() == capacity.FileBudget(connections=1, rejections=1, accepted=1)


@pytest.mark.parametrize("exempt", ["10.0.0", "example.com", "10.0.0.0/33"])
def test_capacity_refuses_what_is_no_network(exempt: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 network"):
        Capacity(exempt=(exempt,))


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Capacity) if field.name != "exempt"])
def test_capacity_refuses_less_than_nothing(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Capacity(**{name: -1})  # type: ignore[arg-type]  # one of several names


# -- requests ----------------------------------------------------------------------------------------------------------


async def test_last_request_of_a_connection_announces_its_end() -> None:
    async with serving(hello, capacity=Capacity(requests_per_connection=2)) as served:
        await served.send(GET)
        assert b"Connection: close" not in served.connection.received
        await served.send(GET + GET)
        assert served.statuses == [200, 200]
        assert served.connection.received.count(b"\r\nConnection: close\r\n") == 1
        assert served.is_closed
        # It has asked for more, and gets to read the last response before the connection is gone.
        assert not served.connection.is_lost


class _Gated:
    """A handler that waits until it may go on."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        await self.gate.wait()
        return Response("done")


async def test_requests_at_a_time_are_bounded() -> None:
    handler = _Gated()
    async with serving(handler, capacity=Capacity(concurrent_requests=1, retry_after=3)) as served:
        await served.send(GET)
        other = await _connect(served)
        await other.send(GET)
        assert other.statuses == [503]
        assert b"\r\nRetry-After: 3\r\n" in other.received
        assert not other.is_closed
        handler.gate.set()
        await served.connection.settle()
        await other.send(GET)
        assert (served.statuses, other.statuses) == ([200], [503, 200])


async def test_requests_of_a_pipeline_take_one_slot() -> None:
    async with serving(hello, capacity=Capacity(concurrent_requests=1)) as served:
        await served.send(GET * 5)
        other = await _connect(served)
        await other.send(GET)
        assert (served.statuses, other.statuses) == ([200] * 5, [200])


async def test_requests_that_are_too_many_are_answered_in_a_pipeline() -> None:
    handler = _Gated()
    async with serving(handler, capacity=Capacity(concurrent_requests=1)) as served:
        await served.send(GET)
        other = await _connect(served)
        await other.send(GET * 100 + GET.replace(b"GET", b"HEAD"))
        assert other.statuses.count(503) >= 100
        assert other.received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(post(b"content"), id="content"),
        pytest.param(post_head(7), id="content-to-come"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="http-1.0"),
        pytest.param(GET[:-2] + b"Connection: close\r\n\r\n", id="asked-for"),
    ],
)
async def test_request_that_is_too_many_ends_its_connection_where_it_must(data: bytes) -> None:
    handler = _Gated()
    async with serving(handler, capacity=Capacity(concurrent_requests=1)) as served:
        await served.send(GET)
        other = await _connect(served)
        await other.send(data)
        assert other.statuses == [503]
        assert b"\r\nConnection: close\r\n" in other.received
        assert other.is_closed


@pytest.mark.parametrize("cancels", [True, False])
async def test_slot_of_a_lost_connection_is_free_when_its_handler_ends(cancels: bool) -> None:
    handler = _Gated()
    capacity = Capacity(concurrent_requests=1)
    async with serving(handler, capacity=capacity, cancel_on_disconnect=cancels) as served:
        await served.send(GET)
        await served.connection.reset()
        other = await _connect(served)
        await other.send(GET)
        assert other.statuses == ([] if cancels else [503])
        handler.gate.set()
        await other.settle()
        await other.send(GET)
        assert other.statuses[-1] == 200


async def test_handler_deadline_says_when_to_come_again() -> None:
    async with serving(_Gated(), timeouts=Timeouts(handler=1), capacity=Capacity(retry_after=9)) as served:
        await served.send(GET)
        await served.advance(2)
        assert served.statuses == [503]
        assert b"\r\nRetry-After: 9\r\n" in served.connection.received


async def test_retry_after_can_be_left_out() -> None:
    async with serving(hello, capacity=Capacity(connections=1, retry_after=0)) as served:
        late = await _connect(served)
        assert late.statuses == [503]
        assert b"Retry-After" not in late.received


async def test_pipeline_is_read_no_further_than_its_bound() -> None:
    handler = _Gated()
    async with serving(handler, capacity=Capacity(pipeline=100)) as served:
        await served.connection.send(GET)
        for _ in range(20):
            await served.connection.send(GET)
        assert served.connection.undelivered > 10 * len(GET)
        handler.gate.set()
        await served.connection.settle()
        assert served.statuses == [200] * 21


# -- open files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def lowered() -> Iterator[int]:
    """Lower the limit of open files for a test; return the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_limit_of_open_files_is_known(lowered: int) -> None:
    assert open_file_limit() == 512


def test_limit_of_open_files_is_raised_as_far_as_may_be(lowered: int) -> None:
    raise_open_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (lowered, lowered)
    raise_open_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (lowered, lowered)
