"""Functions under ``@app.supply`` and guards: types that they supply, their mistakes, and the values in requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any, Generic, NewType, TypeVar

import attrs
import pytest

from turnbuckle import (
    App,
    Forbidden,
    Header,
    LifespanError,
    NotFound,
    ParameterProvider,
    Plugin,
    PluginInfo,
    Query,
    Request,
    ResourceKey,
    Setup,
    StartupError,
    Unauthorized,
)
from turnbuckle.testing import Client, expect_problems
from turnbuckle.web.handlers import describe_handler

if TYPE_CHECKING:
    from nowhere import Elsewhere


T = TypeVar("T")


class Store:
    """A type without a schema."""

    def __init__(self, name: str = "store") -> None:
        self.name = name


class Session:
    """A type that needs a store."""

    def __init__(self, store: Store) -> None:
        self.store = store


@attrs.frozen
class User:
    name: str


class Repository(Generic[T]):
    def __init__(self, name: str) -> None:
        self.name = name


Tenant = NewType("Tenant", str)
Token = Annotated[str, "token"]
LEVEL: ContextVar[str] = ContextVar("LEVEL", default="none")


def user(name: Header[str | None] = None) -> User:
    if name is None:
        raise Unauthorized(detail="no name")
    return User(name)


def admin(user: User) -> None:
    if user.name != "root":
        raise Forbidden()


def codes(app: App) -> list[str]:
    with pytest.raises(StartupError) as raised:
        app.resolve()
    return [problem.diagnostic.code for problem in raised.value.problems]


# -- types


def plain() -> Store:
    return Store()


async def asynchronous() -> Store:
    return Store()


def generator() -> Iterator[Store]:
    yield Store()


def full_generator() -> Generator[Store, None, None]:
    yield Store()


async def async_generator() -> AsyncIterator[Store]:
    yield Store()


@contextmanager
def manager() -> Iterator[Store]:
    yield Store()


@asynccontextmanager
async def async_manager() -> AsyncIterator[Store]:
    yield Store()


class Maker:
    async def __call__(self) -> Store:
        return Store()

    def method(self) -> Store:
        return Store()


SUPPLIERS: list[Callable[..., Any]] = [
    plain,
    asynchronous,
    generator,
    full_generator,
    async_generator,
    manager,
    async_manager,
    Maker(),
    Maker().method,
]


@pytest.mark.parametrize("in_thread", [None, True])
@pytest.mark.parametrize("function", SUPPLIERS, ids=lambda function: getattr(function, "__name__", "object"))
async def test_functions_of_all_forms_supply_their_type(function: Callable[..., Any], in_thread: bool | None) -> None:
    app = App()
    is_async = "async" in getattr(function, "__name__", "async")
    app.supply(in_thread=None if is_async else in_thread)(function)

    @app.get("/")
    async def home(store: Store) -> str:
        return store.name

    async with Client(app) as client:
        assert (await client.get("/")).text == "store"


async def test_types_with_a_name_are_supplied() -> None:
    app = App()

    @app.supply
    def tenant(host: Header[str]) -> Tenant:
        return Tenant(host.partition(".")[0])

    @app.supply
    def token() -> Token:
        return "secret"

    @app.get("/")
    async def home(tenant: Tenant, token: Token, text: str = "none") -> str:
        return f"{tenant} {token} {text}"

    async with Client(app, base_url="http://acme.example.com") as client:
        assert (await client.get("/")).text == "acme secret none"


async def test_generic_classes_are_supplied_by_their_arguments() -> None:
    app = App()

    @app.supply
    def numbers() -> Repository[int]:
        return Repository("numbers")

    @app.supply
    def users() -> Repository[User]:
        return Repository("users")

    @app.get("/")
    async def home(first: Repository[User], second: Repository[int]) -> str:
        return f"{first.name} {second.name}"

    async with Client(app) as client:
        assert (await client.get("/")).text == "users numbers"


# -- mistakes


def no_annotation():  # type: ignore[no-untyped-def]  # noqa: ANN201
    return Store()


def yields_wrong() -> Store:
    yield Store()  # type: ignore[misc]


async def yields_untyped() -> AsyncIterator:  # type: ignore[type-arg]
    yield Store()


def unknown_name() -> Missing:  # type: ignore[name-defined]  # noqa: F821
    return Store()


def for_checkers() -> Elsewhere:
    return Store()


def nothing() -> None: ...


def anything() -> Any: ...


def a_request(request: Request) -> Request:
    return request


def common() -> str:
    return ""


def common_list() -> list[int | None]:
    return []


def common_dict() -> dict[str, int]:
    return {}


def unhashable() -> Annotated[str, []]:
    return ""


def untyped(it) -> Store:  # type: ignore[no-untyped-def]  # noqa: ANN001
    return Store()


def unsupplied(session: Session) -> Store:
    return Store()


async def takes_store(store: Store) -> str:
    return store.name


def itself(store: Store) -> Store:
    return store


@pytest.mark.parametrize(
    ("function", "code", "text", "fix"),
    [
        pytest.param(no_annotation, "TB620", "has no return annotation", "'-> Store'", id="no-annotation"),
        pytest.param(yields_wrong, "TB620", "yields its value", "write '-> Iterator[Store]'", id="yields"),
        pytest.param(yields_untyped, "TB620", "yields its value", "'-> AsyncIterator[Store]'", id="yields-any"),
        pytest.param(unknown_name, "TB620", "'Missing' is not defined", "import the name", id="unknown-name"),
        pytest.param(for_checkers, "TB620", "cannot be evaluated", "TYPE_CHECKING", id="for-checkers"),
        pytest.param(nothing, "TB620", "supplies nothing", "guards=[nothing]", id="nothing"),
        pytest.param(anything, "TB620", "may be anything", "write the class", id="anything"),
        pytest.param(a_request, "TB620", "supplies Request", "class of your own", id="request"),
        pytest.param(common, "TB621", "supplies str", "NewType('Name', str)", id="scalar"),
        pytest.param(common_list, "TB621", "supplies list[int | None]", "NewType", id="list-of-scalars"),
        pytest.param(common_dict, "TB621", "supplies dict[str, int]", "NewType", id="dict"),
        pytest.param(unhashable, "TB620", "supplies Annotated[str, []]", "a hash", id="unhashable"),
        pytest.param(untyped, "TB612", "takes 'it' without an annotation", "'it: Request'", id="untyped-parameter"),
        pytest.param(unsupplied, "TB611", "'session: Session' of", "@app.supply", id="unsupplied-parameter"),
        pytest.param(itself, "TB618", "itself", "remove a parameter", id="needs-itself"),
    ],
)
def test_mistakes_of_suppliers_are_problems(function: Callable[..., Any], code: str, text: str, fix: str) -> None:
    app = App()
    app.supply(function)
    if code not in {"TB620", "TB621"}:
        # A route that needs it does not report it again.
        app.get("/")(takes_store)
    with expect_problems(code) as problems:
        app.resolve()
    diagnostic = problems[0].diagnostic
    assert text in diagnostic.text
    assert fix in diagnostic.fix
    assert f"{__name__.replace('.', '/')}.py:{function.__code__.co_firstlineno}" in str(diagnostic)


def test_one_type_supplied_twice_is_a_problem_with_both_places() -> None:
    app = App()
    app.supply(plain)
    app.supply(asynchronous)
    with expect_problems("TB610") as problems:
        app.resolve()
    lines = [origin.location.rpartition(":")[2] for origin in problems[0].diagnostic.origins]
    assert lines == [str(function.__code__.co_firstlineno) for function in (asynchronous, plain)]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda app: app.supply(Store), "takes a function"),
        (lambda app: app.supply("store"), "takes a function"),
        (lambda app: app.supply(per="session")(plain), "per='session'"),
        (lambda app: app.get("/", guards=admin), "guards must be a list"),
        (lambda app: app.scope("/x", guards="admin"), "guards must be a list"),
        (lambda app: App(guards=admin), r"write guards=\[admin\]"),
    ],
)
def test_wrong_arguments_are_refused_at_once(call: Callable[[App], object], text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        call(App())


def test_async_function_in_a_thread_is_a_problem() -> None:
    app = App()
    app.supply(in_thread=True)(asynchronous)
    assert codes(app) == ["TB620"]


# -- values


async def test_one_value_per_request_is_shared() -> None:
    app, calls = App(), []

    @app.supply
    async def store() -> Store:
        calls.append("store")
        await asyncio.sleep(0)
        return Store()

    @app.supply
    def session(store: Store) -> Session:
        return Session(store)

    @app.get("/")
    async def home(session: Session, store: Store) -> str:
        return str(session.store is store)

    async with Client(app) as client:
        assert (await client.get("/")).text == "True"
        assert (await client.get("/")).text == "True"
    assert calls == ["store", "store"]


async def test_inner_scope_replaces_the_suppliers_that_others_need() -> None:
    app = App()

    @app.supply
    def store() -> Store:
        return Store("outer")

    @app.supply
    def session(store: Store) -> Session:
        return Session(store)

    async def home(session: Session) -> str:
        return session.store.name

    app.get("/")(home)
    inner = app.scope("/inner")
    inner.get("/")(home)

    @inner.supply
    def other() -> Store:
        return Store("inner")

    async with Client(app) as client:
        assert [(await client.get(path)).text for path in ("/", "/inner")] == ["outer", "inner"]


async def test_parameters_of_the_path_reach_suppliers() -> None:
    app = App()

    @app.supply
    def user(id: int, name: Query[str] = "x") -> User:
        return User(f"{id + 1} {name}")

    @app.supply
    def session(user: User) -> Session:
        return Session(Store(user.name))

    @app.get("/users/{id:int}/{name}")
    async def of_path(session: Session) -> str:
        return session.store.name

    @app.get("/users/{id}")
    async def of_text(session: Session) -> str:
        return session.store.name

    @app.get("/query")
    async def of_query(session: Session) -> str:
        return session.store.name

    async with Client(app) as client:
        assert (await client.get("/users/3/bob?id=7")).text == "4 x"
        assert (await client.get("/users/3")).text == "4 x"
        assert (await client.get("/users/a")).status == 404
        assert (await client.get("/query?id=7&name=y")).text == "8 y"


@pytest.mark.parametrize("fails", [False, True])
async def test_cleanup_runs_after_the_handler_also_when_it_raised(fails: bool) -> None:
    app, log = App(), []

    @app.supply
    def store() -> Iterator[Store]:
        token = LEVEL.set("in")
        log.append(threading.current_thread() is threading.main_thread())
        try:
            yield Store()
        except ValueError as error:
            log.append(repr(error))
            raise
        finally:
            # In the same context as the code before the yield.
            LEVEL.reset(token)
            log.append("closed")

    @app.supply
    async def session(store: Store) -> AsyncIterator[Session]:
        try:
            yield Session(store)
        finally:
            log.append("session closed")

    @app.get("/")
    async def home(session: Session) -> str:
        if fails:
            raise ValueError("no")
        log.append("handler")
        return "yes"

    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get("/")).status == (500 if fails else 200)
    middle = ["session closed", "ValueError('no')"] if fails else ["handler", "session closed"]
    assert log == [False, *middle, "closed"]


async def test_session_that_opens_while_the_request_is_cancelled_is_closed() -> None:
    app, log = App(), []
    opening, may_open, closed = threading.Event(), threading.Event(), threading.Event()

    @app.supply
    def store() -> Iterator[Store]:
        opening.set()
        may_open.wait(5)
        log.append("open")
        try:
            yield Store()
        finally:
            log.append("close")
            closed.set()

    @app.get("/", timeouts={"handler": 1.0})
    async def home(store: Store) -> str:
        return store.name

    async with Client(app, raise_exceptions=False) as client:
        request = asyncio.create_task(client.get("/"))
        await asyncio.to_thread(opening.wait, 5)
        await client.advance(2.0)
        may_open.set()
        assert (await request).status == 503
        assert await asyncio.to_thread(closed.wait, 5)
    assert log == ["open", "close"]


async def test_value_for_the_app_is_made_once_and_left_at_the_end() -> None:
    app, log = App(), []
    DATABASE = ResourceKey("database", User)

    @app.lifespan(provides=DATABASE)
    async def database() -> AsyncIterator[User]:
        log.append("database")
        yield User("db")
        log.append("database left")

    @app.supply(per="app")
    async def store(database: User, *, session: Session) -> AsyncIterator[Store]:
        log.append("store")
        yield Store(f"{database.name} {session.store.name}")
        log.append("store left")

    @app.supply(per="app")
    def session() -> Session:
        log.append("session")
        return Session(Store("s"))

    @app.supply(per="app")
    def unused() -> Tenant:
        raise AssertionError

    @app.supply
    def token(store: Store) -> Token:
        return store.name

    async def home(store: Store, token: Token) -> str:
        return store.name + token

    app.get("/")(home)
    app.scope("/inner").get("/")(home)
    async with Client(app) as client:
        assert log == ["database", "session", "store"]
        for path in ("/", "/inner", "/"):
            assert (await client.get(path)).text == "db sdb s"
    assert log == ["database", "session", "store", "store left", "database left"]


@pytest.mark.parametrize("kind", ["query", "request"])
def test_value_for_the_app_cannot_need_a_request(kind: str) -> None:
    app = App()

    @app.supply
    def store() -> Store:
        return Store()

    if kind == "request":

        @app.supply(per="app")
        def of_request(store: Store) -> Session:
            return Session(store)
    else:

        @app.supply(per="app")
        def of_query(size: int = 3) -> Session:
            return Session(Store())

    @app.get("/")
    async def home(session: Session) -> str:
        return ""

    with expect_problems("TB622") as problems:
        app.resolve()
    assert 'per="app"' in problems[0].diagnostic.fix


async def test_http_errors_answer_and_others_name_the_supplier(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.supply
    def store(kind: str) -> Store:
        if kind == "missing":
            raise NotFound(detail="no store")
        raise RuntimeError("broken")

    @app.get("/")
    async def home(store: Store) -> str:
        return ""

    async with Client(app, raise_exceptions=False) as client:
        response = await client.get("/?kind=missing")
        assert (response.status, response.text) == (404, "no store")
        assert (await client.get("/")).status == 422
        assert (await client.get("/?kind=x")).status == 500
    assert "raised by the supplier" in caplog.text
    assert f"{__name__.replace('.', '/')}.py:{store.__code__.co_firstlineno}" in caplog.text


def _returns_none() -> Store:
    return None  # type: ignore[return-value]


async def _yields_none() -> AsyncIterator[Store]:
    yield None  # type: ignore[misc]


def _fails_to_close() -> Iterator[Store]:
    yield Store()
    raise OSError("cannot commit")


async def _replaces_the_error() -> AsyncIterator[Store]:
    try:
        yield Store()
    except LookupError as error:
        raise OSError("cannot roll back") from error


async def _yields_twice() -> AsyncIterator[Store]:
    yield Store()
    yield Store()


def _passes_the_error_on() -> Iterator[Store]:
    yield Store()


@pytest.mark.parametrize(
    ("function", "path", "reason"),
    [
        (_returns_none, "/", "supplied None, but is annotated '-> Store'"),
        (_yields_none, "/", "supplied None, but is annotated '-> AsyncIterator[Store]'"),
        (_fails_to_close, "/", "cannot commit"),
        (_replaces_the_error, "/fails", "cannot roll back"),
        (_yields_twice, "/", "generator didn't stop"),
        (_passes_the_error_on, "/fails", ""),
    ],
)
@pytest.mark.parametrize("in_thread", [None, False])
async def test_suppliers_are_named_for_missing_values_and_failed_cleanup(
    function: Callable[..., Any], path: str, reason: str, in_thread: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    app.supply(in_thread=in_thread)(function)

    @app.get("/")
    async def home(store: Store) -> str:
        return ""

    @app.get("/fails")
    async def fails(store: Store) -> str:
        raise LookupError("of the handler")

    async with Client(app, raise_exceptions=False) as client:
        assert (await client.get(path)).status == 500
    assert reason in caplog.text
    assert (f"raised by the supplier {describe_handler(function)} (" in caplog.text) is bool(reason)


async def test_value_for_the_app_that_is_none_names_its_supplier() -> None:
    app = App()
    app.supply(per="app")(_returns_none)

    @app.get("/")
    async def home(store: Store) -> str:
        return ""

    with pytest.raises(LifespanError, match="_returns_none supplied None"):
        async with Client(app):
            pass


# -- guards


async def test_guards_run_in_order_before_the_parameters_and_for_routes_only() -> None:
    log: list[str] = []

    async def first() -> None:
        log.append("first")

    app = App(guards=[first])
    app.supply(user)
    scope = app.scope("/admin", guards=[admin])
    inner = scope.scope("/inner")

    def last() -> None:
        log.append("last")

    @inner.get("/{id:int}", guards=[last, first])
    async def home(id: int, page: int) -> str:
        log.append("handler")
        return "home"

    @app.get("/plain")
    async def plain() -> str:
        return "plain"

    async with Client(app) as client:
        assert (await client.get("/admin/inner/1?page=x")).status == 401
        assert (await client.get("/admin/inner/1?page=x", headers={"name": "bob"})).status == 403
        assert log == ["first", "first"]
        assert (await client.get("/admin/inner/1?page=x", headers={"name": "root"})).status == 422
        assert (await client.get("/admin/inner/1?page=1", headers={"name": "root"})).text == "home"
        assert log == ["first", "first", "first", "last", "first", "last", "handler"]
        log.clear()
        assert (await client.get("/admin/inner/none")).status == 404
        assert (await client.post("/plain")).status == 405
        assert log == []
        assert (await client.get("/plain")).text == "plain"
        assert log == ["first"]


class Locked(Plugin):
    info = PluginInfo(name="locked")

    def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
        return [ParameterProvider(Store, plain, per="app"), ParameterProvider(User, user)]


async def test_plugins_supply_in_the_same_way() -> None:
    app = App(plugins=[Locked], guards=[admin])

    @app.get("/")
    async def home(store: Store) -> str:
        return store.name

    async with Client(app) as client:
        assert (await client.get("/")).status == 401
        assert (await client.get("/", headers={"name": "root"})).text == "store"
    assert app.plan.root.routes[0].signature.guards[0].name.endswith("admin")


def test_plugin_that_supplies_a_common_type_is_refused() -> None:
    class Wrong(Plugin):
        info = PluginInfo(name="wrong")

        def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
            return [ParameterProvider(str, common)]

    assert codes(App(plugins=[Wrong])) == ["TB621"]


async def called() -> None: ...


async def answers_bool() -> bool:
    return False


@pytest.mark.parametrize(
    ("guard", "fix"),
    [
        (called, "guards=[called], without parentheses"),
        (lambda: None, "without parentheses"),
        (lambda: answers_bool, "raise Forbidden() in it"),
        (lambda: User, "pass a function that takes 'user: User'"),
    ],
)
def test_guard_that_cannot_be_used_is_a_problem(guard: Callable[[], Any], fix: str) -> None:
    app = App(guards=[guard()])
    app.get("/a")(plain)
    app.get("/b")(plain)
    with pytest.raises(StartupError) as raised:
        app.resolve()
    found = [problem.diagnostic for problem in raised.value.problems if problem.diagnostic.code == "TB623"]
    assert len(found) == 1
    assert fix in found[0].fix
