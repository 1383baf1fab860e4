"""Real clients over real sockets: curl, nghttp, h2load, httpx and Chromium, in the clear and over TLS.

A client that is not installed is skipped with its name; ``.ci/run`` installs all of them except h2spec.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.core.server.certificates import Authority
from tests.core.server.polling import TIMEOUT
from turnbuckle import App, Request, Response
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.server.tls.context import TLS

_PAGE = """<!doctype html><title>Test</title><body><script>
async function run() {
  const items = await Promise.all([...Array(40).keys()].map(n => fetch(`/items/${n}`).then(r => r.json())));
  const echo = await (await fetch("/echo", {method: "POST", body: "x".repeat(300000)})).text();
  const stream = await (await fetch("/stream")).text();
  const controller = new AbortController();
  const cancelled = fetch("/wait", {signal: controller.signal}).catch(e => e.name);
  setTimeout(() => controller.abort(), 20);
  const result = JSON.stringify({
    protocol: performance.getEntriesByType("navigation")[0].nextHopProtocol,
    items: items.map(i => i.id), echo: echo.length, stream: stream.length, cancelled: await cancelled,
    missing: (await fetch("/missing")).status,
  });
  await fetch("/result", {method: "POST", body: result});
}
run();
</script>"""


def _app(engine: str, results: asyncio.Queue[object]) -> App:
    app = App(plugins=["http2"], settings={"plugin": {"http2": {"cleartext": True, "engine": engine}}})

    @app.get("/")
    async def page(request: Request) -> Response:
        return Response(_PAGE, headers={"Content-Type": "text/html"})

    @app.get("/version")
    async def version(request: Request) -> str:
        return f"{request.http_version} {request.scheme}"

    @app.get("/items/{id:int}")
    async def item(request: Request, id: int) -> dict[str, object]:
        return {"id": id}

    @app.post("/echo")
    async def echo(request: Request) -> bytes:
        return await request.read()

    @app.post("/result")
    async def result(request: Request) -> str:
        results.put_nowait(json.loads(await request.read()))
        return "thanks"

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%05d" % number * 2000

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await request.peer.lost.wait()
        return "never read"

    return app


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority whose certificates the clients trust."""
    return Authority(tmp_path)


@asynccontextmanager
async def _listening(
    engine: str, authority: Authority | None, results: asyncio.Queue[object] | None = None
) -> AsyncIterator[str]:
    tls = None
    if authority is not None:
        cert, key = authority.issue("localhost", "127.0.0.1")
        tls = TLS(cert=cert, key=key)
    server = HTTPServer(_app(engine, results or asyncio.Queue()).compile(), port=0, tls=tls)
    await server.start()
    try:
        yield server.addresses[0].url.rstrip("/")
    finally:
        await server.stop()


@pytest.fixture(params=["clear", "tls"])
async def target(
    request: pytest.FixtureRequest, engine: str, authority: Authority
) -> AsyncIterator[tuple[str, Authority]]:
    """The base of URLs, once in the clear and once over TLS, and the authority."""
    async with _listening(engine, authority if request.param == "tls" else None) as base:
        yield base, authority


