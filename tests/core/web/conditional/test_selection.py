"""Tests of ``turnbuckle.web.conditional.selection``, with an app and bytes: ranges, 304, 412, 416 and 428."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from turnbuckle import App, File, Request, Response
from turnbuckle.testing import Client, ClientResponse

CONTENT = os.urandom(1000) * 200
MODIFIED = datetime(2026, 1, 2, tzinfo=UTC)
DATE = "Fri, 02 Jan 2026 00:00:00 GMT"
LATER = "Fri, 02 Jan 2026 00:00:01 GMT"
EARLIER = "Thu, 01 Jan 2026 23:59:59 GMT"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    os.utime(path, (0, MODIFIED.timestamp()))
    return path


@pytest.fixture
async def client(path: Path) -> AsyncIterator[Client]:
    app = App()

    @app.get("/file")
    async def file(request: Request) -> File:
        return File(path, headers={"Cache-Control": "max-age=60", "Set-Cookie": "a=b"})

    @app.get("/bytes")
    async def in_memory(request: Request) -> Response:
        return Response(CONTENT, headers={"Accept-Ranges": "bytes"}, content_type="a/b").etag("v1")

    @app.get("/plain")
    async def plain(request: Request) -> Response:
        return Response(CONTENT)

    async with Client(app) as client:
        yield client


@pytest.mark.parametrize("target", ["/file", "/bytes"])
@pytest.mark.parametrize(
    ("value", "start", "stop"),
    [
        pytest.param("bytes=0-0", 0, 1, id="one-byte"),
        pytest.param("bytes=100-150099", 100, 150_100, id="middle"),
        pytest.param("bytes=-5", 199_995, 200_000, id="suffix"),
        pytest.param("bytes=199999-", 199_999, 200_000, id="open"),
        pytest.param("bytes=10-19,200000-", 10, 20, id="one-of-two"),
    ],
)
async def test_one_range(client: Client, target: str, value: str, start: int, stop: int) -> None:
    response = await client.get(target, headers={"Range": value})
    assert response.status == 206
    assert response.content == CONTENT[start:stop]
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/200000"
    assert response.headers["content-length"] == str(stop - start)
    whole = await client.get(target)
    for name in ("etag", "content-type", "accept-ranges", "last-modified", "cache-control"):
        assert response.headers.get(name) == whole.headers.get(name)


def parts_of(response: ClientResponse) -> list[tuple[str, str, bytes]]:
    content_type = response.headers["content-type"]
    data = f"Content-Type: {content_type}\r\n\r\n".encode() + response.content
    message = message_from_bytes(data, policy=policy.HTTP)
    parts = list(message.iter_parts())
    return [(part["content-type"], part["content-range"], part.get_payload(decode=True)) for part in parts]


@pytest.mark.parametrize(("target", "kind"), [("/file", "application/octet-stream"), ("/bytes", "a/b")])
async def test_several_ranges(client: Client, target: str, kind: str) -> None:
    response = await client.get(target, headers={"Range": "bytes=5-9, 100000-199998, 0-4"})
    assert response.status == 206
    assert response.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert "content-range" not in response.headers
    assert response.headers["content-length"] == str(len(response.content))
    assert parts_of(response) == [
        (kind, "bytes 5-9/200000", CONTENT[5:10]),
        (kind, "bytes 100000-199998/200000", CONTENT[100_000:199_999]),
        (kind, "bytes 0-4/200000", CONTENT[:5]),
    ]


@pytest.mark.parametrize("target", ["/file", "/bytes"])
async def test_unsatisfiable_range(client: Client, target: str) -> None:
    response = await client.get(target, headers={"Range": "bytes=200000-"})
    assert (response.status, response.content) == (416, b"Range Not Satisfiable\n")
    assert response.headers["content-range"] == "bytes */200000"
    assert not {"etag", "cache-control", "last-modified"} & set(response.headers)


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        pytest.param("GET", "/file", {"Range": "bytes=5-4"}, id="malformed"),
        pytest.param("GET", "/file", {"Range": "lines=5-6"}, id="other-unit"),
        pytest.param("GET", "/file", [("Range", "bytes=0-1"), ("Range", "bytes=0-1")], id="repeated"),
        pytest.param("HEAD", "/file", {"Range": "bytes=0-1"}, id="head"),
        pytest.param("GET", "/plain", {"Range": "bytes=0-1"}, id="response-without-ranges"),
        pytest.param("GET", "/file", {"Range": "bytes=0-1", "If-Range": '"other"'}, id="if-range"),
        pytest.param("GET", "/file", {"Range": "bytes=0-1", "If-Range": LATER}, id="if-range-later"),
        pytest.param("GET", "/file", {"Range": "bytes=900000-", "If-Range": '"x"'}, id="if-range-before-416"),
    ],
)
async def test_range_is_ignored(client: Client, method: str, target: str, headers: dict[str, str]) -> None:
    response = await client.request(method, target, headers=headers)
    assert response.status == 200
    assert response.content == (CONTENT if method == "GET" else b"")
    assert response.headers["content-length"] == "200000"


async def test_if_range_that_is_true(client: Client) -> None:
    etag = (await client.head("/file")).headers["etag"]
    for validator in (etag, DATE):
        response = await client.get("/file", headers={"Range": "bytes=0-1", "If-Range": validator})
        assert (response.status, response.content) == (206, CONTENT[:2])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"If-None-Match": "{etag}"}, 304, id="if-none-match"),
        pytest.param({"If-None-Match": "W/{etag}"}, 304, id="weak"),
        pytest.param({"If-None-Match": '"x"'}, 200, id="if-none-match-other"),
        pytest.param({"If-Modified-Since": DATE}, 304, id="if-modified-since"),
        pytest.param({"If-Modified-Since": EARLIER}, 200, id="if-modified-since-earlier"),
        pytest.param({"If-None-Match": '"x"', "If-Modified-Since": DATE}, 200, id="tag-takes-precedence"),
        pytest.param({"If-Match": '"x"'}, 412, id="if-match"),
        pytest.param({"If-Match": "{etag}"}, 200, id="if-match-true"),
        pytest.param({"If-Unmodified-Since": EARLIER}, 412, id="if-unmodified-since"),
        pytest.param({"If-None-Match": "{etag}", "Range": "bytes=0-1"}, 304, id="before-range"),
        pytest.param({"If-Match": "{etag}", "Range": "bytes=900000-"}, 416, id="then-range"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_precondition_of_a_file(client: Client, method: str, headers: dict[str, str], status: int) -> None:
    etag = (await client.head("/file")).headers["etag"]
    sent = {name: value.format(etag=etag) for name, value in headers.items()}
    response = await client.request(method, "/file", headers=sent)
    if method == "HEAD" and status == 416:
        status = 200
    assert response.status == status
    if status == 304:
        assert response.headers["etag"] == etag
        assert response.headers["cache-control"] == "max-age=60"
        assert response.headers["set-cookie"] == "a=b"
        assert set(response.headers) == {"etag", "cache-control", "set-cookie", "date", "x-content-type-options"}


async def test_not_modified_keeps_last_modified_without_an_etag(path: Path) -> None:
    app = App()
    app.get("/")(lambda: File(path, etag=""))
    async with Client(app) as client:
        response = await client.get("/", headers={"If-None-Match": '"x"'})
        assert response.status == 200
        response = await client.get("/", headers={"If-Modified-Since": DATE})
    assert (response.status, response.headers["last-modified"]) == (304, DATE)


async def test_conditions_of_json_and_streams() -> None:
    app = App()
    closed = []

    @app.get("/json")
    async def json(request: Request) -> Response:
        return Response("{}", content_type="application/json", headers={"Vary": "Accept"}).etag()

    @app.get("/stream")
    async def stream(request: Request) -> Response:
        response = Response(pieces())
        response.last_modified = MODIFIED
        return response

    async def pieces() -> AsyncIterator[str]:
        try:
            yield "1"
        finally:
            closed.append(True)

    @app.get("/error")
    async def error(request: Request) -> Response:
        return Response("no", 404).etag("a")

    async with Client(app) as client:
        etag = (await client.get("/json")).headers["etag"]
        response = await client.get("/json", headers={"If-None-Match": etag})
        assert (response.status, response.content, response.headers["vary"]) == (304, b"", "Accept")
        assert {name for name in response.headers if name[:8] == "content-"} == set()
        response = await client.get("/json", headers={"If-Match": '"x"'})
        assert (response.status, response.text) == (412, "Precondition Failed\n")
        assert (await client.get("/stream", headers={"If-Modified-Since": DATE})).status == 304
        assert not closed  # it was never begun
        assert (await client.get("/stream", headers={"If-Modified-Since": EARLIER})).text == "1"
        assert (await client.get("/error", headers={"If-None-Match": '"a"'})).status == 404


async def test_check_preconditions() -> None:
    app = App()
    versions = {"a": 1}

    @app.put("/notes/{name}")
    async def put(request: Request, name: str) -> Response:
        request.check_preconditions(etag=versions.get(name), exists=name in versions, required=True)
        versions[name] = versions.get(name, 0) + 1
        return Response(status=204).etag(versions[name])

    @app.get("/notes/{name}")
    async def get(request: Request, name: str) -> Response:
        request.check_preconditions(etag=versions[name], last_modified=MODIFIED, headers={"Vary": "Accept"})
        raise AssertionError("made a response")

    @app.get("/date")
    async def date(request: Request) -> Response:
        request.check_preconditions(last_modified=MODIFIED)
        raise AssertionError("made a response")

    @app.delete("/date")
    async def delete(request: Request) -> None:
        request.check_preconditions(last_modified=MODIFIED, required=True)

    @app.error_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return Response(f"handled {error}", getattr(error, "status", 500))

    async with Client(app) as client:
        response = await client.put("/notes/a")
        assert (response.status, response.text) == (
            428,
            "handled 428 send If-Match with the ETag of the state that the request is to change",
        )
        response = await client.put("/notes/a", headers={"If-Match": '"0"'})
        assert (response.status, response.text[:11]) == (412, "handled 412")
        response = await client.put("/notes/a", headers={"If-Match": '"1"'})
        assert (response.status, response.headers["etag"]) == (204, '"2"')
        assert (await client.put("/notes/a", headers={"If-Match": '"2"', "If-None-Match": "*"})).status == 412
        assert (await client.put("/notes/b", headers={"If-None-Match": "*"})).status == 204
        assert (await client.put("/notes/c", headers={"If-Match": "*"})).status == 412
        assert versions == {"a": 2, "b": 1}
        response = await client.get("/notes/a", headers={"If-None-Match": '"2"'})
        assert (response.status, response.headers["etag"], response.headers["vary"]) == (304, '"2"', "Accept")
        response = await client.get("/date", headers={"If-Modified-Since": DATE})
        assert (response.status, response.headers["last-modified"]) == (304, DATE)
        assert "send If-Unmodified-Since with the Last-Modified" in (await client.delete("/date")).text
        assert (await client.delete("/date", headers={"If-Unmodified-Since": DATE})).status == 204


async def test_not_modified_with_a_field_that_cannot_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.get("/")
    async def get(request: Request) -> Response:
        request.check_preconditions(etag=1, headers={"Vary": "a\nb"})
        raise AssertionError("made a response")

    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get("/", headers={"If-None-Match": '"1"'})).status == 500
    assert "headers that cannot be sent" in caplog.text


async def test_middleware_decides_what_is_compared(path: Path) -> None:
    app = App()
    app.get("/file")(lambda: File(path))
    app.get("/text")(lambda: "text")

    @app.middleware
    async def change(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        if request.query == "replace":
            async with aclosing(aiter(response.body)) as pieces:
                response.body = b"".join([piece async for piece in pieces])[::-1]
        elif request.query == "etag":
            response.etag("outer")
        elif request.query == "status":
            response.status = 203
        return response

    async with Client(app) as client:
        etag = (await client.get("/file")).headers["etag"]
        response = await client.get("/file?replace", headers={"Range": "bytes=0-1", "If-Range": etag})
        assert (response.status, response.content) == (200, CONTENT[::-1])
        assert response.headers["etag"] == f"W/{etag}"
        assert "accept-ranges" not in response.headers
        assert (await client.get("/file?etag", headers={"If-None-Match": etag})).status == 200
        assert (await client.get("/text?etag", headers={"If-None-Match": '"outer"'})).status == 304
        assert (await client.get("/file?status", headers={"Range": "bytes=0-1"})).status == 203


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path, content: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(content)
    other.replace(path)


@pytest.mark.parametrize(
    ("headers", "status", "content"),
    [
        pytest.param({}, 200, b"changed", id="whole"),
        pytest.param({"Range": "bytes=2-100"}, 206, b"anged", id="range"),
        pytest.param({"Range": "bytes=100-"}, 416, b"Range Not Satisfiable\n", id="range-of-the-old-content"),
        pytest.param({"Range": "bytes=2-100", "If-Range": "{etag}"}, 200, b"changed", id="if-range"),
    ],
)
async def test_file_that_is_replaced_before_it_is_sent(
    path: Path, headers: dict[str, str], status: int, content: bytes
) -> None:
    app = App()
    etag = File(path).headers["etag"]

    @app.get("/")
    async def get(request: Request) -> File:
        response = File(path)
        replace(path, b"changed")
        return response

    async with Client(app) as client:
        sent = {name: value.format(etag=etag) for name, value in headers.items()}
        response = await client.get("/", headers=sent)
    assert (response.status, response.content) == (status, content)
    assert response.headers.get("etag") == (None if status == 416 else File(path).headers["etag"])


async def test_file_that_vanishes_before_it_is_sent(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.get("/")
    async def get(request: Request) -> File:
        response = File(path)
        remove(path)
        return response

    async with Client(app, raise_exceptions=False) as client:
        response = await client.get("/")
        assert (response.status, response.text) == (500, "Internal Server Error\n")
    assert "FileNotFoundError" in caplog.text


# A file of the kernel, which not every system has.
_TARGETS_WITHOUT_SIZE = ("/empty", "/kernel") if os.path.exists("/proc/self/status") else ("/empty",)


async def test_empty_file_and_file_of_the_kernel_have_no_ranges(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    app = App()
    app.get("/empty")(lambda: File(tmp_path / "empty"))
    app.get("/kernel")(lambda: File("/proc/self/status"))
    async with Client(app) as client:
        for target in _TARGETS_WITHOUT_SIZE:
            response = await client.get(target, headers={"Range": "bytes=0-1"})
            assert response.status == 200
            assert not {"accept-ranges", "etag", "last-modified"} & set(response.headers)


@pytest.mark.parametrize("plugins", [[], ["httptools_parser"], ["h11_parser"]], ids=["core", "httptools", "h11"])
async def test_fields_are_found_behind_each_parser(plugins: list[str]) -> None:
    app = App(plugins=plugins)

    @app.get("/")
    async def get(request: Request) -> Response:
        return Response(b"0123456789", headers={"Accept-Ranges": "bytes"}).etag("a")

    fields = [{}, {"IF-NONE-MATCH": '"a"'}, {"RANGE": "bytes=0-1"}, {"range": "bytes=90-"}, {"If-match": '"b"'}]
    async with Client(app) as client:
        assert [(await client.get("/", headers=sent)).status for sent in fields] == [200, 304, 206, 416, 412]
