"""One server with listeners of several kinds: limits, TLS and the PROXY protocol apply to all of them."""

import asyncio
import os
import ssl
from pathlib import Path

import pytest

from tests.core.server.certificates import Authority
from tests.core.server.polling import TIMEOUT
from tests.core.server.run.test_server import GET, Gate, application, client, everything
from turnbuckle.server.listen.addresses import Address
from turnbuckle.server.listen.proxied_connection import ProxySettings
from turnbuckle.server.model.capacity import Capacity, FileBudget
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.server.tls.context import TLS
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response


async def ends(request: Request) -> Response:
    return Response(f"{request.scheme} {request.client and request.client[0]} {request.peer.server}")


def _bind(tmp_path: Path) -> list[str]:
    return ["127.0.0.1:0", "127.0.0.2:0", f"unix:{tmp_path}/web.sock"]


async def _answer(address: Address, before: bytes = b"", tls: ssl.SSLContext | None = None) -> bytes:
    async with client(address) as (reader, writer):
        if tls is not None:
            await writer.start_tls(tls, server_hostname="localhost")
        writer.write(before + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        try:
            return (await everything(reader)).rpartition(b"\r\n\r\n")[2]
        except ConnectionError:
            return b""


async def test_each_listener_has_its_own_ends(tmp_path: Path) -> None:
    async with HTTPServer(application(ends), bind=_bind(tmp_path)) as server:
        first, second, unix = server.addresses
        assert first.port != second.port
        assert await _answer(first) == f"http 127.0.0.1 {('127.0.0.1', first.port)}".encode()
        assert await _answer(second) == f"http 127.0.0.1 {('127.0.0.2', second.port)}".encode()
        assert await _answer(unix) == f"http None {tmp_path}/web.sock".encode()


async def test_capacity_counts_the_connections_of_all_listeners(tmp_path: Path) -> None:
    gate = Gate()
    capacity = Capacity(connections=2)
    async with HTTPServer(application(gate, capacity=capacity), bind=_bind(tmp_path)) as server:
        first, second, unix = server.addresses
        async with client(first) as (reader, writer), client(second) as (other_reader, other_writer):
            writer.write(GET)
            other_writer.write(GET)
            await asyncio.wait_for(gate.reached.wait(), TIMEOUT)
            async with client(unix) as (third, _):
                assert (await everything(third)).startswith(b"HTTP/1.1 503 ")
            gate.open.set()
            for served in (reader, other_reader):
                assert (await asyncio.wait_for(served.readline(), TIMEOUT)) == b"HTTP/1.1 200 OK\r\n"


async def test_budget_of_open_files_counts_the_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = []

    def count() -> FileBudget:
        budgets.append(sum(Path(f"/proc/self/fd/{fd}").is_socket() for fd in os.listdir("/proc/self/fd")))
        return FileBudget()

    monkeypatch.setattr("turnbuckle.server.connection.admission.divide_open_files", count)
    for bind in (["127.0.0.1:0"], [f"127.0.0.{host}:0" for host in range(1, 12)]):
        async with HTTPServer(application(), bind=bind):
            pass
    assert budgets[1] - budgets[0] == 10


async def test_stop_serves_the_connections_of_all_listeners(tmp_path: Path) -> None:
    server = HTTPServer(application(), bind=_bind(tmp_path))
    await server.start()
    addresses = server.addresses
    async with client(addresses[0]) as one, client(addresses[1]) as two, client(addresses[2]) as three:
        for _, writer in (one, two, three):
            writer.write(GET)
        await asyncio.wait_for(server.stop(), TIMEOUT)
        for reader, _ in (one, two, three):
            assert (await everything(reader)).endswith(b"hello")


async def test_tls_applies_to_all_listeners(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("localhost")
    async with HTTPServer(application(ends), bind=_bind(tmp_path), tls=TLS(cert=cert, key=key)) as server:
        assert [address.url.partition(":")[0] for address in server.addresses] == ["https", "https", "unix"]
        for address in server.addresses:
            assert (await _answer(address, tls=authority.client_context())).startswith(b"https ")


async def test_proxy_protocol_is_trusted_by_listener(tmp_path: Path) -> None:
    header = b"PROXY TCP4 192.0.2.7 192.0.2.8 1000 80\r\n"
    for trusted, is_trusted in ((("127.0.0.1",), False), (("127.0.0.1", "unix"), True)):
        proxy = ProxySettings(protocol=True, trusted=trusted)
        async with HTTPServer(application(ends), bind=_bind(tmp_path), proxy=proxy) as server:
            answers = [await _answer(address, header) for address in server.addresses]
        proxied = b"http 192.0.2.7 ('192.0.2.8', 80)"
        assert answers == [proxied, proxied, proxied if is_trusted else b""]
