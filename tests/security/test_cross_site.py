"""Pages of other sites attack an app in Chromium: forms, scripts, frames, and reading with CORS.

``127.0.0.1`` and ``localhost`` are two sites for a browser, and a port is another origin of the same site. The control
test shows that the attacks work against an app without protection.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.browser import Browser, Page, needs_chromium, open_browser
from turnbuckle import HTML, App, HTTPServer, Request, Response, WebSocket
from turnbuckle_contrib.csrf import csrf_field

pytestmark = needs_chromium


class Victim(NamedTuple):
    """A served app with a cookie, and the requests that have changed something."""

    url: str
    changes: list[str]


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with open_browser(tmp_path) as browser:
        yield browser


@asynccontextmanager
async def _serve(app: App, host: str = "localhost") -> AsyncIterator[str]:
    async with HTTPServer(app.compile(), host="127.0.0.1", port=0) as server:
        yield f"http://{host}:{server.addresses[0].url.rpartition(':')[2]}"


@asynccontextmanager
async def _victim(*plugins: object) -> AsyncIterator[Victim]:
    app = App(plugins=list(plugins))
    changes: list[str] = []

    @app.get("/login")
    async def login() -> Response:
        # Without SameSite, Chromium sends the cookie with a cross-site POST for two minutes.
        response = HTML("logged in")
        response.set_cookie("session", "ada", same_site=None)
        return response

    @app.get("/")
    async def form(request: Request) -> HTML:
        script = f"<script nonce={request.state.get('csp_nonce')}>parent.postMessage('framed', '*')</script>"
        fields = f"{csrf_field(request)}<input name=note><button>Save</button>"
        return HTML(f"{script}<form method=post action=/change>{fields}</form>")

    @app.route("/change", methods=["POST", "PUT", "DELETE"])
    async def change(request: Request) -> str:
        changes.append(f"{request.method} as {request.cookies.get('session')}")
        return "changed"

    @app.get("/secret")
    async def secret(request: Request) -> dict[str, str]:
        return {"of": request.cookies.get("session", "")}

    @app.get("/fails")
    async def fails() -> str:
        raise RuntimeError("on purpose")

    async with _serve(app) as url:
        yield Victim(url, changes)


@asynccontextmanager
async def _attacker(host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve a page that can do anything to other sites."""
    app = App()

    @app.get("/")
    async def page(request: Request) -> HTML:
        return HTML(request.query_params.get("html", "nothing"))

    async with _serve(app, host) as url:
        yield url


async def _submit(page: Page, target: str, enctype: str = "application/x-www-form-urlencoded") -> str:
    """Submit a form to a URL, and return the text of the page that follows."""
    html = f'<form method=post enctype="{enctype}" action="{target}"><input name=a value=b><button>go</button></form>'
    await page.evaluate(f"document.body.innerHTML = {json.dumps(html)}; 0")
    await page.click("button")
    return await page.text()


async def _fetch(page: Page, url: str, **options: object) -> object:
    """Fetch a URL in the page, and return status and text, or "blocked"."""
    script = (
        f"fetch({json.dumps(url)}, {json.dumps(options)}).then(async r => [r.status, await r.text()], () => 'blocked')"
    )
    return await page.evaluate(script)


def _pause(milliseconds: int) -> str:
    return f"new Promise(done => setTimeout(done, {milliseconds}))"


async def test_control_attack_works_without_protection(browser: Browser) -> None:
    async with _victim() as victim, _attacker() as attacker:
        page = await browser.new_page()
        await page.goto(f"{victim.url}/login")
        await page.goto(attacker)
        assert await _submit(page, f"{victim.url}/change") == "changed"
    assert victim.changes == ["POST as ada"]


async def test_foreign_form_is_refused(browser: Browser) -> None:
    async with (
        _victim("csrf", "security_headers") as victim,
        _attacker("127.0.0.1") as cross_site,
        _attacker("localhost") as same_site,
    ):
        page = await browser.new_page()
        await page.goto(f"{victim.url}/login")
        for attacker in (cross_site, same_site):
            for enctype in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
                await page.goto(attacker)
                text = await _submit(page, f"{victim.url}/change", enctype)
                assert "a page of another site may not send this request" in text, (attacker, enctype)
    assert victim.changes == []


async def test_own_form_passes(browser: Browser) -> None:
    async with _victim("csrf", "security_headers") as victim:
        page = await browser.new_page()
        await page.goto(f"{victim.url}/login")
        await page.goto(f"{victim.url}/")
        await page.fill("[name=note]", "tea")
        await page.click("button")
        assert await page.text() == "changed"
        assert await _fetch(page, "/change", method="DELETE") == [200, "changed"]
        # This page sends the origin null, and the browser still says that it is the same origin.
        await page.goto(f"{victim.url}/")
        await page.evaluate("document.head.innerHTML = '<meta name=referrer content=no-referrer>'; 0")
        await page.click("button")
        assert await page.text() == "changed"
    assert victim.changes == ["POST as ada", "DELETE as ada", "POST as ada"]


