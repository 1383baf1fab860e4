"""The cookie: its attributes over https, on localhost, behind proxies, and by the settings."""

from __future__ import annotations

import logging

import pytest

from tests.contrib.sessions.conftest import MakeApp
from turnbuckle import App, Request, StartupError
from turnbuckle.testing import Client


async def _cookie(app: App, base_url: str, **headers: str) -> str:
    async with Client(app, base_url=base_url) as client:
        response = await client.post("/set?a=1", headers={name.replace("_", "-"): headers[name] for name in headers})
    name, _, rest = response.headers["set-cookie"].partition("=")
    return f"{name}={rest.partition(';')[2]}"


_SECURE = "__Host-session= Path=/; SameSite=Lax; Secure; HttpOnly"
_PLAIN = "session= Path=/; SameSite=Lax; HttpOnly"


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        pytest.param("https://example.com", _SECURE, id="https"),
        pytest.param("https://localhost:8443", _SECURE, id="https-on-localhost"),
        pytest.param("http://localhost", _PLAIN, id="localhost"),
        pytest.param("http://LOCALHOST:8000", _PLAIN, id="port"),
        pytest.param("http://app.localhost:8000", _PLAIN, id="subdomain-of-localhost"),
        pytest.param("http://127.0.0.1:8000", _PLAIN, id="ipv4"),
        pytest.param("http://[::1]:8000", _PLAIN, id="ipv6"),
        pytest.param("http://[::1]", _PLAIN, id="ipv6-without-port"),
        pytest.param("http://example.com", _SECURE, id="http"),
        pytest.param("http://localhost.example.com", _SECURE, id="name-that-begins-with-localhost"),
        pytest.param("http://evil-localhost", _SECURE, id="name-that-ends-with-localhost"),
        pytest.param("http://192.168.1.5", _SECURE, id="private-address"),
    ],
)
async def test_cookie_is_for_https_except_on_this_machine(make_app: MakeApp, base_url: str, expected: str) -> None:
    assert await _cookie(make_app(), base_url) == expected


@pytest.mark.parametrize("field", ["X_Forwarded_For", "X_Forwarded_Proto", "Forwarded", "Via"])
async def test_proxy_that_sends_the_host_localhost_has_no_exception(make_app: MakeApp, field: str) -> None:
    assert await _cookie(make_app(), "http://localhost:8000", **{field: "1.2.3.4"}) == _SECURE


@pytest.mark.parametrize(
    ("settings", "base_url", "expected"),
    [
        pytest.param({"secure": "always"}, "http://localhost", _SECURE, id="always"),
        pytest.param({"secure": "never"}, "http://192.168.1.5", _PLAIN, id="never"),
        pytest.param({"secure": "never"}, "https://example.com", _SECURE, id="never-over-https"),
        pytest.param({"cookie": "id"}, "https://example.com", _SECURE.replace("session", "id"), id="name"),
        pytest.param(
            {"same_site": "Strict"}, "https://example.com", _SECURE.replace("Lax", "Strict"), id="same-site-strict"
        ),
        pytest.param({"same_site": "None"}, "https://example.com", _SECURE.replace("Lax", "None"), id="same-site-none"),
        pytest.param({"same_site": "None"}, "http://localhost", _PLAIN, id="same-site-none-on-localhost"),
        pytest.param(
            {"domain": "example.com"},
            "https://www.example.com",
            "__Secure-session= Domain=example.com; Path=/; SameSite=Lax; Secure; HttpOnly",
            id="domain",
        ),
        pytest.param(
            {"path": "/shop"},
            "https://example.com",
            "__Secure-session= Path=/shop; SameSite=Lax; Secure; HttpOnly",
            id="path",
        ),
    ],
)
async def test_settings_change_the_cookie(
    make_app: MakeApp, settings: dict[str, object], base_url: str, expected: str
) -> None:
    assert await _cookie(make_app(**settings), base_url) == expected


async def test_deletion_has_the_attributes_of_the_cookie(make_app: MakeApp) -> None:
    async with Client(make_app(domain="example.com"), base_url="https://example.com") as client:
        await client.post("/set?a=1")
        deletion = (await client.post("/logout")).headers["set-cookie"]
    assert deletion == (
        "__Secure-session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Domain=example.com; Path=/; SameSite=Lax;"
        " Secure; HttpOnly"
    )


async def test_cookie_that_browsers_drop_is_reported_once(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="turnbuckle.sessions"):
        async with Client(make_app(), base_url="http://example.com") as client:
            for _ in range(3):
                await client.post("/set?a=1")
    found = [record for record in caplog.records if record.name == "turnbuckle.sessions"]
    assert len(found) == 1
    assert "example.com was requested over http: browsers drop the cookie" in found[0].getMessage()
    assert "proxy_headers" in found[0].getMessage()


async def test_app_behind_a_proxy_sees_https() -> None:
    app = App(plugins=["sessions", "proxy_headers"])

    @app.post("/set")
    async def write(request: Request) -> str:
        request.session["a"] = 1
        return request.scheme

    async with Client(app, base_url="http://localhost:8000") as client:
        fields = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.com", "X-Forwarded-For": "1.2.3.4"}
        response = await client.post("/set", headers=fields)
    assert (response.text, response.headers["set-cookie"][:15]) == ("https", "__Host-session=")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"cookie": "__Host-id"}, "has a prefix that is added over https; write 'id'", id="prefix"),
        pytest.param({"cookie": "a b"}, "is not a token", id="name"),
        pytest.param({"domain": "a b"}, "malformed", id="domain"),
        pytest.param({"path": "shop"}, "malformed", id="path"),
        pytest.param({"idle": 0}, "idle", id="idle"),
        pytest.param({"lifetime": -1}, "lifetime", id="lifetime"),
        pytest.param({"secure": "sometimes"}, "'auto', 'always', 'never'", id="secure"),
        pytest.param({"same_site": "lax"}, "'Strict', 'Lax', 'None'", id="same-site"),
        pytest.param({"secrets": "short"}, "a secret has at least 32 characters; make one with", id="secret"),
        pytest.param({"store": "redis"}, "plugin.sessions.url is not set", id="url"),
        pytest.param({"store": "redis", "url": "http://x"}, "the URL of Redis begins with redis://", id="scheme"),
        pytest.param({"store": "dynamo"}, "no enabled plugin provides a component of kind 'session_store'", id="store"),
    ],
)
def test_wrong_settings_are_problems_at_startup(make_app: MakeApp, settings: dict[str, object], says: str) -> None:
    with pytest.raises(StartupError) as caught:
        make_app(**settings).compile()
    assert says in "\n".join(map(str, caught.value.exceptions))
    assert "short" not in str(caught.value)
