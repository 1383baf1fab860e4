"""TLS over real sockets, on both loops: negotiation, refusals, and cleaning up after failed handshakes."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.core.server.certificates import Authority
from tests.core.server.polling import TIMEOUT
from tests.core.server.streams.line_protocol import LineConnection
from tests.core.server.threaded_server import LOOPS, ThreadedServer, threaded_server
from turnbuckle.errors import TLSError
from turnbuckle.http.limits import Limits
from turnbuckle.server.model.clock import Timer
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.server.streams.link import ProtocolLink
from turnbuckle.server.tls.context import TLS
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import JSON, Response

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

pytestmark = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def tls(authority: Authority) -> TLS:
    cert, key = authority.issue("localhost", "127.0.0.1")
    return TLS(cert=cert, key=key)


async def describe(request: Request) -> Response:
    tls, shown = request.tls, request.client_certificate
    return JSON(
        {
            "scheme": request.scheme,
            "url": request.url,
            "version": tls.version if tls else "",
            "alpn": tls.alpn if tls else "",
            "client": shown.common_name if shown else "",
            "names": shown.alternative_names if shown else (),
        }
    )


async def hello(request: Request) -> Response:
    return Response("hello")


async def read(request: Request) -> Response:
    return Response(str(len(await request.read())))


def secured(served: ThreadedServer, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(served.connect(), server_hostname="localhost")


def everything(client: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionError, ssl.SSLError):
        while data := client.recv(65536):
            received += data
    return received


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def test_request_is_https(loop: str, authority: Authority, tls: TLS) -> None:
    with threaded_server(describe, loop=loop, tls=tls) as served:
        assert served.server.addresses[0].url.startswith("https://127.0.0.1:")
        with secured(served, authority.client_context()) as client:
            client.sendall(LAST)
            response = everything(client)
    assert b'"scheme":"https","url":"https://localhost/","version":"TLSv1.3","alpn":"","client":""' in response


def test_connection_is_kept_and_pipelined(loop: str, authority: Authority, tls: TLS) -> None:
    with threaded_server(hello, loop=loop, tls=tls) as served, secured(served, authority.client_context()) as client:
        client.sendall(GET)
        assert client.recv(1000).endswith(b"hello")
        client.sendall(GET + GET + LAST)
        assert everything(client).count(b"\r\n\r\nhello") == 3


def test_request_right_behind_the_handshake_is_answered(loop: str, authority: Authority, tls: TLS) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secure = authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with threaded_server(hello, loop=loop, tls=tls) as served, served.connect() as client:
        while True:
            try:
                secure.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.sendall(outgoing.read())
                data = client.recv(65536)
                assert data, "closed during the handshake"
                incoming.write(data)
        secure.write(LAST)
        # What ends the handshake and the request leave in one segment.
        client.sendall(outgoing.read())
        incoming.write(everything(client))
    assert secure.read(65536).endswith(b"hello")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        pytest.param(["http/1.1"], "http/1.1", id="http11"),
        pytest.param(["h2", "http/1.1"], "http/1.1", id="both"),
        pytest.param([], None, id="none"),
    ],
)
def test_alpn_is_agreed_on(loop: str, authority: Authority, tls: TLS, offered: list[str], chosen: str | None) -> None:
    with (
        threaded_server(describe, loop=loop, tls=tls) as served,
        secured(served, authority.client_context(alpn=offered)) as client,
    ):
        assert client.selected_alpn_protocol() == chosen
        client.sendall(LAST)
        assert f'"alpn":"{chosen or ""}"'.encode() in everything(client)


def test_client_certificate_is_seen_by_the_handler(loop: str, authority: Authority, tls: TLS) -> None:
    mine = authority.issue("alice@example.com", to="alice", common_name="Alice")
    wanted = TLS(cert=tls.cert, key=tls.key, client_ca=authority.file, client_certificates="required")
    with (
        threaded_server(describe, loop=loop, tls=wanted) as served,
        secured(served, authority.client_context(mine)) as client,
    ):
        client.sendall(LAST)
        assert b'"client":"Alice","names":[["email","alice@example.com"]]' in everything(client)


def test_client_certificate_may_be_optional(loop: str, authority: Authority, tls: TLS) -> None:
    wanted = TLS(cert=tls.cert, key=tls.key, client_ca=authority.file, client_certificates="optional")
    with (
        threaded_server(describe, loop=loop, tls=wanted) as served,
        secured(served, authority.client_context()) as client,
    ):
        client.sendall(LAST)
        assert b'"client":""' in everything(client)


@pytest.mark.parametrize(("mode", "is_shown"), [("required", False), ("required", True), ("optional", True)])
def test_client_without_a_certificate_that_can_be_checked_is_refused(
    loop: str, authority: Authority, tls: TLS, mode: str, is_shown: bool
) -> None:
    wanted = TLS(cert=tls.cert, key=tls.key, client_ca=authority.file, client_certificates=mode)
    context = authority.client_context()
    if is_shown:
        strange = authority.folder / "strange"
        strange.mkdir()
        context.load_cert_chain(*Authority(strange).issue("mallory@example.com"))
    with threaded_server(describe, loop=loop, tls=wanted) as served:
        # In TLS 1.3 the client learns of it after its own part of the handshake is over.
        with suppress(ssl.SSLError, ConnectionError), secured(served, context) as client:
            client.sendall(LAST)
            assert everything(client) == b""
        assert served.has_no_connections()


class _LateClock:
    """The system's clock, of which a test moves the wall time."""

    def __init__(self) -> None:
        self.late = 0.0
        self.monotonic = time.monotonic

    def wall(self) -> float:
        return time.time() + self.late

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        return asyncio.get_running_loop().call_later(delay, callback)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("mode", ["required", "optional"])
def test_expired_client_certificate_is_refused_although_its_session_is_resumed(
    loop: str, authority: Authority, tls: TLS, mode: str, version: ssl.TLSVersion
) -> None:
    mine = authority.issue("alice@example.com", to="alice", not_after=datetime.now(UTC) + timedelta(hours=1))
    wanted = TLS(cert=tls.cert, key=tls.key, client_ca=authority.file, client_certificates=mode)
    context = authority.client_context(mine)
    context.minimum_version = context.maximum_version = version
    clock = _LateClock()
    with threaded_server(describe, loop=loop, tls=wanted, clock=clock) as served:
        with secured(served, context) as client:
            client.sendall(LAST)
            assert b"alice@example.com" in everything(client)
            session = client.session
        for late, is_served in ((0, True), (7200, False)):
            clock.late = late
            plain = context.wrap_socket(
                served.connect(), server_hostname="localhost", session=session, do_handshake_on_connect=False
            )
            with suppress(ssl.SSLError, ConnectionError), plain as client:
                client.do_handshake()
                # Without tickets, only the session IDs of TLS 1.2 are left to resume by.
                assert not (client.session_reused and version is ssl.TLSVersion.TLSv1_3)
                client.sendall(LAST)
                assert (b"200 OK" in everything(client)) is is_served
        assert served.has_no_connections()


