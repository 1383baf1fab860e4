"""The notes application in headless Chromium: two windows of one account, keyboard, small windows, accessibility."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, Page, needs_axe, open_browser
from tests.examples.conftest import EXAMPLES, importing
from turnbuckle import App, HTTPServer

PASSWORD = "three unrelated words"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with importing() as import_module, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTES_DATABASE", str(tmp_path / "notes.sqlite3"))
        yield import_module(EXAMPLES / "notes", "app").app


@pytest.fixture
async def site(app: App) -> AsyncIterator[str]:
    async with HTTPServer(app.compile(), port=0) as server:
        yield f"http://localhost:{server.addresses[0].port}"


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with open_browser(tmp_path) as browser:
        yield browser


async def register(page: Page, site: str, email: str, caplog: pytest.LogCaptureFixture) -> None:
    """Make an account with the link of the mail, which is logged."""
    await page.goto(f"{site}/")
    await page.click("a.primary")
    await page.fill("#email", email)
    with caplog.at_level(logging.INFO):
        await page.click("main button[type=submit]")
    link = re.search(r"http://127\.0\.0\.1:8000(/accounts/confirm\S+)", caplog.text)
    assert link is not None, caplog.text
    await page.goto(site + link[1])
    await page.fill("#name", "Ada")
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")


async def log_in(page: Page, site: str, email: str) -> None:
    await page.goto(f"{site}/accounts/login")
    await page.fill("#email", email)
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")


async def write(page: Page, title: str, text: str = "") -> None:
    await page.click('header a[href="/notes/new"]')
    await page.fill("#title", title)
    await page.fill("#text", text)
    await page.click("main button.primary")


async def faults(page: Page) -> list[str]:
    """Check the shown page on a small screen at night, and on a large one by day."""
    found = []
    for width, dark in ((390, True), (1280, False)):
        await page.look(width=width, dark=dark)
        found += [f"{width} px: {violation}" for violation in await page.violations()]
        if await page.overflow() > 0:
            found.append(f"{width} px: the page is wider")
    return found


@needs_axe
async def test_two_windows_show_the_same_notes(site: str, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    first, second = await browser.new_page(), await browser.new_page(width=390)
    await register(first, site, "ada@example.org", caplog)
    await log_in(second, site, "ada@example.org")
    assert "No notes yet" in await second.text("main")

    await write(first, "Shopping", "milk")
    assert "“Shopping” is saved." in await first.text(".flash")
    await second.wait_for("document.querySelector('#live').innerText.includes('Shopping')")
    assert await second.text("#news") == "“Shopping” is saved."

    await second.goto(f"{site}/notes/1")
    await first.goto(f"{site}/notes/1/edit")
    await first.fill("#text", "milk and bread")
    await first.click("main button.primary")
    await second.wait_for("document.querySelector('#live').innerText.includes('bread')")
    await second.evaluate("document.querySelector('.danger').open = true")
    await second.click(".danger button")
    assert await second.evaluate("location.pathname") == "/"
    await first.wait_for("document.querySelector('#live').innerText.includes('Not found')")


@needs_axe
async def test_other_tabs_leave_the_message_to_the_next_page(
    site: str, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    page = await browser.new_page()
    await register(page, site, "ada@example.org", caplog)
    tab = await browser.new_tab(page)
    await tab.goto(f"{site}/")
    for number in range(1, 6):
        await write(page, f"Note {number}")
        assert f"“Note {number}” is saved." in await page.text("main")
        # This page is live as well, until the next one is loaded.
        await page.click("main form[action$='/pin'] button")
        assert f"“Note {number}” is pinned to the top." in await page.text("main")
        await tab.wait_for(f"document.querySelector('#live').innerText.includes('Note {number}')")
    assert await tab.evaluate("document.querySelector('.flash')") is None


@needs_axe
async def test_pages_are_accessible(site: str, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    page = await browser.new_page()
    await page.goto(f"{site}/")
    assert await faults(page) == []
    await page.goto(f"{site}/accounts/login")
    assert await faults(page) == []
    await register(page, site, "ada@example.org", caplog)
    assert await faults(page) == []
    await write(page, "A title " + "without end" * 10, "some text\n" + "long" * 200)
    assert await faults(page) == []
    for path in ("/", "/notes/new", "/notes/1/edit", "/nowhere", "/accounts"):
        await page.goto(f"{site}{path}")
        assert await faults(page) == [], path


@needs_axe
async def test_note_is_written_with_the_keyboard(site: str, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    page = await browser.new_page()
    await register(page, site, "ada@example.org", caplog)
    await page.press("Tab")
    assert await page.evaluate("document.activeElement.innerText") == "Skip to the content"
    await page.goto(f"{site}/notes/new")
    assert await page.evaluate("document.activeElement.id") == "title"
    await page.call("Input.insertText", text="by keys")
    await page.press("Enter")
    await page.wait_for("location.pathname == '/notes/1'")
    assert "by keys" in await page.text("h1")
