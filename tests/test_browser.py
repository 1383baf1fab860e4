"""The browser that tests drive: axe-core finds faults in its pages."""

from __future__ import annotations

from pathlib import Path

from tests.browser import needs_axe, open_browser
from turnbuckle import HTML, App, HTTPServer

_FAULTY = (
    "<!doctype html><title>x</title><meta name=viewport content='width=device-width'>"
    "<h1>Hello</h1><input name=a><p style='color:#bbb'>pale</p>"
)


@needs_axe
async def test_axe_finds_faults_despite_a_content_security_policy(tmp_path: Path) -> None:
    app = App()

    @app.get("/")
    async def page() -> HTML:
        return HTML(_FAULTY, headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"})

    async with HTTPServer(app.compile(), port=0) as server, open_browser(tmp_path) as browser:
        shown = await browser.new_page(width=390)
        await shown.goto(server.addresses[0].url)
        found = {line.partition(":")[0] for line in await shown.violations()}
        assert {"label", "color-contrast", "html-has-lang"} <= found
        await shown.fill("input", "typed")
        assert await shown.evaluate("document.querySelector('input').value") == "typed"
        assert await shown.overflow() <= 0
        await shown.evaluate("document.querySelector('p').style.width = '500px'")
        assert await shown.overflow() > 0
