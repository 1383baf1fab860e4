"""Section D of the bug classes: what one client may cost, in memory, in time, and in descriptors."""

from __future__ import annotations

import ast
import asyncio
import gzip
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.core.server.polling import wait_until
from tests.security.attacks import CHUNKED, START, Attack, attacks
from tests.security.costs import check_linear
from tests.security.serving import PARSERS, Target
from turnbuckle import App, HTTPError, Limits, NotFound, ProtocolError, Request, Route, Router
from turnbuckle.http.guard import guarded
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.testing import Client
from turnbuckle.web.content.forms import FormLimits
from turnbuckle.web.content.multipart import read_multipart
from turnbuckle.web.content.uploads import UploadedFile
from turnbuckle.web.multidict import parse_urlencoded
from turnbuckle.web.response.cookies import parse_cookies
from turnbuckle_plugins.h11_parser import h11_parser
from turnbuckle_plugins.httptools_parser import httptools_parser
from turnbuckle_plugins.regex_router import RegexRouter
from turnbuckle_plugins.werkzeug_router import WerkzeugRouter

ROOT = Path(__file__).parents[2]
FACTORIES = {"core": H1ParserFactory(), "httptools": httptools_parser, "h11": h11_parser}
if find_spec("zttp"):
    from turnbuckle_plugins.zttp_parser import zttp_parser

    FACTORIES["zttp"] = zttp_parser
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def _app(parser: str = "core") -> App:
    return App(plugins=[] if parser == "core" else [f"{parser}_parser"])


# -- slow


@pytest.mark.parametrize(
    ("before", "slow"),
    [
        pytest.param(b"", GET, id="first-head"),
        pytest.param(GET, GET, id="later-head"),
        pytest.param(b"", b"\r\nGET / HTTP/1.1\r\n", id="after-an-empty-line"),
        pytest.param(CHUNKED, b"5" * 60, id="chunk-line"),
        pytest.param(CHUNKED + b"0\r\n", b"X: " + b"a" * 60, id="trailer"),
        pytest.param(START + b"Content-Length: 500\r\n\r\n", b"x" * 60, id="content"),
    ],
)
async def test_row_53_slow_client_has_one_deadline_in_all(target: Target, before: bytes, slow: bytes) -> None:
    connection = target.client.connect()
    await connection.send(before)
    for byte in (slow * 2)[:40]:
        if connection.is_closed:
            break
        connection.post(bytes((byte,)))
        await target.client.advance(1.0)
    await connection.settle()

    assert (connection.statuses[-1], connection.is_closed) == (408, True)


async def test_row_53_idle_connection_ends_without_a_word(target: Target) -> None:
    connection = target.client.connect()
    await connection.send(GET)
    await target.client.advance(31.0)

    assert (connection.statuses, connection.is_closed) == ([200], True)


# -- large


@pytest.mark.parametrize("attack", attacks(54))
async def test_row_54_large_head_is_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(START + b"X: " + b"a" * 1_000_000, id="line"),
        pytest.param(START + b"X: aaaaaaaaaa\r\n" * 100_000, id="lines"),
        pytest.param(b"GET /" + b"a" * 1_000_000, id="target"),
        pytest.param(CHUNKED + b"1;" + b"a" * 1_000_000, id="chunk-line"),
        pytest.param(CHUNKED + b"0\r\n" + b"X: a\r\n" * 200_000, id="trailers"),
    ],
)
async def test_row_54_large_head_is_refused_while_it_arrives(target: Target, raw: bytes) -> None:
    connection = target.client.connect()
    sent = 0
    while not connection.statuses:
        await connection.send(raw[sent : sent + 4096])
        sent += 4096

    assert sent <= 70_000


# -- quadratic


