"""Middleware functions and error handlers with further parameters, and suppliers that a test replaces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import attrs
import pytest

from turnbuckle import (
    App,
    Form,
    Header,
    InvalidInput,
    NotFound,
    Request,
    ResourceKey,
    Response,
    StartupError,
    Stream,
    Text,
    Unauthorized,
    middleware,
)
from turnbuckle.testing import Client, expect_problems
from turnbuckle.web.types import Handler


class Store:
    def __init__(self, name: str = "store") -> None:
        self.name = name


class Database:
    def __init__(self, name: str = "database") -> None:
        self.name = name


@attrs.frozen
class User:
    name: str


@attrs.frozen
class Note:
    title: str


DATABASE = ResourceKey("database", Database)


def user(name: Header[str | None] = None) -> User:
    if name is None:
        raise Unauthorized(detail="no name")
    return User(name)


def diagnostics(app: App) -> list[Any]:
    with pytest.raises(StartupError) as raised:
        app.resolve()
    return [problem.diagnostic for problem in raised.value.problems]


# -- middleware


async def test_middleware_functions_receive_further_parameters() -> None:
    app, log = App(), []
    app.supply(user)

    @app.supply
    def store() -> Iterator[Store]:
        log.append("open")
        yield Store()
        log.append("close")

    @app.middleware
    async def named(request: Request, call_next: Handler, user: User, level: int = 3) -> Response:
        response = await call_next(request)
        response.headers["x-user"] = f"{user.name} {level}"
        return response

    scope = app.scope("/scope")

    @scope.middleware
    async def stored(request: Request, call_next: Handler, store: Store, *, user: User) -> Response:
        response = await call_next(request)
        log.append(f"{store.name} {user.name}")
        return response

    @scope.get("/")
    async def home(user: User, store: Store) -> str:
        log.append("handler")
        return user.name

    @scope.get("/stream")
    async def stream(user: User) -> Stream:
        async def pieces() -> AsyncIterator[str]:
            log.append("piece")
            yield user.name

        return Stream(pieces())

    async with Client(app) as client:
        assert (await client.get("/scope")).status == 401
        assert (await client.get("/none", headers={"name": "ada"})).headers["x-user"] == "ada 3"
        assert (await client.get("/none?level=x", headers={"name": "ada"})).status == 422
        assert log == []
        response = await client.get("/scope?level=1", headers={"name": "ada"})
        assert (response.text, response.headers["x-user"]) == ("ada", "ada 1")
        assert log == ["open", "handler", "store ada", "close"]
        log.clear()
        assert (await client.get("/scope/stream", headers={"name": "ada"})).text == "ada"
        assert log == ["open", "store ada", "piece", "close"]


async def test_middleware_that_reads_the_content_may_take_it() -> None:
    @middleware(reads_body=True)
    async def checked(request: Request, call_next: Handler, note: Note) -> Response:
        response = await call_next(request)
        response.headers["x-title"] = note.title
        return response

    app = App(middleware=[checked])

    @app.post("/")
    async def add(note: Note) -> str:
        return note.title

    async with Client(app) as client:
        response = await client.post("/", json={"title": "milk"})
        assert (response.text, response.headers["x-title"]) == ("milk", "milk")
        assert (await client.post("/", json={})).status == 422


async def content(request: Request, call_next: Handler, note: Note) -> Response:
    return await call_next(request)


async def content_of_supplier(request: Request, call_next: Handler, store: Store) -> Response:
    return await call_next(request)


async def unsupplied(request: Request, call_next: Handler, database: Database) -> Response:
    return await call_next(request)


@pytest.mark.parametrize(
    ("function", "code", "text"),
    [
        (content, "TB624", "takes 'note' from the content"),
        (content_of_supplier, "TB624", "which takes 'name' from the content"),
        (unsupplied, "TB611", "'database: Database' of"),
    ],
)
def test_middleware_that_cannot_be_supplied_is_a_problem(function: Callable[..., Any], code: str, text: str) -> None:
    app = App(middleware=[function])

    @app.supply
    def store(name: Form[str]) -> Store:
        return Store(name)

    (found,) = diagnostics(app)
    assert found.code == code
    assert text in found.text
    assert f".py:{function.__code__.co_firstlineno}" in str(found)
    assert ("needs the supplier" in found.text and "store (tests" in found.text) is (function is content_of_supplier)


# -- error handlers


async def test_error_handlers_receive_further_parameters() -> None:
    app, log = App(), []
    app.supply(user)

    @app.supply
    def store() -> Iterator[Store]:
        yield Store()
        log.append("close")

    @app.error_handler(NotFound)
    async def not_found(request: Request, error: NotFound, user: User, *, store: Store) -> Response:
        return Text(f"nothing for {user.name} in {store.name}", 404)

    scope = app.scope("/scope")

    @scope.supply
    def other() -> Store:
        return Store("other")

    @scope.get("/")
    async def home() -> str:
        raise NotFound()

    async with Client(app, raise_exceptions=False) as client:
        response = await client.get("/none", headers={"name": "ada"})
        assert (response.status, response.text) == (404, "nothing for ada in store")
        assert (await client.get("/scope", headers={"name": "ada"})).text == "nothing for ada in other"
        assert log == ["close"]
        # The error of the supplier is the answer.
        assert (await client.get("/none")).status == 401


def test_error_handler_cannot_take_the_content() -> None:
    app = App()

    @app.error_handler(InvalidInput)
    async def invalid(request: Request, error: InvalidInput, note: Note) -> Response:
        return Response(status=422)

    (found,) = diagnostics(app)
    assert found.code == "TB624"
    assert "error handler" in found.text


# -- replaced suppliers


def notes_app() -> tuple[App, list[str]]:
    app, log = App(), []
    app.supply(user)

    @app.lifespan(provides=DATABASE)
    async def database() -> AsyncIterator[Database]:
        log.append("connect")
        yield Database()
        log.append("disconnect")

    @app.supply(per="app")
    def store(database: Database) -> Store:
        log.append("store")
        return Store(database.name)

    scope = app.scope("/scope")

    @scope.supply
    def special() -> User:
        return User("special")

    async def home(request: Request, user: User, store: Store, database: Database) -> str:
        return f"{user.name} {store.name} {request.resource(DATABASE).name} {database.name}"

    app.get("/")(home)
    scope.get("/")(home)
    return app, log


async def both(client: Client, **headers: str) -> list[str]:
    return [(await client.get(path, headers=headers)).text for path in ("/", "/scope")]


async def test_tests_replace_suppliers_and_resources() -> None:
    app, log = notes_app()
    async with Client(app, supply={User: User("fake"), Database: Database("memory")}) as client:
        assert await both(client) == ["fake memory memory memory"] * 2
    assert log == ["store"]
    # The app itself is not changed.
    async with Client(app) as client:
        assert await both(client, name="ada") == [
            "ada database database database",
            "special database database database",
        ]
    assert log == ["store", "connect", "store", "disconnect"]


async def test_tests_replace_suppliers_by_functions() -> None:
    app, log = notes_app()

    def fake_user(name: Header[str] = "nobody") -> Iterator[User]:
        yield User(name.upper())
        log.append("user left")

    async def fake_store() -> AsyncIterator[Store]:
        log.append("fake store")
        yield Store("fake")
        log.append("fake store left")

    supply = {User: fake_user, Store: fake_store, Database: lambda: Database("made")}
    async with Client(app, supply=supply) as client:
        assert await both(client, name="ada") == ["ADA fake made made"] * 2
    assert log == ["fake store", "user left", "user left", "fake store left"]


@pytest.mark.parametrize(
    ("supply", "text"),
    [
        ({Note: Note("x")}, "the app does not supply Note"),
        ({Userr: 1} if (Userr := type("Userr", (), {})) else {}, "did you mean User?"),
        ({Database: lambda request: Database()}, "takes parameters"),
    ],
)
def test_overrides_that_replace_nothing_are_a_problem(supply: dict[Any, object], text: str) -> None:
    app, _ = notes_app()
    with expect_problems("TB625") as problems:
        Client(app, supply=supply)
    diagnostic = problems[0].diagnostic
    assert text in diagnostic.text
    assert "test_middleware_signatures.py" in str(diagnostic)


def test_overrides_need_an_app_and_no_class() -> None:
    app, _ = notes_app()
    with pytest.raises(TypeError, match="pass an instance, or a function such as 'lambda: Store"):
        Client(app, supply={Store: Store})
    with pytest.raises(TypeError, match="compiled already"):
        Client(app.compile(), supply={Store: Store()})
