"""The PROXY protocol over real sockets, on both loops: trusted and other peers, the facts for handlers, bad headers."""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.core.server.certificates import Authority
from tests.core.server.polling import TIMEOUT
from tests.core.server.threaded_server import LOOPS, ThreadedServer, threaded_server
from turnbuckle.server.listen.proxied_connection import ProxySettings
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.tls.context import TLS
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import JSON, Response

LAST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
TEXT = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"
BINARY = bytes.fromhex("0d0a0d0a000d0a515549540a 2111 000c c0000201 c6336402 dc04 01bb")
LOCAL = bytes.fromhex("0d0a0d0a000d0a515549540a 2000 0000")
SEEN = b'{"client":["192.0.2.1",56324],"server":["198.51.100.2",443]}'
HERE = ProxySettings(protocol=True, trusted=("127.0.0.1",))

pytestmark = pytest.mark.parametrize("loop", LOOPS)


async def ends(request: Request) -> Response:
    return JSON({"client": request.client, "server": request.server})


def everything(client: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while data := client.recv(65536):
            received += data
    return received


def answer(served: ThreadedServer, data: bytes) -> bytes:
    with served.connect() as client:
        with suppress(ConnectionError):
            client.sendall(data)
        return everything(client)


@pytest.mark.parametrize("header", [TEXT, BINARY])
def test_handler_sees_the_addresses_that_the_proxy_sent(loop: str, header: bytes) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE) as served:
        assert answer(served, header + LAST).endswith(SEEN)


@pytest.mark.parametrize("header", [TEXT, BINARY])
def test_header_may_come_byte_by_byte(loop: str, header: bytes) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE) as served, served.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header + LAST:
            client.sendall(bytes([byte]))
        assert everything(client).endswith(SEEN)


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n"])
def test_connection_of_the_proxy_itself_has_its_own_ends(loop: str, header: bytes) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE) as served:
        assert b'"client":["127.0.0.1",' in answer(served, header + LAST)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(LAST, id="no-header"),
        pytest.param(b"PROXY TCP4 nonsense\r\n" + LAST, id="malformed"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="tls"),
        pytest.param(b"PROXY " + b"x" * 200, id="endless"),
    ],
)
def test_proxy_without_a_header_is_cut_off(loop: str, data: bytes) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE) as served:
        assert answer(served, data) == b""
        assert served.has_no_connections()


def test_second_header_is_no_request(loop: str) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE) as served:
        assert answer(served, TEXT + TEXT + LAST).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("data", [TEXT + LAST, LAST], ids=["with-header", "without"])
def test_untrusted_peer_is_disconnected(loop: str, data: bytes) -> None:
    with threaded_server(ends, loop=loop, proxy=ProxySettings(protocol=True, trusted=("10.0.0.0/8",))) as served:
        assert answer(served, data) == b""
        assert served.has_no_connections()


def test_header_means_nothing_where_it_is_not_expected(loop: str) -> None:
    with threaded_server(ends, loop=loop) as served:
        assert answer(served, TEXT + LAST).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("sent", [b"", TEXT[:20], BINARY[:14]], ids=["nothing", "text", "binary"])
def test_header_that_stalls_is_cut_by_the_deadline_of_the_head(loop: str, sent: bytes) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE, timeouts=Timeouts(head=0.2)) as served:
        assert answer(served, sent) == b""
        assert served.has_no_connections()


def test_header_and_head_have_one_deadline(loop: str) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE, timeouts=Timeouts(head=0.3)) as served:
        assert answer(served, TEXT + b"GET / HT").startswith(b"HTTP/1.1 408 ")


def test_unix_socket_is_trusted_by_name(loop: str, tmp_path: Path) -> None:
    trusting = ProxySettings(protocol=True, trusted=("unix",))
    with threaded_server(ends, loop=loop, unix=str(tmp_path / "s"), proxy=trusting) as served:
        assert answer(served, TEXT + LAST).endswith(SEEN)


def test_unix_socket_is_not_trusted_by_address(loop: str, tmp_path: Path) -> None:
    with threaded_server(ends, loop=loop, unix=str(tmp_path / "s"), proxy=HERE) as served:
        assert answer(served, TEXT + LAST) == b""


@pytest.mark.parametrize("is_together", [True, False])
def test_handshake_of_tls_follows_the_header(loop: str, tmp_path: Path, is_together: bool) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("localhost")
    with threaded_server(ends, loop=loop, proxy=HERE, tls=TLS(cert=cert, key=key)) as served:
        plain = served.connect()
        if is_together:
            # What follows leaves in the same segment.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        plain.sendall(TEXT)
        with authority.client_context().wrap_socket(
            plain, server_hostname="localhost", do_handshake_on_connect=False
        ) as client:
            if is_together:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
            client.do_handshake()
            client.sendall(LAST)
            assert everything(client).endswith(SEEN)


def test_connections_are_counted_by_the_address_that_the_proxy_sends(loop: str) -> None:
    one = Capacity(connections_per_address=1)
    other = TEXT.replace(b"192.0.2.1 ", b"192.0.2.9 ")
    with threaded_server(ends, loop=loop, proxy=HERE, capacity=one) as served, served.connect() as first:
        first.sendall(TEXT + LAST.replace(b"close", b"keep-alive"))
        assert first.recv(1000).endswith(SEEN)
        assert answer(served, TEXT + LAST).startswith(b"HTTP/1.1 429 ")
        assert answer(served, other + LAST).startswith(b"HTTP/1.1 200 ")


def test_header_counts_as_a_connection_while_it_is_awaited(loop: str) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE, capacity=Capacity(connections=1)) as served:
        with served.connect() as first:
            first.sendall(TEXT + LAST.replace(b"close", b"keep-alive"))
            assert first.recv(1000).endswith(SEEN)
            assert answer(served, TEXT + LAST) == b""
        assert served.has_no_connections()
        assert answer(served, TEXT + LAST).endswith(SEEN)


def test_stop_does_not_wait_for_a_header(loop: str) -> None:
    with threaded_server(ends, loop=loop, proxy=HERE) as served:
        client = served.connect()
        client.sendall(TEXT[:10])
    with client:
        assert everything(client) == b""


def test_curl_speaks_it(loop: str) -> None:
    curl = shutil.which("curl")
    assert curl, "curl is needed"
    with threaded_server(ends, loop=loop, proxy=HERE) as served:
        command = [curl, "--silent", "--show-error", "--haproxy-protocol", served.server.addresses[0].url]
        result = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    assert result.returncode == 0, result.stderr
    assert b'"client":["127.0.0.1",' in result.stdout


@pytest.mark.parametrize("trusted", [(), ("localhost",), ("10.0.0.1/8",)])
def test_settings_without_trusted_proxies_are_refused(loop: str, trusted: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ProxySettings(protocol=True, trusted=trusted)
