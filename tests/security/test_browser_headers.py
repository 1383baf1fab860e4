"""The response fields for browsers, graded by the rules of an outside checker: the HTTP Observatory."""

from __future__ import annotations

import pytest

from tests.security.observatory import Site, grade, points
from turnbuckle import HTML, App, Request, Session
from turnbuckle.testing import Client
from turnbuckle_contrib.csrf import csrf_field

_FOREIGN = "https://http-observatory.example"
_USUAL = {"hsts_max_age": 31536000}


async def _visit(*plugins: object, **settings: object) -> Site:
    app = App(
        plugins=[
            ("security_headers", {**_USUAL, **settings}),
            "https_redirect",
            "csrf",
            ("allowed_hosts", {"hosts": ["example.com"]}),
            *plugins,
        ]
    )

    @app.get("/")
    async def home(request: Request) -> HTML:
        nonce = request.state.get("csp_nonce")
        return HTML(
            f"<form>{csrf_field(request)}</form><script nonce='{nonce}'>1</script><script src='/app.js'></script>"
        )

    async with (
        Client(app, base_url="http://example.com") as plain,
        Client(app, base_url="https://example.com") as secure,
    ):
        asked = {"Origin": _FOREIGN, "Access-Control-Request-Method": "GET"}
        return Site(
            plain=await plain.get("/"),
            secure=await secure.get("/"),
            preflight=await secure.request("OPTIONS", "/", headers=asked),
            origin=_FOREIGN,
        )


async def test_defaults_get_the_best_grade() -> None:
    found = points(await _visit())
    assert found == {
        "content-security-policy": 10,
        "cookies": 5,
        "cross-origin-resource-sharing": 0,
        "redirection": 0,
        "referrer-policy": 5,
        "strict-transport-security": 0,
        "subresource-integrity": 0,
        "x-content-type-options": 0,
        "x-frame-options": 5,
        "cross-origin-resource-policy": 10,
    }
    assert grade(found) == (135, "A+")


async def test_chain_for_pages_gets_the_best_grade() -> None:
    settings = {"sessions": {"secrets": ["s" * 40]}, "security_headers": _USUAL}
    app = App(plugins=["https_redirect"], chain="web", settings={"plugin": settings})

    @app.get("/")
    async def home(request: Request, session: Session) -> HTML:
        session["visits"] = 1
        return HTML(f"<form>{csrf_field(request)}</form><script nonce='{request.state.csp_nonce}'>1</script>")

    async with (
        Client(app, base_url="http://example.com") as plain,
        Client(app, base_url="https://example.com") as secure,
    ):
        asked = {"Origin": _FOREIGN, "Access-Control-Request-Method": "GET"}
        preflight = await secure.request("OPTIONS", "/", headers=asked)
        page = await secure.get("/")
        site = Site(plain=await plain.get("/"), secure=page, preflight=preflight, origin=_FOREIGN)
    assert len(page.headers.get_list("set-cookie")) == 2
    assert grade(points(site)) == (135, "A+")


async def test_sharing_with_an_origin_costs_nothing() -> None:
    cors = ("cors", {"origins": ["https://app.example.com"], "credentials": True})
    assert grade(points(await _visit(cors))) == (135, "A+")


@pytest.mark.parametrize(
    ("settings", "test", "value", "letter"),
    [
        ({"content_security_policy": ""}, "content-security-policy", -25, "B"),
        ({"content_security_policy": "default-src 'self' 'unsafe-inline'"}, "content-security-policy", -20, "B+"),
        ({"content_security_policy": "default-src 'self'; img-src http:"}, "content-security-policy", -10, "A+"),
        ({"content_security_policy": "default-src 'self'"}, "content-security-policy", 5, "A+"),
        ({"hsts_max_age": None}, "strict-transport-security", -20, "B+"),
        ({"hsts_max_age": 3600}, "strict-transport-security", -10, "A+"),
        ({"referrer_policy": "unsafe-url"}, "referrer-policy", -5, "A+"),
        ({"content_type_options": ""}, "x-content-type-options", -5, "A+"),
    ],
)
async def test_rules_find_weaker_settings(settings: dict[str, object], test: str, value: int, letter: str) -> None:
    found = points(await _visit(**settings))
    assert (found[test], grade(found)[1]) == (value, letter)
