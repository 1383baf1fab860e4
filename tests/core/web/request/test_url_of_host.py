"""The URL of a route with a host, in handlers and redirects, also behind a proxy."""

from __future__ import annotations

import pytest

from turnbuckle import App, Redirect, Request
from turnbuckle.testing import Client
from turnbuckle.web.request.target import url_of_host


@pytest.mark.parametrize(
    ("reference", "base", "url"),
    [
        ("//a.example/x", "http://b.example", "http://a.example/x"),
        ("//a.example/x", "https://b.example:8443", "https://a.example:8443/x"),
        ("//a.example/x", "http://[::1]", "http://a.example/x"),
        ("//a.example/x", "http://[::1]:80", "http://a.example:80/x"),
        ("//a.example/x/y?", "https://b.example/wms", "https://a.example/wms/x/y?"),
    ],
)
def test_url_of_host_has_scheme_port_and_prefix_of_the_base(reference: str, base: str, url: str) -> None:
    assert url_of_host(reference, base) == url


async def test_redirect_leads_to_a_route_with_a_host() -> None:
    app = App(plugins=[("proxy_headers", {"trusted": ["10.0.0.1"]})])

    @app.get("/a/{x}", host="{tenant}.example", name="hosted")
    async def hosted(request: Request, x: str, tenant: str) -> str:
        return x

    @app.get("/go")
    async def go(request: Request) -> Redirect:
        return Redirect(request.url_for("hosted", x="é", tenant="ten"))

    fields = {"X-Forwarded-Prefix": "/wms", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example:8443"}
    async with Client(app, client=("10.0.0.1", 1), follow_redirects=False) as client:
        direct = await client.get("/go")
        proxied = await client.get("/go", headers=fields)
    assert direct.headers["location"] == "http://ten.example/a/%C3%A9"
    assert proxied.headers["location"] == "https://ten.example:8443/wms/a/%C3%A9"
    assert app.url_for("hosted", x="1", tenant="ten") == "//ten.example/a/1"