def test_sessions_are_resumed_without_client_certificates(loop: str, authority: Authority, tls: TLS) -> None:
    context = authority.client_context()
    with threaded_server(hello, loop=loop, tls=tls) as served:
        with secured(served, context) as client:
            client.sendall(LAST)
            everything(client)
            session = client.session
        client = context.wrap_socket(served.connect(), server_hostname="localhost", session=session)
        with client:
            client.sendall(LAST)
            assert b"200 OK" in everything(client)
            assert client.session_reused


def test_old_version_is_refused(loop: str, authority: Authority, tls: TLS) -> None:
    context = authority.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    strict = TLS(cert=tls.cert, key=tls.key, minimum_version="1.3")
    with threaded_server(hello, loop=loop, tls=strict) as served:
        with pytest.raises(ssl.SSLError), secured(served, context):
            pass
        assert served.has_no_connections()


def test_version_1_2_is_spoken(loop: str, authority: Authority, tls: TLS) -> None:
    context = authority.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with threaded_server(describe, loop=loop, tls=tls) as served, secured(served, context) as client:
        client.sendall(LAST)
        assert b'"version":"TLSv1.2"' in everything(client)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GET, id="plain-http"),
        pytest.param(b"\x00" * 300, id="zeros"),
        pytest.param(b"\x16\x03\x01\x00\x05hello", id="no-hello"),
        pytest.param(client_hello()[:-20] + b"\xff" * 20, id="broken-hello"),
        pytest.param(b"\x80" + b"x" * 100_000, id="much"),
    ],
)
def test_invalid_handshake_is_closed_quietly(
    loop: str, tls: TLS, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    soon = Timeouts(handshake=0.5)
    with (
        caplog.at_level(logging.DEBUG, "turnbuckle"),
        threaded_server(hello, loop=loop, tls=tls, timeouts=soon) as served,
    ):
        with served.connect() as client, suppress(ConnectionError):
            client.sendall(data)
            everything(client)
        assert served.has_no_connections()
    lines = [record for record in caplog.records if "listening" not in record.message]
    assert len(lines) <= 1
    assert {record.levelno for record in caplog.records if record.levelno > logging.INFO} == set()


@pytest.mark.parametrize("sent", [b"", client_hello()[:1], client_hello()[:100], client_hello()], ids=len)
def test_handshake_that_stalls_is_cut_by_its_deadline(loop: str, tls: TLS, sent: bytes) -> None:
    with (
        threaded_server(hello, loop=loop, tls=tls, timeouts=Timeouts(handshake=0.2)) as served,
        served.connect() as client,
    ):
        client.sendall(sent)
        everything(client)
        assert served.has_no_connections()


def test_handshake_that_trickles_is_cut_by_its_deadline(loop: str, tls: TLS) -> None:
    with (
        threaded_server(hello, loop=loop, tls=tls, timeouts=Timeouts(handshake=0.2)) as served,
        served.connect() as client,
    ):
        client.settimeout(0.02)
        trickle = iter(client_hello())
        with suppress(ConnectionError):
            while True:
                client.send(bytes([next(trickle)]))
                with suppress(TimeoutError):
                    if not client.recv(1):
                        break
        assert served.has_no_connections()


@pytest.mark.parametrize("sent", [b"", client_hello()[:100], client_hello()], ids=len)
def test_client_that_leaves_during_the_handshake_leaves_nothing(
    loop: str, tls: TLS, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with threaded_server(hello, loop=loop, tls=tls) as served:
        for reset in (False, True):
            client = served.connect()
            client.sendall(sent)
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        assert served.has_no_connections()
    assert {record.levelno for record in caplog.records if record.levelno > logging.INFO} == set()


def test_stop_does_not_wait_for_a_handshake(loop: str, tls: TLS) -> None:
    with threaded_server(hello, loop=loop, tls=tls) as served:
        client = served.connect()
        client.sendall(client_hello()[:50])
    with client:
        assert everything(client) == b""


def test_refusal_reaches_a_client_that_is_still_sending(loop: str, authority: Authority, tls: TLS) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n\r\n"
    with (
        threaded_server(read, loop=loop, tls=tls, limits=Limits(content=1000)) as served,
        secured(served, authority.client_context()) as client,
    ):
        client.sendall(head)
        with suppress(ConnectionError, ssl.SSLError):
            for _ in range(8):
                client.sendall(b"x" * 100_000)
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_malformed_request_is_refused_and_ends(loop: str, authority: Authority, tls: TLS) -> None:
    with (
        threaded_server(hello, loop=loop, tls=tls, timeouts=Timeouts(linger=0.2)) as served,
        secured(served, authority.client_context()) as client,
    ):
        client.sendall(b"rubbish\r\n\r\n")
        assert everything(client).startswith(b"HTTP/1.1 400 ")
        assert served.has_no_connections()


def test_large_last_response_is_whole(loop: str, authority: Authority, tls: TLS) -> None:
    body = b"x" * 3_000_000

    async def large(request: Request) -> Response:
        return Response(body)

    with threaded_server(large, loop=loop, tls=tls) as served, secured(served, authority.client_context()) as client:
        client.sendall(LAST)
        received = everything(client)
    assert received.partition(b"\r\n\r\n")[2] == body


def test_client_that_says_goodbye_is_let_go(
    loop: str, authority: Authority, tls: TLS, caplog: pytest.LogCaptureFixture
) -> None:
    with threaded_server(hello, loop=loop, tls=tls) as served:
        client = secured(served, authority.client_context())
        client.sendall(GET)
        assert client.recv(1000).endswith(b"hello")
        client.unwrap().close()
        assert served.has_no_connections()
    assert "has no effect when using ssl" not in caplog.text


def test_client_that_never_says_goodbye_is_let_go(loop: str, authority: Authority, tls: TLS) -> None:
    with (
        threaded_server(hello, loop=loop, tls=tls, timeouts=Timeouts(linger=0.2, idle=0.2)) as served,
        secured(served, authority.client_context()) as client,
    ):
        client.sendall(GET)
        assert client.recv(1000).endswith(b"hello")
        # The connection is idle, the server says goodbye, and gets no answer.
        assert served.has_no_connections()


def test_new_certificate_is_used_without_a_restart(loop: str, authority: Authority, tls: TLS) -> None:
    watched = TLS(cert=tls.cert, key=tls.key, check_files=0.001)
    context = authority.client_context()
    with threaded_server(hello, loop=loop, tls=watched) as served:
        with secured(served, context) as client:
            before = client.getpeercert()["serialNumber"]
        authority.issue("localhost")
        with secured(served, context) as client:
            after = client.getpeercert()["serialNumber"]
    assert before != after


def test_server_without_a_usable_certificate_binds_nothing(loop: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with (
        pytest.raises(TLSError, match="cannot read"),
        threaded_server(hello, loop=loop, unix=str(path), tls=TLS(cert=str(tmp_path / "no"))),
    ):
        pass
    assert not path.exists()


def test_tls_is_spoken_on_a_unix_socket(loop: str, authority: Authority, tls: TLS, tmp_path: Path) -> None:
    with (
        threaded_server(describe, loop=loop, tls=tls, unix=str(tmp_path / "s")) as served,
        secured(served, authority.client_context()) as client,
    ):
        client.sendall(LAST)
        assert b'"scheme":"https"' in everything(client)


@pytest.mark.parametrize("version", ["--tlsv1.2", "--tlsv1.3"])
def test_curl_is_served(loop: str, authority: Authority, tls: TLS, version: str) -> None:
    curl = shutil.which("curl")
    assert curl, "curl is needed"
    with threaded_server(describe, loop=loop, tls=tls) as served:
        url = served.server.addresses[0].url
        command = [curl, "--silent", "--show-error", version, "--cacert", authority.file, url]
        result = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    assert result.returncode == 0, result.stderr
    assert b'"scheme":"https"' in result.stdout


def test_openssl_is_served(loop: str, authority: Authority, tls: TLS) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is needed"
    with threaded_server(describe, loop=loop, tls=tls) as served:
        address = served.server.addresses[0]
        where = f"{address.host}:{address.port}"
        command = [
            openssl,
            "s_client",
            "-connect",
            where,
            "-alpn",
            "h2,http/1.1",
            "-CAfile",
            authority.file,
            "-ign_eof",
        ]
        result = subprocess.run([*command, "-ign_eof"], input=LAST, capture_output=True, timeout=TIMEOUT, check=False)
    assert b"Verify return code: 0 (ok)" in result.stdout
    assert b'"alpn":"http/1.1"' in result.stdout


class Echo(asyncio.Protocol):
    """What a plugin could speak."""

    def __init__(self, link: ProtocolLink) -> None:
        self.peer = link.peer

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        assert self.peer.tls is not None
        transport.write(f"{self.peer.scheme} {self.peer.tls.alpn}\n".encode())

    def data_received(self, data: bytes) -> None:
        self.transport.writelines([b"<", data, b">"])


def broken(link: ProtocolLink) -> Echo:
    raise LookupError("not today")


def test_protocol_of_a_plugin_has_the_connection(loop: str, authority: Authority, tls: TLS) -> None:
    with threaded_server(hello, loop=loop, tls=tls, alpn={"echo": Echo}) as served:
        with secured(served, authority.client_context(alpn=["http/1.1", "echo"])) as client:
            assert client.selected_alpn_protocol() == "echo"
            assert client.recv(100) == b"https echo\n"
            client.sendall(b"ping")
            assert client.recv(100) == b"<ping>"
        with secured(served, authority.client_context(alpn=["http/1.1"])) as client:
            client.sendall(LAST)
            assert everything(client).endswith(b"hello")
        assert served.has_no_connections()


def test_protocol_of_a_plugin_serves_requests(loop: str, authority: Authority, tls: TLS) -> None:
    with threaded_server(hello, loop=loop, tls=tls, alpn={"lines/1": LineConnection}) as served:
        with secured(served, authority.client_context(alpn=["lines/1"])) as client:
            client.sendall(b"LINES/1\nGET /\n")
            assert client.recv(100) == b"1: 200 hello\n"
            client.sendall(b"GET /again\n")
            assert client.recv(100) == b"2: 200 hello\n"
        assert served.has_no_connections()


def test_protocol_of_a_plugin_ends_with_the_server(loop: str, authority: Authority, tls: TLS) -> None:
    with threaded_server(hello, loop=loop, tls=tls, alpn={"echo": Echo}) as served:
        client = secured(served, authority.client_context(alpn=["echo"]))
        assert client.recv(100) == b"https echo\n"
    with client:
        assert everything(client) == b""


def test_protocol_of_a_plugin_that_fails_is_cut_off(loop: str, authority: Authority, tls: TLS) -> None:
    with threaded_server(hello, loop=loop, tls=tls, alpn={"echo": broken}) as served:
        with (
            suppress(ssl.SSLError, ConnectionError),
            secured(served, authority.client_context(alpn=["echo"])) as client,
        ):
            assert everything(client) == b""
        assert served.has_no_connections()


def test_upload_is_read_piece_by_piece(loop: str, authority: Authority, tls: TLS) -> None:
    size = 3_000_000
    with threaded_server(read, loop=loop, tls=tls) as served, secured(served, authority.client_context()) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
        client.sendall(b"x" * size)
        assert client.recv(1000).endswith(b"\r\n\r\n%d" % size)


async def test_reload_without_tls_does_nothing(loop: str) -> None:
    async def handle(request: Request) -> Response:
        return Response("")

    with threaded_server(handle, loop=loop) as served:
        assert isinstance(served.server, HTTPServer)
        served.server.reload()
