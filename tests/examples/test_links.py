"""The board of links, with two workers: people use it as browsers do, and attackers find nothing."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.browser import Browser, Page, needs_axe, open_browser
from tests.processes import unmeasured_environ

from .conftest import EXAMPLES

FOLDER: Final = EXAMPLES / "links"
PASSWORD: Final = "tepid walrus umbrella"
PIXEL: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0f01f0005000201e221bc330000000049454e44ae426082"
)


class Board:
    """The served board."""

    def __init__(self, url: str, log: Path) -> None:
        self.url: Final = url
        self.log: Final = log

    def client(self) -> httpx.AsyncClient:
        """Return a client with its own cookies, which behaves like a browser on this site."""
        headers = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", "Accept": "text/html,*/*"}
        # Without connections that stay open, the requests spread over both workers.
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=self.url, headers=headers, limits=limits, timeout=60, trust_env=False)

    async def link_to(self, email: str) -> str:
        """Return the path in the last mail to an address, which the server prints."""
        async with asyncio.timeout(60):
            while True:
                text = await asyncio.to_thread(self.log.read_text, "utf-8")
                found = re.findall(rf"mail to {re.escape(email)}: {self.url}(/\S+token=\S+)$", text, re.MULTILINE)
                if found:
                    return str(found[-1])
                await asyncio.sleep(0.05)

    async def join(self, client: httpx.AsyncClient, name: str) -> None:
        """Register, and be logged in."""
        email = f"{name.lower()}@example.org"
        response = await client.post("/accounts/register", data={"email": email})
        assert response.status_code == 303
        token = (await self.link_to(email)).partition("token=")[2]
        fields = {"token": token, "name": name, "password": PASSWORD}
        assert (await client.post("/accounts/confirm", data=fields)).status_code == 303
        assert name in (await client.get("/")).text


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("links")
    log = folder / "log.txt"
    command = [sys.executable, "-m", "turnbuckle", "serve", str(FOLDER / "app.py"), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=unmeasured_environ())
    try:
        yield Board(_url(process, log), log)
    finally:
        process.terminate()
        process.wait(30)


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(600):
        found = re.search(r"listening on (http://\S+)", log.read_text("utf-8"))
        if found is not None:
            assert "2 workers" in log.read_text("utf-8")
            return found[1]
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    raise AssertionError(log.read_text("utf-8"))


@pytest.fixture
async def visitor(board: Board) -> AsyncIterator[httpx.AsyncClient]:
    async with board.client() as client:
        yield client


_joined: Final[dict[str, httpx.Cookies]] = {}


async def person(board: Board, name: str) -> httpx.AsyncClient:
    """Return a client that is logged in; each name joins once, because mails are limited."""
    client = board.client()
    if (known := _joined.get(f"{board.url} {name}")) is not None:
        client.cookies = httpx.Cookies(known)
    else:
        await board.join(client, name)
        _joined[f"{board.url} {name}"] = httpx.Cookies(client.cookies)
    return client


@pytest.fixture
async def ada(board: Board) -> AsyncIterator[httpx.AsyncClient]:
    client = await person(board, "Ada")
    yield client
    await client.aclose()


@pytest.fixture
async def eve(board: Board) -> AsyncIterator[httpx.AsyncClient]:
    client = await person(board, "Eve")
    yield client
    await client.aclose()


async def add(
    client: httpx.AsyncClient, title: str, url: str = "https://example.org/", picture: bytes = b""
) -> httpx.Response:
    data, files = {"url": url, "title": title}, {"picture": ("me.png" if picture else "", picture)}
    return await client.post("/links/new", data=data, files=files)


async def number_of(client: httpx.AsyncClient, title: str) -> int:
    links = (await client.get("/api/links")).json()
    return next(int(link["id"]) for link in links if link["title"] == title)


async def raw(board: Board, *lines: str) -> bytes:
    """Send a request that no client would send, and return the answer."""
    host, port = board.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "\r\n".join([*lines, f"Host: {host}:{port}", "Connection: close"])
    writer.write(f"{head}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


def test_it_has_at_most_120_lines_and_no_security_of_its_own() -> None:
    source = (FOLDER / "app.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 120
    # What these modules and names are for, plugins do.
    found = re.findall(
        r"\b(hashlib|hmac|secrets|escape|cookie|middleware|Origin|nonce|compare_digest|verify_password)\b", source
    )
    assert found == []


# -- use


async def test_link_is_added_shown_and_deleted(ada: httpx.AsyncClient) -> None:
    assert (await add(ada, "A good read")).status_code == 303
    page = (await ada.get("/")).text
    assert "Your link is on the board." in page
    assert '<a href="https://example.org/" rel="noopener nofollow ugc">A good read</a>' in page
    assert "Your link is on the board." not in (await ada.get("/")).text
    number = await number_of(ada, "A good read")
    assert (await ada.post(f"/links/{number}/delete")).status_code == 303
    assert "A good read" not in (await ada.get("/")).text


async def test_session_holds_in_both_workers(ada: httpx.AsyncClient) -> None:
    pages = await asyncio.gather(*(ada.get("/") for _ in range(12)))
    assert all(">Ada</a>" in page.text for page in pages)


async def test_form_comes_back_with_reasons_and_the_typed_text(ada: httpx.AsyncClient) -> None:
    response = await add(ada, "", "javascript:alert(1)")
    assert response.status_code == 422
    assert 'value="javascript:alert(1)"' in response.text
    assert response.text.count('aria-invalid="true"') == 2


async def test_visitor_is_sent_to_the_login_and_back(board: Board, ada: httpx.AsyncClient) -> None:
    async with board.client() as client:
        response = await client.get("/links/new", headers={"Sec-Fetch-Mode": "navigate"})
        assert response.status_code == 303
        fields = {"email": "ada@example.org", "password": PASSWORD, "next": "/links/new"}
        response = await client.post("/accounts/login", data=fields)
        assert (response.status_code, response.headers["Location"]) == (303, "/links/new")


async def test_picture_is_uploaded_and_sent(ada: httpx.AsyncClient) -> None:
    assert (await add(ada, "With a picture", picture=PIXEL)).status_code == 303
    number = await number_of(ada, "With a picture")
    response = await ada.get(f"/links/{number}/picture")
    assert response.content == PIXEL
    assert f'<img src="/links/{number}/picture"' in (await ada.get("/")).text
    assert (await ada.get("/links/999999/picture")).status_code == 404


async def test_upload_that_is_too_large_is_refused_before_it_is_sent(board: Board) -> None:
    assert (await raw(board, "POST /links/new HTTP/1.1", "Content-Length: 6000000")).startswith(b"HTTP/1.1 413 ")


async def test_static_files_have_versions(visitor: httpx.AsyncClient) -> None:
    page = (await visitor.get("/")).text
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        response = await visitor.get(path)
        assert response.status_code == 200
        assert "immutable" in response.headers["Cache-Control"]


async def test_other_sites_and_programs_use_the_api(board: Board, ada: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=board.url, trust_env=False, timeout=60) as program:
        foreign = {"Origin": "https://app.example"}
        response = await program.get("/api/links", headers=foreign)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers
        link = {"url": "https://example.org/api", "title": "By a program"}
        assert (await program.post("/api/links", json=link)).status_code == 401
        response = await program.post("/api/links", json=link, auth=("ada@example.org", PASSWORD))
        assert response.status_code == 201
        response = await program.post("/api/links", json={"url": "x"}, auth=("ada@example.org", PASSWORD))
        assert response.status_code == 422
        assert {error["pointer"] for error in response.json()["errors"]} == {"/url", "/title"}


async def test_links_of_both_workers_are_live(board: Board, ada: httpx.AsyncClient) -> None:
    streams = [board.client() for _ in range(4)]
    after = max((link["id"] for link in (await ada.get("/api/links")).json()), default=0)

    async def receive(client: httpx.AsyncClient) -> str:
        async with client, client.stream("GET", f"/links/live?after={after}") as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            async for line in response.aiter_lines():
                if line.startswith("data:"):
                    return line
        return ""

    waiting = [asyncio.create_task(receive(client)) for client in streams]
    await add(ada, "Fresh from the press")
    async with asyncio.timeout(60):
        assert set(await asyncio.gather(*waiting)) == {'data: {"title":"Fresh from the press","user":"Ada"}'}


async def test_health(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/-/health/ready")).status_code == 200


# -- attacks


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, id="another-site"),
        pytest.param({"Sec-Fetch-Site": "same-site", "Origin": "https://other.localhost"}, id="another-subdomain"),
        pytest.param({"Sec-Fetch-Site": "", "Origin": "https://evil.example"}, id="old-browser"),
        pytest.param({"Sec-Fetch-Site": "", "Origin": "null"}, id="sandboxed-page"),
    ],
)
async def test_forged_requests_change_nothing(ada: httpx.AsyncClient, fields: dict[str, str]) -> None:
    await add(ada, "Keep me")
    number = await number_of(ada, "Keep me")
    sent = {name: value for name, value in fields.items() if value}
    if "Sec-Fetch-Site" not in sent:
        del ada.headers["Sec-Fetch-Site"]
    for path, data in [
        ("/links/new", {"url": "https://evil.example", "title": "Forged"}),
        (f"/links/{number}/delete", {}),
        ("/accounts/logout", {"everywhere": "yes"}),
        ("/accounts/password", {"current": PASSWORD, "password": "the password of the attacker"}),
        ("/api/links", {"url": "https://evil.example", "title": "Forged"}),
    ]:
        response = await ada.post(path, data=data, headers=sent)
        # The API takes no cookies, so there the request is of no user.
        assert response.status_code == (401 if path.startswith("/api") else 403), path
    titles = [link["title"] for link in (await ada.get("/api/links")).json()]
    assert "Forged" not in titles
    assert "Keep me" in titles
    assert ">Ada</a>" in (await ada.get("/")).text


async def test_planted_session_does_not_become_the_victims(board: Board, ada: httpx.AsyncClient) -> None:
    async with board.client() as attacker, board.client() as victim:
        # A visitor gets a session when there is a message; an attacker plants its cookie.
        for client in (victim, attacker):
            client.cookies.set("session", "x" * 43, domain="127.0.0.1", path="/")
        fields = {"email": "ada@example.org", "password": PASSWORD}
        assert (await victim.post("/accounts/login", data=fields)).status_code == 303
        assert ">Ada</a>" in (await victim.get("/")).text
        assert ">Ada</a>" not in (await attacker.get("/")).text


async def test_logout_ends_a_stolen_session(board: Board, ada: httpx.AsyncClient) -> None:
    async with board.client() as victim, board.client() as thief:
        await victim.post("/accounts/login", data={"email": "ada@example.org", "password": PASSWORD})
        thief.cookies = httpx.Cookies(victim.cookies)
        assert ">Ada</a>" in (await thief.get("/")).text
        await victim.post("/accounts/logout")
        assert ">Ada</a>" not in (await thief.get("/")).text


async def test_cookies_are_protected(board: Board, ada: httpx.AsyncClient) -> None:
    async with board.client() as client:
        response = await client.post("/accounts/login", data={"email": "ada@example.org", "password": PASSWORD})
        cookies = response.headers.get_list("Set-Cookie")
        session = next(cookie for cookie in cookies if cookie.startswith("session="))
        assert "HttpOnly" in session
        assert "SameSite=Lax" in session


async def test_nobody_deletes_links_of_others(ada: httpx.AsyncClient, eve: httpx.AsyncClient) -> None:
    await add(ada, "Mine")
    number = await number_of(ada, "Mine")
    assert (await eve.post(f"/links/{number}/delete")).status_code == 404
    assert await number_of(ada, "Mine") == number


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/links.css%00.png",
        "/static/.%2e/turnbuckle.toml",
        "/links/..%2f..%2flinks.sqlite3/picture",
        "/links/1%2f..%2f..%2flinks.sqlite3/picture",
        "/pictures/",
        "/links.sqlite3",
    ],
)
async def test_no_path_leads_out(board: Board, path: str) -> None:
    answer = await raw(board, f"GET {path} HTTP/1.1")
    assert answer.split(b" ")[1] in {b"404", b"400"}
    assert b"SQLite" not in answer
    assert b"import" not in answer


async def test_markup_is_text(ada: httpx.AsyncClient) -> None:
    await add(ada, "<script>alert(1)</script>", 'https://example.org/"onmouseover="alert(1)')
    page = (await ada.get("/")).text
    assert "<script>alert" not in page
    assert '"onmouseover=' not in page
    policy = (await ada.get("/")).headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("url", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "https://", "//x"])
async def test_links_lead_to_the_web(ada: httpx.AsyncClient, url: str) -> None:
    assert (await add(ada, "Odd", url)).status_code == 422
    link = {"url": url, "title": "Odd"}
    assert (await ada.post("/api/links", json=link, auth=("ada@example.org", PASSWORD))).status_code == 422


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"<html><script>alert(1)</script>"],
)
async def test_uploaded_pages_run_no_scripts(ada: httpx.AsyncClient, content: bytes) -> None:
    await add(ada, "Hostile picture", picture=content)
    response = await ada.get(f"/links/{await number_of(ada, 'Hostile picture')}/picture")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]


# -- in a browser


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with open_browser(tmp_path) as browser:
        yield browser


async def check(page: Page, where: str) -> None:
    for width, dark in [(390, False), (390, True), (1280, False), (1280, True)]:
        await page.look(width=width, dark=dark)
        assert await page.violations() == [], f"{where} at {width} px, {'dark' if dark else 'light'}"
        assert await page.overflow() <= 0, f"{where} at {width} px"


@needs_axe
async def test_two_browsers(board: Board, browser: Browser) -> None:
    first, second = await browser.new_page(), await browser.new_page(width=390, dark=True)
    await second.goto(board.url)
    await first.goto(f"{board.url}/accounts/register")
    await check(first, "register")
    await first.fill("#email", "zoe@example.org")
    await first.click("main button[type=submit]")
    await first.goto(board.url + await board.link_to("zoe@example.org"))
    await first.fill("#name", "Zoë")
    await first.fill("#password", PASSWORD)
    await check(first, "confirm")
    await first.click("main button[type=submit]")
    assert "Welcome, Zoë." in await first.text("main")

    await first.click("nav .button")
    await check(first, "new")
    await first.fill("#url", "nonsense")
    await first.evaluate("document.querySelector('form').noValidate = true")
    await first.click("main button")
    await check(first, "new with an error")
    await first.fill("#url", "https://example.org/zoe")
    await first.fill("#title", "A link of Zoë")
    await first.click("main button")
    assert "Your link is on the board." in await first.text("main")
    await check(first, "board")

    # The other window learns of it without being loaded again.
    await second.wait_for("document.querySelector('#live').innerText.includes('A link of Zoë, by Zoë')")
    await check(second, "board with news")
    await second.click("#live a")
    assert "A link of Zoë" in await second.text(".links")