async def test_foreign_script_and_sandbox_are_refused(browser: Browser) -> None:
    async with _victim("csrf") as victim, _attacker() as attacker:
        page = await browser.new_page()
        await page.goto(f"{victim.url}/login")
        await page.goto(attacker)
        target = f"{victim.url}/change"
        for options in ({"mode": "no-cors"}, {"mode": "no-cors", "keepalive": True}, {"mode": "cors"}):
            await _fetch(page, target, method="POST", credentials="include", body="a=b", **options)
        await page.evaluate(f"navigator.sendBeacon({json.dumps(target)}, 'a=b')")
        frame = (
            f"<iframe sandbox='allow-scripts allow-forms' srcdoc='<form method=post action={target}></form>'></iframe>"
        )
        script = "<script>document.forms[0].submit()</script>"
        await page.evaluate(
            f"document.body.innerHTML = {json.dumps(frame.replace('</form>', '</form>' + script))};"
            " new Promise(done => setTimeout(done, 500))"
        )
        # The answer of the victim shows that the requests before have arrived.
        await page.goto(f"{victim.url}/secret")
    assert victim.changes == []


async def test_redirect_does_not_make_a_request_own(browser: Browser) -> None:
    async with _victim("csrf") as victim:
        app = App()

        @app.post("/bounce")
        async def bounce() -> Response:
            return Response(status=307, headers={"Location": f"{victim.url}/change"})

        async with _serve(app, "127.0.0.1") as foreign:
            page = await browser.new_page()
            await page.goto(f"{victim.url}/login")
            # The form is on a page of the victim, and a foreign server redirects it back.
            assert "a page of another site" in await _submit(page, f"{foreign}/bounce")
    assert victim.changes == []


async def test_only_permitted_origins_read(browser: Browser) -> None:
    async with _attacker("localhost") as friend, _attacker() as foe:
        cors = ("cors", {"origins": [friend], "credentials": True, "headers": ["Content-Type"]})
        csrf = ("csrf", {"trusted_origins": [friend]})
        async with _victim(cors, csrf) as victim:
            page = await browser.new_page()
            await page.goto(f"{victim.url}/login")
            secret, change = f"{victim.url}/secret", f"{victim.url}/change"
            own = {"credentials": "include"}
            await page.goto(friend)
            assert await _fetch(page, secret, **own) == [200, '{"of":"ada"}']
            assert await _fetch(page, change, method="PUT", **own) == [200, "changed"]
            assert await _fetch(page, f"{victim.url}/nowhere", method="DELETE", **own) == [404, "Not Found"]
            assert await _fetch(page, f"{victim.url}/fails", **own) == [500, "Internal Server Error"]
            assert await _fetch(page, change, method="POST", headers={"X-Other": "1"}, **own) == "blocked"
            await page.goto(foe)
            assert await _fetch(page, secret, **own) == "blocked"
            assert await _fetch(page, secret) == "blocked"
            assert await _fetch(page, change, method="PUT", **own) == "blocked"
            assert await _fetch(page, change, method="POST", **own) == "blocked"
    assert victim.changes == ["PUT as ada"]


async def test_public_api_is_read_without_cookies(browser: Browser) -> None:
    async with _victim(("cors", {"origins": ["*"]})) as victim, _attacker() as anyone:
        page = await browser.new_page()
        await page.goto(f"{victim.url}/login")
        await page.goto(anyone)
        assert await _fetch(page, f"{victim.url}/secret") == [200, '{"of":""}']
        assert await _fetch(page, f"{victim.url}/secret", credentials="include") == "blocked"


async def test_policy_stops_injected_scripts(browser: Browser) -> None:
    app = App(plugins=["security_headers", "websocket"])

    @app.get("/")
    async def page_with_comment(request: Request) -> HTML:
        # The comment of an attacker is not escaped.
        comment = request.query_params.get("comment", "")
        nonce = request.state.csp_nonce
        style = f"<style nonce={nonce}>p {{ color: rgb(1, 2, 3) }}</style>"
        return HTML(
            f"<html><head>{style}</head><body><script nonce={nonce}>ran = 'own'</script><p>{comment}</p></body>"
        )

    @app.websocket("/ws")
    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send("hello")

    attacks = [
        "<script>ran='inline'</script>",
        "<img src=x onerror=ran='handler'>",
        "<svg onload=ran='svg'></svg>",
        "<script nonce=guess>ran='nonce'</script>",
        "<script src=data:text/javascript,ran='data'></script>",
        "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
        "<base href=https://evil.example/>",
    ]
    async with _serve(app) as url, _attacker() as attacker:
        page = await browser.new_page()
        for attack in attacks:
            query = "".join(f"%{byte:02x}" for byte in attack.encode())
            await page.goto(f"{url}/?comment={query}")
            await page.evaluate(_pause(50))
            assert await page.evaluate("[ran, document.baseURI.startsWith(location.origin)]") == ["own", True], attack
        assert await page.evaluate("getComputedStyle(document.querySelector('p')).color") == "rgb(1, 2, 3)"
        assert await _fetch(page, "/") != "blocked"
        assert await _fetch(page, attacker) == "blocked"
        socket = f"new WebSocket({json.dumps(url.replace('http', 'ws') + '/ws')})"
        message = await page.evaluate(f"new Promise(done => {{ {socket}.onmessage = event => done(event.data) }})")
        assert message == "hello"


@pytest.mark.parametrize(("plugins", "expected"), [([], ["framed"]), (["security_headers"], [])])
async def test_page_is_not_framed_by_others(browser: Browser, plugins: list[str], expected: list[str]) -> None:
    async with _victim(*plugins) as victim, _attacker() as attacker:
        page = await browser.new_page()
        await page.goto(attacker)
        await page.evaluate(
            "messages = []; onmessage = event => messages.push(event.data);"
            f"document.body.innerHTML = '<iframe src={victim.url}/></iframe>';"
            "new Promise(done => { document.querySelector('iframe').onload = () => done(0) })"
        )
        await page.evaluate(_pause(300))
        assert await page.evaluate("messages") == expected
