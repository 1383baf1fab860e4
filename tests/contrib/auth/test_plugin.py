"""Users of handlers, guards, login and logout, and the answers to requests without a user."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.contrib.openapi.documents import document_of
from turnbuckle import JSON, App, HTTPError, Lifespan, Plugin, Request, Response, StartupError, WebSocket
from turnbuckle.testing import Client, ClientResponse, FakeClock, WebSocketRefused, expect_problems
from turnbuckle.testing.conformance import LifespanConformance, PluginConformance
from turnbuckle_contrib.auth import (
    AUTH,
    Auth,
    AuthenticationRequired,
    AuthPlugin,
    Credentials,
    User,
    UserSource,
    current_user,
    hash_password,
    login,
    logout,
    password_version,
    passwords,
    requires,
    safe_next,
)
from turnbuckle_contrib.auth.plugin import _AuthFactory
from turnbuckle_contrib.sessions import SessionsPlugin
from turnbuckle_plugins.jinja_templates import Template

pytestmark = pytest.mark.usefixtures("cheap_hashes")
PAGE = {"Accept": "text/html,*/*;q=0.8"}


class TestAuthPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return AuthPlugin()

    def plugins(self) -> list[object]:
        return ["sessions"]


class TestAuthLifespan(LifespanConformance):
    plugin = AuthPlugin

    def plugins(self) -> list[object]:
        return ["sessions"]

    def make_lifespan(self) -> Lifespan:
        return Lifespan("auth", _AuthFactory(UserSource(), (), FakeClock().wall), provides=AUTH)


class People:
    """A store of users."""

    def __init__(self) -> None:
        self.hashes = {"ada": hash_password("correct horse"), "grace": hash_password("battery staple")}
        self.roles = {"ada": ["admin", "editor"], "grace": ["editor"]}
        self.upgrades = 0
        self.is_down = False

    def user(self, name: str) -> User:
        version = password_version(self.hashes[name])
        return User(f"id-{name}", name, roles=frozenset(self.roles[name]), version=version)

    async def get_user(self, request: Request, user_id: str) -> User | None:
        if self.is_down:
            raise OSError("the store is down")
        name = user_id.removeprefix("id-")
        return self.user(name) if name in self.hashes else None

    def get_credentials(self, request: Request, name: str) -> Credentials | None:
        return Credentials(self.user(name), self.hashes[name]) if name in self.hashes else None

    async def set_password_hash(self, request: Request, user_id: str, old: str, new: str) -> None:
        name = user_id.removeprefix("id-")
        assert self.hashes[name] == old
        self.hashes[name] = new
        self.upgrades += 1

    def source(self) -> UserSource:
        return UserSource(
            get_user=self.get_user, get_credentials=self.get_credentials, set_password_hash=self.set_password_hash
        )


def make_app(people: People | None = None, clock: FakeClock | None = None, **settings: object) -> App:
    clock = clock or FakeClock()
    users = people.source() if people is not None else None
    plugin = AuthPlugin(users, clock=clock.wall)
    app = App("Notes", plugins=["websocket", SessionsPlugin(clock=clock.wall), (plugin, settings)])

    @app.get("/me")
    async def me(user: User) -> dict[str, object]:
        return {"id": user.id, "name": user.name, "roles": sorted(user.roles), "scheme": user.scheme}

    @app.get("/")
    async def home(user: User | None) -> str:
        return f"hello {user.name}" if user is not None else "hello visitor"

    @app.get("/admin", guards=[requires("admin")])
    async def admin() -> str:
        return "secret"

    @app.get("/any", guards=[requires(any_of=["admin", "editor"])])
    async def any_role() -> str:
        return "any"

    @app.get("/fresh", guards=[requires(fresh=300)])
    async def fresh() -> str:
        return "fresh"

    @app.post("/login")
    async def log_in(request: Request, auth: Auth) -> Response:
        data = await request.json()
        if people is None:
            user: User | None = User(data["name"], data["name"].title(), roles=frozenset(data.get("roles", ())))
        else:
            user = await auth.check_password(request, data["name"], data["password"])
        if user is None:
            return Response("wrong", status=401)
        login(request, user)
        return Response(safe_next(request, data.get("next")))

    @app.post("/logout")
    async def log_out(request: Request) -> str:
        logout(request)
        return "bye"

    return app


async def enter(client: Client, name: str = "ada", password: str = "correct horse", **more: object) -> ClientResponse:
    return await client.post("/login", json={"name": name, "password": password, **more})


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


# -- sessions


async def test_user_of_a_session_after_login_and_none_after_logout() -> None:
    async with Client(make_app(People())) as client:
        assert (await client.get("/me")).status == 401
        assert (await client.get("/")).text == "hello visitor"
        assert (await enter(client)).text == "/"
        assert (await client.get("/me")).json() == {
            "id": "id-ada",
            "name": "ada",
            "roles": ["admin", "editor"],
            "scheme": "session",
        }
        assert (await client.get("/")).text == "hello ada"
        assert (await client.post("/logout")).text == "bye"
        assert (await client.get("/me")).status == 401


async def test_session_without_a_user_source_has_the_user_of_the_login() -> None:
    async with Client(make_app()) as client:
        await enter(client, "ada", roles=["admin"])
        assert (await client.get("/me")).json() == {"id": "ada", "name": "Ada", "roles": ["admin"], "scheme": "session"}
        assert (await client.get("/admin")).text == "secret"


async def test_roles_are_current_and_a_deleted_user_is_logged_out() -> None:
    people = People()
    async with Client(make_app(people)) as client:
        await enter(client)
        assert (await client.get("/admin")).status == 200
        people.roles["ada"] = ["editor"]
        assert (await client.get("/admin")).status == 403
        del people.hashes["ada"]
        assert (await client.get("/me")).status == 401
        people.hashes["ada"] = hash_password("new")
        assert (await client.get("/me")).status == 401


async def test_change_of_the_password_ends_sessions() -> None:
    people = People()
    async with Client(make_app(people)) as client:
        await enter(client)
        people.hashes["ada"] = hash_password("new password")
        assert (await client.get("/me")).status == 401
        assert (await enter(client)).status == 401
        assert (await enter(client, password="new password")).status == 200
        assert (await client.get("/me")).status == 200


async def test_login_changes_the_id_of_the_session() -> None:
    app = make_app(People())

    @app.get("/visit")
    async def visit(request: Request) -> str:
        request.session["cart"] = [1]
        return "seen"

    @app.get("/cart")
    async def cart(request: Request) -> list[int]:
        return request.session.get("cart", [])  # type: ignore[no-any-return]

    async with Client(app) as client:
        response = await client.get("/visit")
        fixed = response.headers["set-cookie"].partition(";")[0]
        await enter(client)
        assert (await client.get("/cart")).json() == [1]
        client.cookies.clear()
        # The attacker knows the cookie from before the login.
        assert (await client.get("/me", headers={"Cookie": fixed})).status == 401


async def test_login_as_another_user_removes_the_data_of_the_first_one() -> None:
    app = make_app(People())

    @app.post("/note")
    async def note(request: Request) -> str:
        request.session["draft"] = "secret"
        return "noted"

    @app.get("/draft")
    async def draft(request: Request) -> str:
        return str(request.session.get("draft"))

    async with Client(app) as client:
        await enter(client)
        await client.post("/note")
        await enter(client)
        assert (await client.get("/draft")).text == "secret"
        await enter(client, "grace", "battery staple")
        assert (await client.get("/draft")).text == "None"


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "ada",
        {},
        {"id": ""},
        {"id": "ghost"},
        {"id": ["id-ada"]},
        {"id": "id-ada"},
        {"id": "id-ada", "version": 1},
    ],
    ids=str,
)
async def test_malformed_entry_of_a_session_is_no_user(entry: object) -> None:
    app = make_app(People())

    @app.get("/forge")
    async def forge(request: Request) -> str:
        request.session["_user"] = entry
        return "forged"

    async with Client(app) as client:
        await client.get("/forge")
        assert (await client.get("/me")).status == 401


async def test_login_and_logout_hold_in_the_same_request() -> None:
    app = make_app(People())

    @app.post("/in-and-out")
    async def in_and_out(request: Request) -> list[str]:
        seen = [str(await current_user(request))]
        login(request, User("id-ada", "ada"))
        seen.append(getattr(await current_user(request), "name", ""))
        logout(request)
        seen.append(str(await current_user(request)))
        return seen

    async with Client(app) as client:
        assert (await client.post("/in-and-out")).json() == ["None", "ada", "None"]


async def test_fresh_login_is_required_again_after_some_time() -> None:
    clock = FakeClock()
    async with Client(make_app(People(), clock, login="/login"), clock=clock) as client:
        await enter(client)
        assert (await client.get("/fresh")).text == "fresh"
        await client.advance(301)
        assert (await client.get("/me")).status == 200
        assert (await client.get("/fresh")).status == 401
        response = await client.get("/fresh", headers=PAGE)
        assert (response.status, response.headers["location"]) == (303, "/login?next=/fresh")
        await enter(client)
        assert (await client.get("/fresh")).text == "fresh"


# -- guards


async def test_guards_answer_401_without_a_user_and_403_without_the_role() -> None:
    people = People()
    async with Client(make_app(people)) as client:
        assert (await client.get("/admin")).status == 401
        await enter(client, "grace", "battery staple")
        response = await client.get("/admin")
        assert response.status == 403
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json() == {
            "type": "about:blank",
            "title": "Forbidden",
            "status": 403,
            "detail": "the user may not do this",
        }
        assert "secret" not in response.text
        assert (await client.get("/any")).text == "any"
        people.roles["grace"] = []
        assert (await client.get("/any")).status == 403


async def test_guard_of_a_scope_and_of_the_app() -> None:
    app = App(plugins=["sessions", "auth"], guards=[requires()])

    @app.post("/login", options={"public": True})
    async def log_in(request: Request) -> str:
        login(request, User("ada"))
        return "in"

    @app.get("/")
    async def home() -> str:
        return "home"

    scope = app.scope("/admin", guards=[requires("admin")])

    @scope.get("/page")
    async def admin() -> str:
        return "secret"

    async with Client(app) as client:
        assert (await client.get("/")).status == 401
        assert (await client.get("/admin/page")).status == 401
        assert (await client.post("/login")).text == "in"
        assert (await client.get("/")).text == "home"
        assert (await client.get("/admin/page")).status == 403


def test_requires_takes_names_of_roles() -> None:
    with pytest.raises(TypeError, match=r"write guards=\[requires\(\)\]"):
        requires(lambda: None)  # type: ignore[arg-type]
    assert repr(requires("admin", "editor")) == "requires('admin', 'editor')"


# -- answers


async def test_answer_401_has_the_challenges_of_all_schemes_as_problem_details() -> None:
    async with Client(make_app(People(), schemes=["session", "basic"])) as client:
        response = await client.get("/me")
    assert response.status == 401
    assert response.headers["www-authenticate"] == 'Cookie realm="Notes", Basic realm="Notes", charset="UTF-8"'
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "log in first",
    }


async def test_realm_is_a_quoted_string() -> None:
    async with Client(make_app(realm='a "b" \\ ü\r\nX: y')) as client:
        response = await client.get("/me")
    assert response.headers["www-authenticate"] == 'Cookie realm="a \\"b\\" \\\\ ?X: y"'


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/me", "/login?next=/me"),
        ("/me?page=2&q=a%20b", "/login?next=/me%3Fpage%3D2%26q%3Da%2520b"),
        ("/me?next=//evil.example", "/login?next=/me%3Fnext%3D//evil.example"),
        ("/me?" + "x" * 3000, "/login"),
    ],
)
async def test_browsers_are_redirected_to_the_login_page(path: str, location: str) -> None:
    async with Client(make_app(login="/login")) as client:
        response = await client.get(path, headers=PAGE)
    assert (response.status, response.headers["location"]) == (303, location)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "*/*"},
        {"Accept": "application/json"},
        {**PAGE, "Sec-Fetch-Mode": "cors"},
        {**PAGE, **basic("ada", "wrong")},
    ],
    ids=["none", "anything", "json", "script", "credentials"],
)
async def test_programs_are_not_redirected(headers: dict[str, str]) -> None:
    async with Client(make_app(People(), login="/login", schemes=["session", "basic"])) as client:
        assert (await client.get("/me", headers=headers)).status == 401


async def test_scripts_of_a_page_get_no_challenge_that_opens_a_dialog() -> None:
    async with Client(make_app(People(), schemes=["session", "basic"])) as client:
        response = await client.get("/me", headers={"Sec-Fetch-Mode": "cors"})
        assert response.headers.get_list("www-authenticate") == ['Cookie realm="Notes"']


async def test_page_without_a_login_page_is_plain_text() -> None:
    async with Client(make_app()) as client:
        response = await client.get("/me", headers=PAGE)
    assert (response.status, response.text) == (401, "log in first")


async def test_handlers_of_the_app_replace_the_answers() -> None:
    app = make_app()

    @app.error_handler(AuthenticationRequired)
    async def refused(request: Request, error: AuthenticationRequired) -> Response:
        return JSON({"please": "log in"}, error.status, error.headers)

    async with Client(app) as client:
        response = await client.get("/me", headers=PAGE)
    assert (response.status, response.json()) == (401, {"please": "log in"})
    assert response.headers["www-authenticate"] == 'Cookie realm="Notes"'


async def test_pages_of_the_app_for_all_errors_answer_401_and_403_but_not_the_redirect() -> None:
    app = make_app(People(), login="/login")

    @app.error_handler(HTTPError)
    async def failed(request: Request, error: HTTPError) -> Response:
        return Response(f"a page about {error.status}", error.status, error.headers)

    async with Client(app) as client:
        assert (await client.get("/me")).text == "a page about 401"
        assert (await client.get("/me", headers=PAGE)).status == 303
        await enter(client, "grace", "battery staple")
        assert (await client.get("/admin", headers=PAGE)).text == "a page about 403"


async def test_answers_vary_by_credentials() -> None:
    async with Client(make_app(People(), schemes=["session", "basic"])) as client:
        response = await client.get("/")
    assert {name.strip().lower() for name in response.headers["vary"].split(",")} >= {"cookie", "authorization"}


# -- basic


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(basic("ada", "correct horse"), 200, id="right"),
        pytest.param(basic("ada", "wrong"), 401, id="wrong password"),
        pytest.param(basic("eve", "correct horse"), 401, id="unknown user"),
        pytest.param(basic("", ""), 401, id="empty"),
        pytest.param(basic("ada", "correct horse\x00"), 401, id="control character"),
        pytest.param({"Authorization": "Basic"}, 401, id="no credentials"),
        pytest.param({"Authorization": "Basic !!!!"}, 401, id="no base64"),
        pytest.param({"Authorization": "Basic " + base64.b64encode(b"ada").decode()}, 401, id="no colon"),
        pytest.param({"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}, 401, id="no UTF-8"),
        pytest.param({"Authorization": "Bearer abc"}, 401, id="another scheme"),
        pytest.param({"Authorization": "Basic " + "A" * 10_000}, 400, id="too long"),
        pytest.param({"Authorization": "=="}, 400, id="malformed"),
    ],
)
async def test_basic(headers: dict[str, str], status: int) -> None:
    async with Client(make_app(People(), schemes=["basic"])) as client:
        response = await client.get("/me", headers=headers)
        assert response.status == status
        # An optional user is no excuse for wrong credentials.
        assert (await client.get("/", headers=headers)).status == status
        if status == 401:
            assert response.headers["www-authenticate"] == 'Basic realm="Notes", charset="UTF-8"'


async def test_scheme_of_basic_is_case_insensitive_and_users_are_shown() -> None:
    async with Client(make_app(People(), schemes=["basic"])) as client:
        value = basic("ada", "correct horse")["Authorization"].replace("Basic ", "bASIC   ")
        response = await client.get("/me", headers={"Authorization": value})
        assert response.json()["scheme"] == "basic"


async def test_password_with_a_colon_and_other_letters() -> None:
    people = People()
    people.hashes["ada"] = hash_password("ä:b:ç")
    async with Client(make_app(people, schemes=["basic"])) as client:
        assert (await client.get("/me", headers=basic("ada", "ä:b:ç"))).status == 200


async def test_several_authorization_fields_are_refused() -> None:
    async with Client(make_app(People(), schemes=["basic"])) as client:
        one, two = basic("ada", "correct horse")["Authorization"], basic("grace", "battery staple")["Authorization"]
        response = await client.get("/me", headers=[("Authorization", one), ("Authorization", two)])
        assert response.status == 400


async def test_explicit_credentials_take_precedence_over_the_session() -> None:
    async with Client(make_app(People(), schemes=["session", "basic"])) as client:
        await enter(client)
        assert (await client.get("/me", headers=basic("grace", "battery staple"))).json()["name"] == "grace"
        assert (await client.get("/me", headers=basic("grace", "wrong"))).status == 401
        assert (await client.get("/me")).json()["name"] == "ada"


async def test_basic_is_not_accepted_unless_it_is_enabled() -> None:
    async with Client(make_app(People())) as client:
        assert (await client.get("/me", headers=basic("ada", "correct horse"))).status == 401
        assert (await client.get("/", headers=basic("ada", "correct horse"))).text == "hello visitor"


# -- passwords of users


async def test_outdated_hash_is_replaced_at_login() -> None:
    people = People()
    people.hashes["ada"] = hash_password("correct horse", memory=8)
    async with Client(make_app(people)) as client:
        assert (await enter(client)).status == 200
        assert people.upgrades == 1
        assert (await client.get("/me")).status == 200
        await enter(client)
        assert people.upgrades == 1


async def test_attempts_are_throttled_with_retry_after_and_by_the_clock() -> None:
    clock = FakeClock()
    app = make_app(People(), clock, attempts=3, attempts_seconds=60)
    async with Client(app, clock=clock) as client:
        assert [(await enter(client, password="wrong")).status for _ in range(4)] == [401, 401, 401, 429]
        response = await enter(client)
        assert (response.status, response.headers["retry-after"]) == (429, "20")
        await client.advance(20)
        assert (await enter(client)).status == 200


async def test_unknown_users_are_throttled_like_others() -> None:
    async with Client(make_app(People(), attempts=3)) as client:
        assert [(await enter(client, "eve")).status for _ in range(4)] == [401, 401, 401, 429]


async def test_check_password_needs_a_function_that_finds_users() -> None:
    app = App(plugins=["sessions", "auth"])

    @app.get("/")
    async def check(request: Request) -> str:
        with pytest.raises(LookupError) as caught:
            await request.resource(AUTH).check_password(request, "ada", "x")
        return caught.value.__notes__[0]

    async with Client(app) as client:
        assert "UserSource(get_credentials=...)" in (await client.get("/")).text


async def test_secrets_are_not_shown() -> None:
    people = People()
    shown = repr((people.user("ada"), people.get_credentials(None, "ada"), User("a", claims={"token": "secret"})))  # type: ignore[arg-type]
    assert "scrypt" not in shown
    assert "secret" not in shown
    assert password_version(people.hashes["ada"]) not in shown


# -- startup


def test_user_without_the_plugin_stops_the_start_and_is_never_read_from_content() -> None:
    app = App()

    @app.post("/")
    async def home(user: User) -> str:
        return user.name

    with expect_problems("TB611") as found:
        app.compile()
    assert "enable a plugin that supplies it" in str(found)


def test_sessions_are_needed_by_the_scheme() -> None:
    with expect_problems("TB412"):
        App(plugins=["auth"]).compile()
    with expect_problems("TB412"):
        App(plugins=[("auth", {"schemes": ["session", "basic"]})]).compile()
    assert App(plugins=[("auth", {"schemes": ["basic"]})]).compile().handle


async def test_chain_for_programs_has_no_sessions() -> None:
    app = App(plugins=[("auth", {"schemes": ["session", "basic"]})], chain="web")

    @app.scope("/api", chain="api").get("/me")
    async def me(user: User | None) -> str:
        return user.name if user is not None else "visitor"

    async with Client(app) as client:
        assert (await client.get("/api/me", cookies={"session": "x"})).text == "visitor"


async def test_chain_without_sessions_redirects_to_no_login_page() -> None:
    settings = {"schemes": ["session", "basic"], "login": "/login"}
    app = App(plugins=[("auth", settings)], chain="web")

    @app.get("/me")
    @app.scope("/api", chain="api").get("/me")
    async def me(user: User) -> str:
        return user.name

    async with Client(app, headers={"Accept": "text/html"}) as client:
        assert (await client.get("/me")).status == 303
        assert (await client.get("/api/me")).status == 401


@pytest.mark.parametrize(
    "settings",
    [{"schemes": []}, {"schemes": ["digest"]}, {"login": "login"}, {"login": "//evil"}, {"scrypt_memory": 1}],
    ids=str,
)
def test_wrong_settings(settings: dict[str, object]) -> None:
    with pytest.raises(StartupError):
        App(plugins=["sessions", ("auth", settings)]).compile()


def test_functions_of_two_sources_are_refused() -> None:
    first = UserSource(get_user=lambda request, user_id: None, login="/a")

    class Other(Plugin):
        info = attrs.evolve(AuthPlugin.info, name="other")

        def provide_users(self, setup: object) -> list[UserSource]:
            return [UserSource(get_user=lambda request, user_id: None)]

    with pytest.raises(StartupError) as caught:
        App(plugins=["sessions", AuthPlugin(first), Other]).compile()
    assert "two plugins provide users with get_user" in str(caught.value.problems[0])


def test_user_needs_an_id() -> None:
    for wrong in ("", 1):
        with pytest.raises(ValueError, match="id of a user"):
            User(wrong)  # type: ignore[arg-type]
    assert User("1", roles="admin").roles == {"admin"}  # type: ignore[arg-type]


async def test_replaced_user_in_tests() -> None:
    ada = User("1", "Ada", roles=frozenset({"admin"}))
    async with Client(make_app(), supply={User | None: ada}) as client:
        assert (await client.get("/")).text == "hello Ada"
        assert (await client.get("/me")).json()["name"] == "Ada"
        assert (await client.get("/admin")).text == "secret"


# -- elsewhere


async def test_user_of_middleware_websockets_and_error_handlers() -> None:
    app = make_app(People())
    seen: list[str] = []

    @app.middleware
    async def note(request: Request, call_next: Any, user: User | None) -> Response:
        seen.append(user.name if user is not None else "")
        return await call_next(request)  # type: ignore[no-any-return]

    @app.websocket("/socket")
    async def socket(socket: WebSocket, user: User) -> None:
        await socket.accept()
        await socket.send(user.name)

    @app.error_handler(HTTPError)
    async def failed(request: Request, error: HTTPError, user: User | None) -> Response:
        return Response(f"{user.name if user else 'visitor'}: {error.status}", error.status)

    async with Client(app) as client:
        assert (await client.get("/missing")).text == "visitor: 404"
        with pytest.raises(WebSocketRefused) as refused:
            async with client.websocket("/socket"):
                pass
        assert refused.value.response.status == 401
        await enter(client)
        async with client.websocket("/socket") as opened:
            assert await opened.receive() == "ada"
        assert (await client.get("/missing")).text == "ada: 404"
        assert seen == ["", "", "", "ada", "ada"]


def test_openapi_document_has_the_schemes_as_alternatives() -> None:
    app = App(plugins=["sessions", ("auth", {"schemes": ["session", "basic"]}), "openapi"])

    @app.get("/me")
    async def me(user: User) -> str:
        return user.name

    @app.get("/admin", guards=[requires("admin")])
    async def admin() -> str:
        return ""

    @app.get("/")
    async def home(user: User | None) -> str:
        return ""

    document = document_of(app)
    assert document["components"]["securitySchemes"] == {
        "basic": {"type": "http", "scheme": "basic"},
        "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "cookie of the session"},
    }
    paths = document["paths"]
    assert paths["/me"]["get"]["security"] == paths["/admin"]["get"]["security"] == [{"session": []}, {"basic": []}]
    assert {"401", "403"} <= set(paths["/me"]["get"]["responses"])
    assert "security" not in paths["/"]["get"]


def test_option_public_is_a_bool() -> None:
    app = App(plugins=["sessions", "auth"], options={"public": "no"})
    app.get("/")(lambda: "home")
    with expect_problems("TB439") as problems:
        app.compile()
    assert "public is True or False" in str(problems[0])


# -- templates


def make_pages(folder: Path, people: People) -> App:
    (folder / "page.html").write_text("{{ current_user.name if current_user else 'visitor' }}")
    plugin = AuthPlugin(people.source())
    templates = ("jinja_templates", {"folders": [str(folder)]})
    app = App(plugins=["sessions", (plugin, {"schemes": ["session", "basic"]}), "allowed_hosts", templates])

    @app.get("/")
    async def page(request: Request) -> Template:
        return Template("page.html")

    @app.post("/login")
    async def log_in(request: Request) -> str:
        login(request, people.user("ada"))
        return "in"

    @app.error_handler(HTTPError)
    async def failed(request: Request, error: HTTPError) -> Template:
        return Template("page.html", status=error.status)

    @app.error_handler(AuthenticationRequired)
    async def refused(request: Request, error: AuthenticationRequired) -> Template:
        return Template("page.html", status=error.status)

    return app


async def test_templates_see_the_current_user(tmp_path: Path) -> None:
    async with Client(make_pages(tmp_path, People()), base_url="http://localhost") as client:
        assert (await client.get("/")).text == "visitor"
        await client.post("/login")
        assert (await client.get("/")).text == "ada"
        assert (await client.get("/missing")).text == "ada"


async def test_error_pages_have_a_current_user_whatever_failed(tmp_path: Path) -> None:
    people = People()
    app = make_pages(tmp_path, people)

    @app.get("/me")
    async def me(user: User) -> str:
        return user.name

    @app.error_handler(OSError)
    async def down(request: Request, error: OSError) -> Template:
        return Template("page.html", status=503)

    async with Client(app, base_url="http://localhost") as client:
        await client.post("/login")
        # Refused outside of the sessions.
        response = await client.get("/", headers={"Host": "evil.example"})
        assert response.status == 400
        response = await client.get("/me", headers=basic("ada", "wrong"))
        assert (response.status, response.text) == (401, "visitor")

        people.is_down = True
        response = await client.get("/me")
        assert (response.status, response.text) == (503, "visitor")


# -- remembered passwords, failures and circles


async def test_right_password_of_basic_is_hashed_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    verify = passwords.verify_password

    def counted(password: str, *args: Any, **options: Any) -> passwords.Verified:
        hashed.append(password)
        return verify(password, *args, **options)

    monkeypatch.setattr(passwords, "verify_password", counted)
    clock, people = FakeClock(), People()
    app = make_app(people, clock, schemes=["session", "basic"], attempts=3)
    async with Client(app, clock=clock) as client:
        for _ in range(3):
            assert (await client.get("/me", headers=basic("ada", "correct horse"))).status == 200
        assert len(hashed) == 1
        # Others with the address cannot lock the user out.
        assert [(await client.get("/me", headers=basic("ada", "wrong"))).status for _ in range(4)] == [401] * 3 + [429]
        assert (await client.get("/me", headers=basic("ada", "correct horse"))).status == 200
        # The password of one user is not known for another one.
        assert (await client.get("/me", headers=basic("grace", "correct horse"))).status == 401
        people.hashes["ada"] = hash_password("new")
        assert (await client.get("/me", headers=basic("ada", "correct horse"))).status == 429
        people.hashes["grace"] = people.hashes["ada"]
        hashed.clear()
        await client.get("/me", headers=basic("grace", "new"))
        await client.advance(61)
        await client.get("/me", headers=basic("grace", "new"))
        assert len(hashed) == 2


async def test_remembered_passwords_are_bounded_and_can_be_turned_off() -> None:
    remembered = passwords.VerifiedPasswords(60, lambda: 0.0, entries=2)
    for password in ("a", "b", "c"):
        remembered.add(password, "hash")
    assert [remembered.knows(password, "hash") for password in "abc"] == [False, True, True]
    assert not remembered.knows("c", "other hash")
    off = passwords.Passwords(memory=8)
    stored = await off.hash("a")
    assert (await off.verify("a", stored, remember=True)).ok
    assert not off.was_verified("a", stored)


async def test_attempt_is_not_counted_if_the_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(password: str, *args: Any, **options: Any) -> passwords.Verified:
        raise MemoryError

    app = make_app(People(), attempts=3)
    async with Client(app, raise_exceptions=False) as client:
        with monkeypatch.context() as patch:
            patch.setattr(passwords, "verify_password", failing)
            assert [(await enter(client)).status for _ in range(5)] == [500] * 5
        assert (await enter(client)).status == 200


async def test_login_page_that_needs_a_user_is_no_circle() -> None:
    app = App(plugins=["sessions", ("auth", {"login": "/login"})], guards=[requires()])

    @app.get("/login")
    async def page() -> str:
        return "a form"

    async with Client(app) as client:
        assert (await client.get("/login?next=/", headers=PAGE)).status == 401
        assert (await client.get("/elsewhere", headers=PAGE)).status == 404


async def test_session_of_users_that_are_looked_up_is_not_accepted_without_a_look_up() -> None:
    app = make_app(People())
    scope = app.scope("/part", plugins=["auth"])

    @scope.get("/me")
    async def me(user: User) -> str:
        return user.id

    async with Client(app) as client:
        await enter(client)
        assert (await client.get("/me")).status == 200
        assert (await client.get("/part/me")).status == 401


async def test_wrong_credentials_are_checked_once_for_a_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    verify = passwords.verify_password

    def counted(password: str, *args: Any, **options: Any) -> passwords.Verified:
        hashed.append(password)
        return verify(password, *args, **options)

    monkeypatch.setattr(passwords, "verify_password", counted)
    app = make_pages(tmp_path, People())

    @app.get("/me")
    async def me(user: User) -> str:
        return user.name

    async with Client(app, base_url="http://localhost") as client:
        assert (await client.get("/me", headers=basic("ada", "wrong"))).status == 401
    assert hashed == ["wrong"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="program"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 200, id="own page"),
        pytest.param({"Sec-Fetch-Site": "none"}, 200, id="address bar"),
        pytest.param({"Origin": "http://testserver"}, 200, id="own page in an old browser"),
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site", "Origin": "http://evil.testserver"}, 403, id="subdomain"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="another site in an old browser"),
        pytest.param({"Origin": "null"}, 403, id="sandboxed page"),
    ],
)
async def test_pages_of_other_sites_cannot_use_a_remembered_password(headers: dict[str, str], status: int) -> None:
    app = make_app(People(), schemes=["basic"])

    @app.post("/delete")
    async def delete(user: User) -> str:
        return "deleted"

    async with Client(app) as client:
        credentials = basic("ada", "correct horse")
        assert (await client.post("/delete", headers={**credentials, **headers})).status == status
        assert (await client.get("/me", headers={**credentials, **headers})).status == 200
