"""The pages in Chromium: labels and contrast by axe-core, narrow and wide, light and dark, and by keyboard."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser import Browser, Page, needs_axe, open_browser
from tests.contrib.accounts.conftest import FAST, PASSWORD
from turnbuckle import App, HTTPServer
from turnbuckle_contrib.accounts import AccountsPlugin, Mail
from turnbuckle_contrib.auth import User

pytestmark = needs_axe
_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_SIZES = [(390, False), (390, True), (1280, False), (1280, True)]


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with open_browser(tmp_path) as browser:
        yield browser


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, list[Mail]]]:
    """Serve the pages with a strict policy; return the URL, and the mails."""
    monkeypatch.chdir(tmp_path)
    mails: list[Mail] = []
    accounts = (AccountsPlugin(mailer=mails.append), {"database": "accounts.sqlite3", "site": "Harbour & Sons"})
    headers = ("security_headers", {"content_security_policy": _POLICY})
    app = App("shop", debug=True, plugins=["sessions", "csrf", "jinja_templates", headers, FAST, accounts])

    @app.get("/")
    async def home(user: User | None) -> str:
        return f"Hello, {user.name}" if user else "visitor"

    async with HTTPServer(app.compile(), port=0) as server:
        yield server.addresses[0].url, mails


async def check(page: Page, where: str) -> None:
    for width, dark in _SIZES:
        await page.look(width=width, dark=dark)
        assert await page.violations() == [], f"{where} at {width} px, {'dark' if dark else 'light'}"
        assert await page.overflow() <= 0, f"{where} at {width} px"


async def link_of(page: Page, mails: list[Mail]) -> str:
    """Return the link of the last mail, which is sent after the response."""
    await page.wait_for("document.title.startsWith('Look into your mail')")
    for _ in range(1000):
        if mails:
            break
        await page.evaluate("new Promise(done => setTimeout(done, 10))")
    found = re.search(r"http\S+token=\S+", mails.pop().text)
    assert found is not None
    return found[0]


async def test_pages(browser: Browser, site: tuple[str, list[Mail]]) -> None:
    url, mails = site
    page = await browser.new_page()
    await page.goto(f"{url}/accounts/register")
    await check(page, "register")
    await page.fill("#email", "nobody")
    await page.evaluate("document.querySelector('form').noValidate = true")
    await page.click("main button[type=submit]")
    assert "This is not an e-mail address" in await page.text()
    await check(page, "register with an error")
    await page.fill("#email", "ada@example.org")
    await page.click("main button[type=submit]")
    await check(page, "sent")

    await page.goto(await link_of(page, mails))
    await check(page, "confirm")
    await page.fill("#name", "Ada")
    await page.fill("#password", "short")
    await page.click("main button[type=submit]")
    assert "at least 15 characters" in await page.text()
    await check(page, "confirm with an error")
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")
    assert await page.text() == "Hello, Ada"

    await page.goto(f"{url}/accounts")
    assert "Welcome, Ada." in await page.text()
    await check(page, "account")
    for name in ("password", "logout"):
        await page.goto(f"{url}/accounts/{name}")
        await check(page, name)
    await page.click("main button[type=submit]")
    assert await page.text() == "visitor"

    for name in ("forgot", "login", "reset?token=x"):
        await page.goto(f"{url}/accounts/{name}")
        await check(page, name)
    await page.goto(f"{url}/accounts/login")
    await page.fill("#email", "ada@example.org")
    await page.fill("#password", "wrong")
    await page.click("main button[type=submit]")
    assert "The address or the password is wrong." in await page.text()
    await check(page, "login with an error")


async def test_login_by_keyboard(browser: Browser, site: tuple[str, list[Mail]]) -> None:
    url, mails = site
    page = await browser.new_page(width=390, dark=True)
    await page.goto(f"{url}/accounts/register")
    await page.fill("#email", "ada@example.org")
    await page.click("main button[type=submit]")
    await page.goto(await link_of(page, mails))
    await page.fill("#name", "Ada")
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")
    await page.goto(f"{url}/accounts/logout")
    await page.click("main button[type=submit]")

    await page.goto(f"{url}/accounts/login")
    await page.wait_for("document.activeElement.id === 'email'")
    # The first field has the focus. Tab leads to the password, the button that shows it, and the button of the form.
    await page.call("Input.insertText", text="ada@example.org")
    await page.press("Tab")
    await page.call("Input.insertText", text=PASSWORD)
    await page.press("Tab")
    await page.press("Space")
    await page.wait_for("document.querySelector('#password').type === 'text'")
    assert await page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    await page.press("Tab")
    assert await page.evaluate("document.activeElement.innerText") == "Log in"
    await page.press("Enter")
    await page.wait_for("document.body.innerText === 'Hello, Ada'")
