"""Drive headless Chromium by the DevTools protocol, as a person would: pages are filled in, clicked, and looked at.

Each page has its own browser context, and so its own cookies. ``violations`` runs axe-core in a page, and bypasses
the content security policy of the page only for that. ``make test`` fetches axe-core (``tests/axe_core.py``).
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import websockets.asyncio.client

from tests.axe_core import AXE

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium: Final = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (on Debian: apt-get install chromium)"
)
needs_axe: Final = pytest.mark.skipif(
    CHROMIUM is None or not AXE.exists(), reason=f"Chromium or {AXE.name} is missing: make axe"
)
_OPTIONS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
_TIMEOUT: Final = 60
# The rules of WCAG 2.2 AA, and what axe-core calls good practice.
_AXE_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Browser:
    """A running Chromium."""

    def __init__(self, socket: websockets.asyncio.client.ClientConnection) -> None:
        self._socket: Final = socket
        self._count = 0
        self._waiting: Final[dict[int, asyncio.Future[dict[str, Any]]]] = {}
        self._events: Final[dict[str, list[asyncio.Future[None]]]] = {}

    async def listen(self) -> None:
        """Distribute the messages of the browser; a task of ``open_browser``."""
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._waiting.pop(message["id"]).set_result(message)
            key = f"{message.get('sessionId', '')} {message.get('method')}"
            for future in self._events.pop(key, []):
                if not future.done():
                    future.set_result(None)

    async def call(self, method: str, session: str = "", **params: object) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        self._count += 1
        answer = self._waiting[self._count] = asyncio.get_running_loop().create_future()
        message = {"id": self._count, "method": method, "params": params}
        await self._socket.send(json.dumps({**message, "sessionId": session} if session else message))
        async with asyncio.timeout(_TIMEOUT):
            result = await answer
        assert "error" not in result, f"{method}: {result}"
        found: dict[str, Any] = result["result"]
        return found

    def event(self, method: str, session: str) -> asyncio.Future[None]:
        """Return a future that is done at the next event of this name."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._events.setdefault(f"{session} {method}", []).append(future)
        return future

    async def new_page(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """Return an empty page with its own cookies."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        return await self._page_in(context, width=width, height=height, dark=dark)

    async def new_tab(self, page: Page, *, width: int = 1280, height: int = 900) -> Page:
        """Return an empty page that has the cookies of another page."""
        return await self._page_in(page.context, width=width, height=height, dark=False)

    async def _page_in(self, context: str, *, width: int, height: int, dark: bool) -> Page:
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"], context)
        await page.call("Page.enable")
        await page.look(width=width, height=height, dark=dark)
        return page


class Page:
    """A page in the browser; pages of one context have the same cookies."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self.context: Final = context
        self._browser: Final = browser
        self._session: Final = session
        self._width = 0

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """Call a method of the protocol for this page."""
        return await self._browser.call(method, self._session, **params)

    async def look(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Change the size of the window and the colours that the user prefers."""
        self._width = width
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def goto(self, url: str) -> None:
        """Load a page, and wait until it is complete."""
        loaded = self._browser.event("Page.loadEventFired", self._session)
        await self.call("Page.navigate", url=url)
        async with asyncio.timeout(_TIMEOUT):
            await loaded

    async def evaluate(self, script: str) -> Any:
        """Return the value of an expression in the page; promises are awaited."""
        options = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        result = await self.call("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def text(self, selector: str = "body") -> str:
        """Return the visible text of an element."""
        return str(await self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def fill(self, selector: str, text: str) -> None:
        """Type a text into a field, in place of its value."""
        await self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus(); e.select(); }})()"
        )
        await self.call("Input.insertText", text=text)

    async def click(self, selector: str) -> None:
        """Click an element, and wait for the page that follows."""
        loaded = self._browser.event("Page.loadEventFired", self._session)
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")
        async with asyncio.timeout(_TIMEOUT):
            await loaded

    async def press(self, key: str) -> None:
        """Press a key, such as ``"Tab"`` or ``"Enter"``."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32}[key]
        text = {"Enter": "\r", "Space": " "}.get(key, "")
        options = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **options)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **options)

    async def wait_for(self, condition: str) -> None:
        """Wait until an expression in the page is true."""
        async with asyncio.timeout(_TIMEOUT):
            while not await self.evaluate(condition):  # noqa: ASYNC110  # the page has no event for it
                await asyncio.sleep(0.02)

    async def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page."""
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        # On a small device, innerWidth grows with the page.
        return int(await self.evaluate("document.documentElement.scrollWidth")) - self._width

    async def violations(self) -> list[str]:
        """Return what axe-core finds, a line for each element."""
        source = AXE.read_text(encoding="utf-8")
        await self.evaluate(f"{source};0")
        run = f"axe.run({{runOnly: {json.dumps(_AXE_TAGS)}}})"
        found = await self.evaluate(f"{run}.then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
        return [f"{rule}: {html}" for rule, elements in found for html in elements]


@asynccontextmanager
async def open_browser(folder: Path) -> AsyncIterator[Browser]:
    """Start Chromium with an empty profile in a folder, and stop it.

    The context may be entered in an async fixture.
    """
    assert CHROMIUM is not None
    profile = folder / "profile"
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_OPTIONS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_TIMEOUT):
            port, path = (await asyncio.to_thread(_read_port, profile / "DevToolsActivePort")).split()
            url = f"ws://127.0.0.1:{port}{path}"
            socket = await websockets.asyncio.client.connect(url, max_size=None, proxy=None, ping_interval=None)
        async with socket:
            browser = Browser(socket)
            listening = asyncio.create_task(browser.listen())
            yield browser
            listening.cancel()
            await asyncio.wait([listening])
    finally:
        process.kill()
        await process.wait()


def _read_port(path: Path) -> str:
    # Chromium writes the port, and the path of the socket, to a file.
    for _ in range(_TIMEOUT * 20):
        if path.exists() and "\n" in (text := path.read_text()):
            return text
        time.sleep(0.05)
    raise TimeoutError("Chromium does not start")
