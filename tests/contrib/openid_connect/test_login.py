"""Login with a provider that the tests run, and attacks on it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import httpx
import pytest

from tests.contrib.openid_connect.provider import CLIENT, KEY, OTHER_KEY, SECRET, FakeProvider, serve
from turnbuckle import JSON, App, LifespanError, Plugin, Request, StartupError
from turnbuckle.testing import Client, ClientResponse, FakeClock, expect_problems
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.auth import AuthPlugin, User, UserSource, requires
from turnbuckle_contrib.openid_connect import OpenIDConnectPlugin
from turnbuckle_contrib.sessions import SessionsPlugin

ORIGIN = "https://notes.example"
PAGE = {"Accept": "text/html"}
SETTINGS = {"issuer": "https://issuer.example", "client_id": CLIENT}


class TestOpenIDConnectPlugin(PluginConformance):
    config = SETTINGS
    import_beforehand = ("turnbuckle_contrib.auth", "turnbuckle_contrib.sessions")

    def plugins(self) -> list[object]:
        return ["sessions", "auth"]

    def make_plugin(self) -> Plugin:
        return OpenIDConnectPlugin()


@attrs.frozen
class Site:
    """The app under test, with its provider and a browser."""

    client: Client
    provider: FakeProvider
    clock: FakeClock

    async def begin(self, path: str = "/auth/login", client: Client | None = None) -> dict[str, str]:
        """Begin a login; return the query that the provider gets."""
        response = await (client or self.client).get(path, headers=PAGE)
        assert response.status == 303, response.text
        parts = urlsplit(response.headers["location"])
        assert f"{parts.scheme}://{parts.netloc}" == self.provider.url
        return {name: values[0] for name, values in parse_qs(parts.query).items()}

    async def answer(self, query: Mapping[str, str]) -> str:
        """Return the target of the redirect with which the provider answers."""
        async with httpx.AsyncClient() as http:
            response = await http.get(f"{self.provider.url}/authorize", params=dict(query))
        return response.headers["location"].removeprefix(ORIGIN)

    async def log_in(self, path: str = "/auth/login") -> ClientResponse:
        return await self.client.get(await self.answer(await self.begin(path)), headers=PAGE)


@asynccontextmanager
async def open_site(
    plugin: OpenIDConnectPlugin | None = None, auth: AuthPlugin | None = None, **more: Any
) -> AsyncIterator[Site]:
    clock = FakeClock()
    async with serve(FakeProvider(clock.wall())) as provider:
        app = make_app(clock, provider.url, plugin, auth, **more)
        async with Client(app, clock=clock, base_url=ORIGIN) as client:
            yield Site(client, provider, clock)


def make_app(
    clock: FakeClock, issuer: str, plugin: OpenIDConnectPlugin | None, auth: AuthPlugin | None, **more: Any
) -> App:
    settings = {"issuer": issuer, "client_id": CLIENT, "client_secret": SECRET, **more}
    plugin = plugin or OpenIDConnectPlugin(clock=clock.wall)
    app = App(
        plugins=[SessionsPlugin(clock=clock.wall), auth or AuthPlugin(clock=clock.wall), (plugin, settings)],
        guards=[requires()],
    )

    @app.get("/me")
    async def me(user: User) -> dict[str, object]:
        return {"id": user.id, "name": user.name, "roles": sorted(user.roles), "scheme": user.scheme}

    @app.get("/visit", options={"public": True})
    async def visit(request: Request) -> str:
        request.session["seen"] = True
        return "seen"

    return app


# -- the way of an honest user


async def test_browser_is_sent_to_the_provider_and_back_to_its_page() -> None:
    async with open_site() as site:
        response = await site.client.get("/me?a=b", headers=PAGE)
        assert (response.status, response.headers["location"]) == (303, "/auth/login?next=/me%3Fa%3Db")
        query = await site.begin(response.headers["location"])
        assert query["redirect_uri"] == f"{ORIGIN}/auth/callback"
        assert query["scope"] == "openid profile email"
        response = await site.client.get(await site.answer(query), headers=PAGE)
        assert (response.status, response.headers["location"]) == (303, "/me?a=b")
        assert response.headers["cache-control"] == "no-store"
        assert (await site.client.get("/me")).json() == {
            "id": f"{site.provider.url}|4711",
            "name": "Ada",
            "roles": [],
            "scheme": "session",
        }


async def test_logout_ends_the_session_here_and_at_the_provider() -> None:
    async with open_site() as site:
        await site.log_in()
        assert (await site.client.get("/auth/logout")).status == 405
        response = await site.client.post("/auth/logout")
        target = urlsplit(response.headers["location"])
        assert f"{target.scheme}://{target.netloc}{target.path}" == f"{site.provider.url}/logout"
        assert parse_qs(target.query) == {"client_id": [CLIENT], "post_logout_redirect_uri": [f"{ORIGIN}/"]}
        assert (await site.client.get("/me")).status == 401


async def test_logout_without_a_page_at_the_provider() -> None:
    async with open_site(after_logout="/bye") as site:
        site.provider.metadata["end_session_endpoint"] = None
        await site.log_in()
        assert (await site.client.post("/auth/logout")).headers["location"] == "/bye"
        assert (await site.client.get("/me")).status == 401


async def test_groups_of_the_provider_become_roles_of_the_app() -> None:
    async with open_site(roles={"app-admins": "admin"}, role_claims=["groups", "realm_access.roles"]) as site:
        site.provider.claims = {"groups": ["app-admins", "admin", "root"], "realm_access": {"roles": ["editor"]}}
        await site.log_in()
        assert (await site.client.get("/me")).json()["roles"] == ["admin"]


async def test_users_of_the_app_are_found_by_a_function() -> None:
    async def find(request: Request, claims: Mapping[str, Any]) -> User | None:
        return User("7", "Ada of the app") if claims.get("email_verified") else None

    async def get_user(request: Request, user_id: str) -> User | None:
        return User(user_id, "current", roles=frozenset({"editor"}))

    clock = FakeClock()
    plugin, auth = OpenIDConnectPlugin(find, clock=clock.wall), AuthPlugin(UserSource(get_user=get_user))
    async with open_site(plugin, auth) as site:
        assert (await site.log_in()).status == 403
        assert (await site.client.get("/me")).status == 401
        site.provider.claims = {"email_verified": True}
        assert (await site.log_in()).status == 303
        assert (await site.client.get("/me")).json()["roles"] == ["editor"]


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"], None], ids=str)
async def test_secret_is_sent_as_the_provider_wants_it(methods: object) -> None:
    async with open_site() as site:
        site.provider.metadata["token_endpoint_auth_methods_supported"] = methods
        assert (await site.log_in()).status == 303
        assert ("client_secret" in site.provider.forms[0]) == (methods == ["client_secret_post"])


async def test_description_and_keys_are_fetched_once_and_new_keys_when_they_are_needed() -> None:
    async with open_site() as site:
        for _ in range(3):
            assert (await site.log_in()).status == 303
        assert site.provider.calls == ["describe", "token", "keys", "token", "token"]
        site.provider.keys = [OTHER_KEY]
        site.provider.signing_key = OTHER_KEY
        await site.client.advance(61)
        site.provider.now += 61
        assert (await site.log_in()).status == 303
        assert site.provider.calls[5:] == ["token", "keys"]


async def test_login_in_several_tabs() -> None:
    async with open_site() as site:
        first, second = await site.begin("/auth/login?next=/first"), await site.begin("/auth/login?next=/second")
        response = await site.client.get(await site.answer(first), headers=PAGE)
        assert response.headers["location"] == "/first"
        # The other tab is begun again, because the login has ended all others.
        assert (await site.client.get(await site.answer(second), headers=PAGE)).status == 400


async def test_number_of_logins_that_have_begun_is_bounded() -> None:
    async with open_site() as site:
        queries = [await site.begin() for _ in range(8)]
        assert (await site.client.get(await site.answer(queries[0]), headers=PAGE)).status == 400
        assert (await site.client.get(await site.answer(queries[-1]), headers=PAGE)).status == 303


# -- attacks


async def test_state_of_another_browser_is_refused() -> None:
    async with open_site() as site:
        app = make_app(site.clock, site.provider.url, None, None)
        async with Client(app, clock=site.clock, base_url=ORIGIN) as attacker:
            # The attacker begins a login, and makes the browser of the victim end it.
            target = await site.answer(await site.begin(client=attacker))
        response = await site.client.get(target, headers=PAGE)
        assert response.status == 400
        await site.begin()
        assert (await site.client.get(target, headers=PAGE)).status == 400
        assert (await site.client.get("/me")).status == 401
        assert "token" not in site.provider.calls


@pytest.mark.parametrize("state", ["", "x", "\x00", "a" * 5000, None], ids=["empty", "wrong", "NUL", "long", "none"])
async def test_wrong_state_is_refused(state: str | None) -> None:
    async with open_site() as site:
        target = await site.answer(await site.begin())
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        del query["state"]
        if state is not None:
            query["state"] = state
        url = str(httpx.URL("/auth/callback", params=query))
        assert (await site.client.get(url, headers=PAGE)).status in (400, 403)
        assert (await site.client.get("/me")).status == 401
        assert "token" not in site.provider.calls


async def test_repeated_parameters_are_refused() -> None:
    async with open_site() as site:
        target = await site.answer(await site.begin())
        assert (await site.client.get(target + "&code=other", headers=PAGE)).status == 403
        target = await site.answer(await site.begin())
        assert (await site.client.get(target + "&state=other", headers=PAGE)).status == 403
        assert "token" not in site.provider.calls


async def test_answer_is_used_once() -> None:
    async with open_site() as site:
        target = await site.answer(await site.begin())
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in site.client.cookies)
        assert (await site.client.get(target, headers=PAGE)).status == 303
        await site.client.post("/auth/logout")
        assert (await site.client.get(target, headers=PAGE)).status == 400
        # A signed cookie of before is valid again after a while, but the provider refuses the code.
        await site.client.advance(31)
        site.client.cookies.clear()
        assert (await site.client.get(target, headers={**PAGE, "Cookie": cookie})).status == 403


async def test_code_of_another_login_is_refused_by_pkce() -> None:
    async with open_site() as site:
        app = make_app(site.clock, site.provider.url, None, None)
        async with Client(app, clock=site.clock, base_url=ORIGIN) as victim:
            stolen = parse_qs(urlsplit(await site.answer(await site.begin(client=victim))).query)["code"][0]
        mine = await site.begin()
        url = str(
            httpx.URL("/auth/callback", params={"code": stolen, "state": mine["state"], "iss": site.provider.url})
        )
        assert (await site.client.get(url, headers=PAGE)).status == 403
        assert (await site.client.get("/me")).status == 401


async def test_login_that_takes_too_long_is_refused() -> None:
    async with open_site() as site:
        target = await site.answer(await site.begin())
        await site.client.advance(601)
        response = await site.client.get(target, headers=PAGE)
        assert (response.status, response.text) == (400, "the login took too long, or was begun elsewhere; try again")


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        pytest.param({"nonce": "other"}, {}, id="another nonce"),
        pytest.param({"nonce": None}, {}, id="no nonce"),
        pytest.param({"nonce": 1}, {}, id="nonce is a number"),
        pytest.param({"iss": "https://evil.example"}, {}, id="wrong issuer"),
        pytest.param({"iss": None}, {}, id="no issuer"),
        pytest.param({"aud": "other"}, {}, id="wrong audience"),
        pytest.param({"aud": [CLIENT, "other"]}, {}, id="several audiences without a party"),
        pytest.param({"aud": [CLIENT, "other"], "azp": "other"}, {}, id="another party"),
        pytest.param({"azp": "other"}, {}, id="another party alone"),
        pytest.param({"exp": 0}, {}, id="expired"),
        pytest.param({"exp": None}, {}, id="never expires"),
        pytest.param({"iat": 10**10}, {}, id="issued in the future"),
        pytest.param({"sub": None}, {}, id="no subject"),
        pytest.param({"sub": ""}, {}, id="empty subject"),
        pytest.param({}, {"alg": "none"}, id="no signature"),
        pytest.param({}, {"typ": "at+jwt"}, id="access token"),
        pytest.param({}, {"kid": "unknown"}, id="unknown key"),
    ],
)
async def test_wrong_id_token_is_refused(claims: dict[str, Any], header: dict[str, Any]) -> None:
    async with open_site() as site:
        site.provider.claims, site.provider.header = claims, header
        response = await site.log_in()
        assert (response.status, response.text) == (403, "the login was refused")
        assert (await site.client.get("/me")).status == 401


async def test_id_token_with_another_key_is_refused() -> None:
    async with open_site() as site:
        site.provider.signing_key, site.provider.header = OTHER_KEY, {"kid": KEY.get("kid")}
        assert (await site.log_in()).status == 403


async def test_several_audiences_with_this_app_as_the_party() -> None:
    async with open_site() as site:
        site.provider.claims = {"aud": [CLIENT, "other"], "azp": CLIENT}
        assert (await site.log_in()).status == 303


@pytest.mark.parametrize("issuer", ["https://evil.example", ""], ids=["another", "none"])
async def test_answer_of_another_issuer_is_refused(issuer: str) -> None:
    async with open_site() as site:
        target = await site.answer(await site.begin())
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        url = str(httpx.URL("/auth/callback", params={**query, "iss": issuer}))
        assert (await site.client.get(url, headers=PAGE)).status == 403
        assert "token" not in site.provider.calls


async def test_provider_that_sends_no_issuer() -> None:
    async with open_site() as site:
        site.provider.metadata["authorization_response_iss_parameter_supported"] = None
        target = await site.answer(await site.begin())
        assert (await site.client.get(target.partition("&iss=")[0], headers=PAGE)).status == 303


async def test_error_of_the_provider_is_not_repeated_to_the_client() -> None:
    async with open_site() as site:
        query = await site.begin()
        answer = {"error": "<script>", "error_description": "<b>", "state": query["state"], "iss": site.provider.url}
        url = str(httpx.URL("/auth/callback", params=answer))
        response = await site.client.get(url, headers=PAGE)
        assert (response.status, response.text) == (403, "the login was refused")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        url = str(httpx.URL("/auth/callback", params={**answer, "state": (await site.begin())["state"]}))
        response = await site.client.get(url)
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "/%0d%0aX: y\r\nSet-Cookie: a=b",
        "evil",
        "",
        "/" + "x" * 501,
    ],
    ids=range(10),
)
async def test_login_redirects_to_no_other_site(target: str) -> None:
    async with open_site(after_login="/start") as site:
        response = await site.log_in(str(httpx.URL("/auth/login", params={"next": target})))
        assert (response.status, response.headers["location"]) == (303, "/start")


async def test_session_of_before_the_login_is_worthless_after_it() -> None:
    async with open_site() as site:
        response = await site.client.get("/visit")
        fixed = response.headers["set-cookie"].partition(";")[0]
        await site.log_in()
        assert (await site.client.get("/me")).status == 200
        site.client.cookies.clear()
        assert (await site.client.get("/me", headers={"Cookie": fixed})).status == 401


async def test_secrets_of_the_login_leave_the_session_and_never_reach_the_client() -> None:
    async with open_site() as site:
        query = await site.begin()
        assert set(query) == {
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
        }
        assert len(query["state"]) >= 43
        assert len(query["nonce"]) >= 43
        assert query["state"] != query["nonce"]


async def test_logins_with_long_targets_fit_into_the_session() -> None:
    async with open_site() as site:
        for number in range(5):
            path = "/" + f"{number}{secrets.token_hex(250)}"[:499]
            query = await site.begin(f"/auth/login?next={path}")
        response = await site.client.get(await site.answer(query), headers=PAGE)
        assert (response.status, response.headers["location"]) == (303, path)


async def test_login_that_is_no_navigation_is_refused() -> None:
    async with open_site() as site:
        target = await site.answer(await site.begin())
        for mode in ("no-cors", "cors", "same-origin"):
            assert (await site.client.get("/auth/login", headers={"Sec-Fetch-Mode": mode})).status == 403
        assert (await site.client.get(target, headers={**PAGE, "Sec-Fetch-Mode": "navigate"})).status == 303


# -- providers that fail


async def test_provider_that_cannot_be_reached_is_503() -> None:
    clock = FakeClock()
    app = make_app(clock, "http://127.0.0.1:1", None, None)
    async with Client(app, clock=clock, base_url=ORIGIN) as client:
        response = await client.get("/auth/login")
        assert (response.status, response.headers["retry-after"]) == (503, "10")
        assert (await client.post("/auth/logout")).headers["location"] == "/"


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"issuer": "https://evil.example"}, id="another issuer"),
        pytest.param({"issuer": None}, id="no issuer"),
        pytest.param({"jwks_uri": None}, id="no keys"),
        pytest.param({"jwks_uri": "http://169.254.169.254/"}, id="keys at an address of the network"),
        pytest.param({"token_endpoint": "file:///etc/passwd"}, id="file"),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, id="script"),
    ],
)
async def test_wrong_description_is_503(metadata: dict[str, Any]) -> None:
    async with open_site() as site:
        site.provider.metadata = metadata
        assert (await site.client.get("/auth/login")).status == 503
        # It is not asked again for each request.
        assert (await site.client.get("/auth/login")).status == 503
        assert site.provider.calls == ["describe"]
        site.provider.metadata = {}
        await site.client.advance(6)
        assert (await site.client.get("/auth/login")).status == 303


@pytest.mark.parametrize(
    "answer",
    [JSON({"error": "invalid_grant"}, 400), JSON({}), JSON([]), JSON({"id_token": 1}), JSON({"id_token": "a.b.c"})],
    ids=["error", "no token", "list", "number", "no JWT"],
)
async def test_wrong_answer_to_the_code_is_refused(answer: Any) -> None:
    async with open_site() as site:
        site.provider.answers["token"] = answer
        assert (await site.log_in()).status == 403
        assert (await site.client.get("/me")).status == 401


# -- startup


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"issuer": "https://a.example"},
        {"client_id": "a"},
        {**SETTINGS, "issuer": "http://a.example"},
        {**SETTINGS, "issuer": "https://a.example?x=y"},
        {**SETTINGS, "scopes": ["profile"]},
        {**SETTINGS, "algorithms": ["HS256"]},
        {**SETTINGS, "algorithms": ["none"]},
        {**SETTINGS, "login": "//evil"},
        {**SETTINGS, "after_login": "https://evil.example"},
        {**SETTINGS, "origin": "https://a.example/path"},
        {**SETTINGS, "leeway": 100_000},
    ],
    ids=range(12),
)
def test_wrong_settings_stop_the_start(settings: dict[str, object]) -> None:
    with pytest.raises(StartupError):
        App(plugins=["sessions", "auth", ("openid_connect", settings)]).compile()


def test_secret_is_not_shown() -> None:
    app = App(plugins=["sessions", "auth", ("openid_connect", {**SETTINGS, "client_secret": SECRET})])
    assert SECRET not in repr(app.resolve())


async def test_users_of_the_app_need_a_function() -> None:
    async def get_user(request: Request, user_id: str) -> User | None:
        return None

    app = App(plugins=["sessions", AuthPlugin(UserSource(get_user=get_user)), ("openid_connect", SETTINGS)])
    with pytest.raises(LifespanError, match="does not know the users of the provider"):
        async with Client(app):
            pass


def test_strict_cookie_of_the_session_stops_the_start() -> None:
    with expect_problems("TB454") as found:
        App(plugins=[("sessions", {"same_site": "Strict"}), "auth", ("openid_connect", SETTINGS)]).compile()
    assert "Strict" in str(found)