async def _run(program: str, *arguments: str) -> str:
    """Return the output of a client, whose exit status must be 0."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: this client of HTTP/2 is NOT tested")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(path, *arguments, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(TIMEOUT):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()[-2000:]
    return output.decode()


def _http2_of_curl(base: str, authority: Authority) -> list[str]:
    if base.startswith("https"):
        return ["--silent", "--show-error", "--http2", "--cacert", authority.file]
    return ["--silent", "--show-error", "--http2-prior-knowledge"]


async def test_curl_is_served(target: tuple[str, Authority], tmp_path: Path) -> None:
    base, authority = target
    options = _http2_of_curl(base, authority)
    content = tmp_path / "content"
    content.write_bytes(bytes(range(256)) * 4096)
    version = await _run("curl", *options, f"{base}/version")
    info = await _run("curl", *options, "--head", "--write-out", "%{http_version} %{http_code}", f"{base}/items/1")
    await _run("curl", *options, "--data-binary", f"@{content}", "--output", str(tmp_path / "echo"), f"{base}/echo")
    stream = await _run("curl", *options, f"{base}/stream")
    # In the clear, curl 7.88 fails with a second request on a connection, whichever the server.
    most = 50 if base.startswith("https") else 1
    items = await _run("curl", *options, "--parallel", f"{base}/items/[1-{most}]")

    assert version == f"2 {base.partition(':')[0]}"
    assert info.endswith("2 200")
    assert (tmp_path / "echo").read_bytes() == content.read_bytes()
    assert len(stream) == 100 * 10_000
    assert sorted(map(int, re.findall(r'"id":\s*(\d+)', items))) == list(range(1, most + 1))


async def test_curl_that_offers_an_upgrade_stays_with_http_1(engine: str) -> None:
    # The upgrade to h2c is gone from the specification (RFC 9113, section 3.1).
    async with _listening(engine, None) as base:
        assert await _run("curl", "--silent", "--http2", f"{base}/version") == "1.1 http"
        assert await _run("curl", "--silent", "--http1.1", f"{base}/version") == "1.1 http"


async def test_nghttp_is_served(target: tuple[str, Authority]) -> None:
    base, _ = target
    urls = [f"{base}/items/{number}" for number in range(20)]
    report = await _run("nghttp", "--no-verify-peer", "--null-out", "--stat", *urls, f"{base}/stream")
    verbose = await _run("nghttp", "--no-verify-peer", "--verbose", f"{base}/version")

    assert len(re.findall(r"\b200\b", report)) == 21
    assert "recv GOAWAY" not in verbose.replace("recv GOAWAY frame <length=8, flags=0x00, stream_id=0>", "")
    assert f"2 {base.partition(':')[0]}" in verbose


async def test_h2load_counts_no_error(target: tuple[str, Authority]) -> None:
    base, _ = target
    report = await _run("h2load", "-n", "2000", "-c", "8", "-m", "16", f"{base}/items/1", f"{base}/items/2")

    assert "2000 done, 2000 succeeded, 0 failed, 0 errored" in report


async def test_h2load_reads_streams(target: tuple[str, Authority]) -> None:
    base, _ = target
    report = await _run("h2load", "-n", "40", "-c", "2", "-m", "10", "-w", "16", "-W", "16", f"{base}/stream")

    assert "40 done, 40 succeeded, 0 failed, 0 errored" in report


async def test_h2spec_passes(target: tuple[str, Authority]) -> None:
    # It is not in Debian, so it runs only where it was installed by hand.
    base, _ = target
    port = base.rpartition(":")[2]
    if base.startswith("https"):
        report = await _run("h2spec", "--port", port, "--tls", "--insecure", "--strict")
        assert ", 0 failed" in report
        return
    # An invalid preface (3.5, case 2) is a malformed request of HTTP/1.1, whose response h2spec takes for a frame.
    sections = ["generic", "hpack", "http2/4", "http2/5", "http2/6", "http2/7", "http2/8"]
    report = await _run("h2spec", "--port", port, "--strict", *sections)
    assert ", 0 failed" in report


async def test_httpx_is_served(target: tuple[str, Authority]) -> None:
    pytest.importorskip("h2", reason="h2 is not installed: httpx is NOT tested with HTTP/2")
    base, authority = target
    async with httpx.AsyncClient(
        base_url=base, http1=False, http2=True, verify=authority.client_context(), trust_env=False
    ) as client:
        version = await client.get("/version")
        items = await asyncio.gather(*(client.get(f"/items/{number}") for number in range(100)))
        echo = await client.post("/echo", content=b"x" * 500_000)
        stream = await client.get("/stream")

    assert (version.http_version, version.text) == ("HTTP/2", f"2 {base.partition(':')[0]}")
    assert [item.json()["id"] for item in items] == list(range(100))
    assert (echo.content, len(stream.content)) == (b"x" * 500_000, 1_000_000)


_CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--ignore-certificate-errors",
)


@asynccontextmanager
async def _browsing(url: str, profile: Path) -> AsyncIterator[None]:
    """Show a page in Chromium, which goes on until the end of the block."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed: this client of HTTP/2 is NOT tested")
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        path, *_CHROMIUM, f"--user-data-dir={profile}", url, stdout=nothing, stderr=nothing, start_new_session=True
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def test_chromium_loads_a_page_with_its_requests(engine: str, authority: Authority, tmp_path: Path) -> None:
    results: asyncio.Queue[object] = asyncio.Queue()
    async with _listening(engine, authority, results) as base, _browsing(f"{base}/", tmp_path / "profile"):
        async with asyncio.timeout(TIMEOUT):
            found = await results.get()

    assert found == {
        "protocol": "h2",
        "items": list(range(40)),
        "echo": 300_000,
        "stream": 1_000_000,
        "cancelled": "AbortError",
        "missing": 404,
    }