@pytest.mark.parametrize("attack", attacks(55))
async def test_row_55_many_fields_are_refused(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("line", [b"X: " + b"a" * 500 + b"\r\n", b"X: " + b"a" * 15_000 + b"\r\n"], ids=len)
def test_row_55_dripped_head_is_measured_in_linear_time(parser: str, line: bytes) -> None:
    def drip(size: int) -> None:
        reader = guarded(FACTORIES[parser])(Limits())
        raw = START + line * (size // len(line) + 1)
        for start in range(size):
            reader.feed(raw[start : start + 1])
            reader.next_event()

    # The larger of the two is as much as the limits allow.
    check_linear(drip, 7_600)


_TEXTS: dict[str, Callable[[int], object]] = {
    "cookie-with-escapes": lambda n: parse_cookies(['a="' + "\\\\" * n + '"']),
    "cookie-with-octal": lambda n: parse_cookies(['a="' + "\\011" * n + '"']),
    "cookie-that-is-not-closed": lambda n: parse_cookies(['a="' + '\\"' * n]),
    "cookies": lambda n: parse_cookies(["a=b;" * n], limit=n + 1),
    "cookies-of-one-name": lambda n: parse_cookies(["a=b"] * n, limit=n),
    "cookies-without-name": lambda n: parse_cookies(["=;" * n], limit=n + 1),
    "query": lambda n: parse_urlencoded("a=b&" * n, limit=n + 1),
    "query-with-escapes": lambda n: parse_urlencoded("%41" * n),
    "query-with-broken-escapes": lambda n: parse_urlencoded("%" * n),
    "query-of-ampersands": lambda n: parse_urlencoded("&" * n, limit=n + 1),
    "query-of-equal-signs": lambda n: parse_urlencoded("=" * n),
}


@pytest.mark.parametrize("parse", _TEXTS.values(), ids=_TEXTS)
def test_row_55_texts_are_parsed_in_linear_time(parse: Callable[[int], object]) -> None:
    check_linear(parse, 20_000)


@pytest.mark.parametrize("make", [TreeRouter, RegexRouter, WerkzeugRouter])
@pytest.mark.parametrize("path", ["/{a}-{b}.json", "/{a}-{b}-{c}.json", "/{a}-{b}-{c}-{d}.json", "/{a:path}/{b}/x"])
def test_row_55_path_is_matched_in_linear_time(make: Callable[[], Router], path: str) -> None:
    router = make()
    router.add(Route(path=path, handler=_home))
    router.freeze()

    def match(size: int) -> None:
        for text in ("-" * size, "-/" * (size // 2)):
            with suppress(NotFound):
                router.match("GET", "/" + text)

    check_linear(match, 4_000)


async def _home(request: Request) -> str:
    return ""


async def test_row_55_ranges_cost_no_more_than_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    app = App()

    @app.get("/")
    async def file(request: Request) -> Path:
        return tmp_path / "file"

    async with Client(app) as client:
        response = await client.get("/", headers={"Range": "bytes=" + ",".join(["0-"] * 4000)})
    assert response.status in {200, 416}
    assert len(response.content) <= 10_000


# -- the loop


@pytest.mark.parametrize("parser", PARSERS)
async def test_row_56_tiny_chunks_leave_room_for_others(parser: str) -> None:
    app, done = _app(parser), []

    @app.post("/")
    async def read(request: Request) -> str:
        content = await request.read()
        done.append("upload")
        return str(len(content))

    @app.get("/")
    async def other(request: Request) -> str:
        done.append("other")
        return ""

    async with Client(app) as client:
        busy, quick = client.connect(), client.connect()
        busy.post(CHUNKED + b"1\r\nx\r\n" * 4_000 + b"0\r\n\r\n")
        quick.post(GET)
        await busy.until(1)
        await quick.until(1)
    assert (done, busy.responses[0].text) == (["other", "upload"], "4000")


@pytest.mark.parametrize("parser", PARSERS)
def test_row_56_tiny_chunks_are_read_in_linear_time(parser: str) -> None:
    def read(size: int) -> None:
        reader = guarded(FACTORIES[parser])(Limits())
        reader.feed(CHUNKED + b"1\r\nx\r\n" * size + b"0\r\n\r\n")
        while type(reader.next_event()).__name__ != "EndOfMessage":
            pass

    check_linear(read, 500)


@pytest.mark.parametrize("parser", PARSERS)
async def test_row_56_pipeline_leaves_room_for_others(parser: str) -> None:
    app, done = _app(parser), []

    @app.get("/{name}")
    async def page(request: Request, name: str) -> str:
        # Since Python 3.12, a handler that never waits is answered within the call that received its request.
        done.append(name)
        return ""

    async with Client(app) as client:
        busy, quick = client.connect(), client.connect()
        busy.post(GET.replace(b"/", b"/busy", 1) * 200)
        quick.post(GET.replace(b"/", b"/quick", 1))
        await quick.until(1)
        assert done.index("quick") <= 32
        await client.settle()
        # Waiting for 200 responses would parse them all after each.
        assert len(busy.responses) == 200


# -- what grows


async def test_row_57_content_is_never_inflated(target: Target) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    fields = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    exchange = await target.client.raw(START + fields + bomb)

    assert exchange.response.content == bomb


@pytest.mark.parametrize(
    "charset", ["zlib", "bz2", "hex", "base64", "uu", "rot13", "idna", "punycode", "raw_unicode_escape"]
)
async def test_row_57_charset_that_is_no_charset_is_refused(charset: str) -> None:
    app = App()

    @app.post("/")
    async def read(request: Request) -> str:
        return await request.text()

    async with Client(app) as client:
        response = await client.post("/", content=b"x", headers={"Content-Type": f"text/plain; charset={charset}"})
    assert response.status == 400


_PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
_FILE = b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nx\r\n'
_TOO_MUCH = {
    "parts": _PART * 100_000 + b"--b--\r\n",
    "files": _FILE * 101 + b"--b--\r\n",
    "fields-of-a-part": b"--b\r\n" + b"X-A: b\r\n" * 100 + b"\r\nx\r\n--b--\r\n",
    "field-of-a-part": b"--b\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n",
    "field-without-end": b"--b\r\nX-A: " + b"a" * 1_000_000,
    "text": _PART.replace(b"x", b"x" * 4_300_000) + b"--b--\r\n",
    "text-in-parts": _PART.replace(b"x", b"x" * 50_000) * 100 + b"--b--\r\n",
}


def _form_app() -> App:
    app = App()

    @app.post("/")
    async def form(request: Request) -> str:
        return str(len(await request.form()))

    @app.get("/query")
    async def query(request: Request) -> str:
        return str(len(request.query_params))

    @app.get("/cookies")
    async def cookies(request: Request) -> str:
        return str(len(request.cookies))

    return app


@pytest.mark.parametrize("content", _TOO_MUCH.values(), ids=_TOO_MUCH)
async def test_row_58_multipart_form_is_bounded(content: bytes) -> None:
    async with Client(_form_app()) as client:
        response = await client.post("/", content=content, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert response.status in {400, 413}


@pytest.mark.parametrize("boundary", ["", "a" * 71, "a\x0bb", '"a\\"b"', "a;b", "ä", "a "])
async def test_row_58_boundary_is_held_to_its_grammar(boundary: str) -> None:
    async with Client(_form_app()) as client:
        content_type = f"multipart/form-data; boundary={boundary}"
        raw = START + f"Content-Type: {content_type}\r\nContent-Length: 4\r\n\r\n".encode("latin-1") + b"--b\r"
        exchange = await client.raw(raw)
    assert exchange.response.status == 400


_CONTENTS: dict[str, Callable[[int], bytes]] = {
    "line-ends": lambda n: _FILE[:-3] + b"\r\n" * n + b"\r\n--b--\r\n",
    "almost-boundaries": lambda n: _FILE[:-3] + b"\r\n--" * n + b"\r\n--b--\r\n",
    "boundaries-with-more": lambda n: _FILE[:-3] + b"\r\n--bb" * n + b"\r\n--b--\r\n",
    "preamble": lambda n: b"\r\n--" * n + b"\r\n" + _PART + b"--b--\r\n",
    "epilogue": lambda n: _PART + b"--b--\r\n" + b"\r\n--b" * n,
    "parameters": lambda n: (
        b"--b\r\nContent-Disposition: form-data; name=a" + b'; a="' * min(n, 900) + b"\r\n\r\nx\r\n--b--\r\n"
    ),
}


@pytest.mark.parametrize("piece", [100, 65_536])
@pytest.mark.parametrize("make", _CONTENTS.values(), ids=_CONTENTS)
def test_row_58_multipart_form_is_read_in_linear_time(make: Callable[[int], bytes], piece: int) -> None:
    async def read(content: bytes) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(content), piece):
                yield content[start : start + piece]

        with suppress(HTTPError):
            await read_multipart("b", pieces(), FormLimits(file_in_memory=1 << 30))

    with asyncio.Runner() as runner:
        check_linear(lambda size: runner.run(read(make(size))), 20_000)


async def test_row_59_urlencoded_form_has_the_same_bounds() -> None:
    async with Client(_form_app()) as client:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        statuses = [
            (await client.post("/", content=content, headers=headers)).status
            for content in (b"a&" * 1_000_000, b"a=b&" * 1001, b"a=" + b"x" * 5_000_000, b"&" * 1000, b"a&" * 999)
        ]
    assert statuses == [400, 400, 413, 400, 200]


async def test_row_59_query_and_cookies_are_bounded_too() -> None:
    async with Client(_form_app(), limits=Limits(request_line=20_000)) as client:
        assert (await client.get("/query?" + "a&" * 1001)).status == 400
        assert (await client.get("/query?" + "a&" * 999)).text == "1"
        assert (await client.get("/cookies", headers={"Cookie": "a=b;" * 1001})).status == 400
        assert (await client.get("/cookies", headers={"Cookie": "a=b;" * 999})).text == "1"


class _Witness:
    """A file that knows which threads write to it."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.writes = 0

    def write(self, data: bytes) -> int:
        self.threads.add(threading.get_ident())
        self.writes += 1
        return len(data)

    def seek(self, position: int) -> int:
        return position

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("piece", [1, 1000, 200_000])
async def test_row_60_large_upload_is_written_in_threads_and_in_large_pieces(piece: int) -> None:
    upload, witness = UploadedFile("f", "", in_memory=0), _Witness()
    upload.file.close()
    upload.file = witness  # type: ignore[assignment, misc]  # it has the methods of a file that are called
    for _ in range(200_000 // piece):
        await upload.write(b"x" * piece)
    await upload.rewind()

    assert threading.get_ident() not in witness.threads
    assert (upload.size, witness.writes <= 4) == (200_000, True)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        pytest.param("../../x", "x", id="dots"),
        pytest.param("/etc/passwd", "passwd", id="absolute"),
        pytest.param("..\\..\\x", "x", id="backslashes"),
        pytest.param("C:\\x", "x", id="drive"),
        pytest.param("a/..", "", id="dots-alone"),
        pytest.param("a\x0b\x1bb", "ab", id="controls"),
    ],
)
async def test_row_60_name_of_an_upload_opens_nothing(
    sent: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, names = tmp_path / "a" / "b", []
    folder.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    app = App()

    @app.post("/")
    async def form(request: Request) -> str:
        upload = (await request.form(FormLimits(file_in_memory=0))).files["a"]
        names.append(upload.name)
        return str(len(await upload.read()))

    content = _FILE.replace(b'="f"', b'="' + sent.replace("\\", "\\\\").encode() + b'"') + b"--b--\r\n"
    async with Client(app) as client:
        response = await client.post("/", content=content, headers={"Content-Type": "multipart/form-data; boundary=b"})
    # The parser of forms refuses some names altogether.
    assert (response.status, names) in [(200, [name]), (400, [])]
    assert [files for _, _, files in os.walk(tmp_path) if files] == []


# -- asserts


def _asserts(path: Path) -> list[int]:
    return [node.lineno for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]


def test_row_61_no_assert_stands_where_input_passes() -> None:
    folders = [ROOT / "core/turnbuckle" / name for name in ("http", "server", "web")]
    folders += [ROOT / "plugins", ROOT / "contrib"]
    found = {path: _asserts(path) for folder in folders for path in folder.rglob("*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}


_WITHOUT_ASSERTS = """
import sys
from tests.core.server.polling import wait_until
from tests.security.attacks import _ROWS
from tests.security.test_resource_exhaustion import FACTORIES, refusal
if sys.flags.optimize != 1:
    sys.exit("asserts count")
for row, cases in _ROWS.items():
    for name, attack in cases.items():
        for parser, factory in FACTORIES.items():
            status = refusal(factory, attack.raw)
            if status not in attack.statuses:
                sys.exit(f"{parser} answers {row} {name} with {status}")
print("all refused")
"""


def refusal(factory: Callable[..., object], raw: bytes) -> int:
    """Return the status with which bytes are refused; 0 if they are not."""
    reader = guarded(factory)(Limits())  # type: ignore[arg-type]  # a factory of parsers
    try:
        reader.feed(raw)
        while type(reader.next_event()).__name__ != "NeedData":
            pass
    except ProtocolError as error:
        return error.status
    return 0


def test_row_61_attacks_are_refused_without_asserts() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-c", _WITHOUT_ASSERTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("all refused\n", "", 0)


# -- descriptors


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _reset(sock: socket.socket) -> None:
    # A close with this option sends a reset even if data is unsent.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="at-once"),
        pytest.param(b"GET / HT", id="within-a-head"),
        pytest.param(START + b"Content-Length: 50\r\n\r\nhe", id="within-content"),
        pytest.param(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n", id="while-a-file-is-sent"),
        pytest.param(b"nonsense\r\n\r\n", id="while-refused"),
    ],
)
async def test_row_62_connections_that_are_reset_leave_nothing_open(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "file").write_bytes(bytes(5_000_000))
    app = App()

    @app.get("/file")
    async def file(request: Request) -> Path:
        return tmp_path / "file"

    @app.post("/")
    async def read(request: Request) -> bytes:
        return await request.read()

    @app.get("/")
    async def home(request: Request) -> str:
        return "home"

    loop = asyncio.get_running_loop()
    async with HTTPServer(app.compile(), port=0) as server:
        address = server.addresses[0]
        await asyncio.to_thread(lambda: None)
        before, tasks = _descriptors(), len(asyncio.all_tasks())
        for _ in range(50):
            sock = socket.create_connection((address.host, address.port))
            sock.setblocking(False)
            await loop.sock_sendall(sock, raw)
            await asyncio.sleep(0)
            _reset(sock)
        await wait_until(lambda: (_descriptors(), len(asyncio.all_tasks())) == (before, tasks))
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(GET)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.close()
        await writer.wait_closed()


# -- odd bytes and names


@pytest.mark.parametrize("attack", attacks(63))
async def test_row_63_bytes_beyond_ascii_are_refused_where_they_mean_something(target: Target, attack: Attack) -> None:
    await target.check_refuses(attack)


@pytest.mark.parametrize(
    "name", [b"Sec-WebSocket-Protocol", b"Cookie", b"Content-Type", b"Accept", b"Expect", b"Upgrade"]
)
async def test_row_63_bytes_beyond_ascii_are_taken_in_values(target: Target, name: bytes) -> None:
    raw = START + name + b": \xff\x80\xc3\xa9\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nhi"
    await target.check_serves(raw, b"hi")


@pytest.mark.parametrize(
    "name", ["__class__", "__dict__", "__init__", "__proto__", "{0.__class__}", "%(x)s", "self", "request", "_state"]
)
async def test_row_64_special_names_are_names_like_others(name: str) -> None:
    app = App()

    @app.route("/{rest:path}", methods=["GET", "POST"])
    async def show(request: Request, rest: str) -> list[object]:
        form = await request.form() if request.method == "POST" else {}
        request.state[name] = "state"
        return [rest, request.query_params.get(name), request.cookies.get(name), form.get(name), request.state[name]]

    async with Client(app) as client:
        response = await client.post(
            "/" + quote(name),
            params={name: "query"},
            headers={"Cookie": f"{name}=cookie", "Content-Type": "application/x-www-form-urlencoded"},
            content=f"{quote(name)}=form".encode(),
        )
    assert response.json() == [name, "query", "cookie", "form", "state"]


@pytest.mark.parametrize("sent", ["=__Host-a=1", "=a=1", "=", "==", ";=b", '="x"', " =__Secure-a=1"])
def test_row_65_cookie_without_a_name_is_dropped(sent: str) -> None:
    assert parse_cookies([sent]) == {}


async def test_row_65_first_cookie_of_a_name_counts() -> None:
    assert parse_cookies(["a=1; a=2", "a=3"]) == {"a": "1"}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_row_65_page_of_another_site_cannot_send_json(content_type: str) -> None:
    app = App()

    @app.post("/")
    async def read(request: Request) -> object:
        return await request.json()

    headers = {"Origin": "https://evil.example", **({"Content-Type": content_type} if content_type else {})}
    async with Client(app) as client:
        forged = await client.raw(
            START
            + "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
            + b"Content-Length: 2\r\n\r\n{}"
        )
        own = await client.post("/", json={}, headers={"Origin": "http://testserver"})
    assert (forged.response.status, own.status) == (415, 200)
