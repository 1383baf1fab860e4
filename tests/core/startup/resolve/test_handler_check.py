"""Handlers that would fail or ignore something in each request are refused at startup; all legal forms are accepted."""

import datetime as dt
import functools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NewType,
    NoReturn,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
)

import attrs
import pytest

import turnbuckle
from turnbuckle import App, NotFound, Plan, Request, Response, Route, StartupError
from turnbuckle.testing import expect_problems

if TYPE_CHECKING:
    from nowhere import Elsewhere

N = 7
UserId = NewType("UserId", int)
T = TypeVar("T")


@dataclass
class Item:
    name: str = ""


@attrs.frozen
class Record:
    name: str = ""


class Fields(TypedDict):
    name: str


class HasURL(Protocol):
    url: str


class Marker:
    """A default as other frameworks have them."""


class Query(Marker):
    """A marker that is a class."""


class ForeignRequest:
    """The request of another framework."""


class Depends(Marker):
    """A marker that takes a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


class View:
    async def get(self, request) -> str:
        return ""


class CallableView:
    async def __call__(self, request, id=None):
        return ""


class Wiki:
    async def page(self, request, id=None) -> str:
        return ""

    async def only(self) -> str:
        return ""

    @classmethod
    async def of_class(cls, request) -> str:
        return ""

    @staticmethod
    async def static(request) -> str:
        return ""


def passing_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        return await function(*args, **kwargs)

    return wrapper


def with_store(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        return await function(*args, store={}, **kwargs)

    return wrapper


def without_request(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(request, **kwargs):
        return await function(**kwargs)

    return wrapper


def resolve(handler: object, path: str) -> Plan:
    app = App()
    app.add_route(path, handler, methods=["GET", "POST"])
    return app.resolve()


async def query(request, q: str = "", page: int = 1) -> None: ...
async def query_by_name(request, *, q: str = "") -> None: ...
async def query_after_parameter(request, id, q: str = "") -> None: ...
async def query_unannotated(request, q="", page=1) -> None: ...
async def query_list(request, tag: list[str] = []) -> None: ...  # noqa: B006
async def query_none(request, q: str | None = None) -> None: ...
async def query_first(q: str = "") -> None: ...
async def query_first_unannotated(q="") -> None: ...
async def query_flag(request, debug: bool = False) -> None: ...
async def depends_annotated(request, db: Annotated[str, Depends(print)] = "") -> None: ...
async def query_marker(request, q: str = Query()) -> None: ...
async def content_first(item: Item) -> None: ...
async def content_required(request, item: Item) -> None: ...
async def content_attrs(request, record: Record) -> None: ...
async def content_dict(data: dict) -> None: ...
async def request_str(request: str) -> None: ...
async def request_foreign(request: ForeignRequest) -> None: ...
async def response_taken(request, response: Response) -> None: ...
async def bound_number(request, n: int = N) -> None: ...
async def int_id(request, id: int) -> None: ...
async def text_int_id(request, id: "int") -> None: ...
async def optional_id(request, id: Optional[int] = None) -> None: ...  # noqa: UP045
async def float_x(request, x: float) -> None: ...
async def uuid_id(request, id: uuid.UUID) -> None: ...
async def date_day(request, day: dt.date) -> None: ...
async def str_id(request, id: str) -> None: ...
async def datetime_day(request, day: dt.datetime) -> None: ...
async def item_id(request, id: Item) -> None: ...
async def path_rest(request, rest: Path) -> None: ...
async def user_id(request, user_id) -> None: ...
async def middleware(request, call_next) -> None: ...
async def number(request) -> int: ...
async def maybe_number(request) -> "int | bool": ...
async def number_or_none(request) -> int | None: ...
async def text_or_number(request) -> str | int: ...
async def number_or_text(request) -> float | str: ...
async def pair(request) -> tuple[str, int]: ...
async def names(request) -> set[str]: ...
async def error(request) -> NotFound: ...
def strings(request) -> Iterator[str]: ...
async def id_alone(id) -> None: ...


def generator(request):
    yield ""


class GeneratorView:
    def __call__(self, request):
        yield ""


@pytest.mark.parametrize(
    ("handler", "path", "code", "message"),
    [
        pytest.param(query_unannotated, "/", "TB612", "takes 'q' without an annotation", id="query-unannotated"),
        pytest.param(query_list, "/", "TB616", "Query(default_factory=list)", id="query-list"),
        pytest.param(query_first_unannotated, "/", "TB415", "as its first parameter 'q'", id="query-first-unannotated"),
        pytest.param(depends_annotated, "/", "TB614", "supply it with @app.supply", id="depends-annotated"),
        pytest.param(query_marker, "/", "TB614", "take Query from turnbuckle", id="query-marker"),
        pytest.param(response_taken, "/", "TB611", "return a Response instead of taking one", id="response-taken"),
        pytest.param(request_str, "/", "TB415", "write 'request: Request'", id="request-is-str"),
        pytest.param(request_foreign, "/", "TB415", "'from turnbuckle import Request', instead of", id="foreign"),
        pytest.param(str_id, "/{id:int}", "TB415", "'id: str', but its value is of type int", id="str"),
        pytest.param(int_id, "/{id:float}", "TB415", "'id: int', but its value is of type float", id="int-is-float"),
        pytest.param(str_id, "/{id:uuid}", "TB415", "'id: str', but its value is of type UUID", id="str-is-uuid"),
        pytest.param(datetime_day, "/{day:date}", "TB415", "its value is of type date", id="datetime"),
        pytest.param(item_id, "/{id}", "TB415", "make Item(id) in the handler", id="path"),
        pytest.param(user_id, "/{id}", "TB415", "use one name in both: name the parameter 'id'", id="other-name"),
        pytest.param(middleware, "/", "TB415", "decorate it with @app.middleware", id="middleware"),
        pytest.param(View, "/", "TB415", "pass the method of an instance: View().get", id="class"),
        pytest.param(CallableView, "/", "TB415", "pass an instance: CallableView()", id="callable-class"),
        pytest.param(Item, "/", "TB415", "Item is a class", id="dataclass"),
        pytest.param(Wiki.page, "/", "TB415", "pass the method of an instance: Wiki().page", id="function-of-class"),
        pytest.param(Wiki.only, "/", "TB415", "and 'self' is not bound", id="function-of-class-alone"),
        pytest.param(passing_on(Wiki.page), "/", "TB415", "and 'self' is not bound", id="function-of-class-decorated"),
        pytest.param("main:home", "/", "TB415", "'main:home', which cannot be called", id="text"),
        pytest.param(vars(Wiki)["of_class"], "/", "TB415", "add the route below the class", id="class-method-object"),
        pytest.param(None, "/", "TB415", "None, which cannot be called", id="none"),
        pytest.param(Response("x"), "/", "TB415", "which cannot be called", id="response"),
        pytest.param(generator, "/", "TB429", "is a plain 'def' that yields", id="generator"),
        pytest.param(GeneratorView(), "/", "TB429", "is a plain 'def' that yields", id="generator-object"),
        pytest.param(number, "/", "TB429", "return str(value), or JSON(value)", id="returns-number"),
        pytest.param(maybe_number, "/", "TB429", "'-> int | bool'", id="returns-union"),
        pytest.param(number_or_none, "/", "TB429", "'-> int | None', and int has no", id="returns-number-or-none"),
        pytest.param(text_or_number, "/", "TB429", "'-> str | int', and int has no", id="returns-text-or-number"),
        pytest.param(number_or_text, "/", "TB429", "'-> float | str', and float has no", id="returns-number-or-text"),
        pytest.param(pair, "/", "TB429", "return Response(body, status=...", id="returns-tuple"),
        pytest.param(names, "/", "TB429", "return a list", id="returns-set"),
        pytest.param(error, "/", "TB429", "raise it: 'raise NotFound(...)'", id="returns-exception"),
        pytest.param(strings, "/", "TB429", "'-> collections.abc.Iterator[str]'", id="returns-iterator"),
    ],
)
def test_mistake_is_refused_with_the_right_spelling(handler: object, path: str, code: str, message: str) -> None:
    with pytest.raises(StartupError) as raised:
        resolve(handler, path)
    (problem, *_) = [problem.diagnostic for problem in raised.value.problems]
    assert problem.code == code
    assert message in f"{problem.text}\n{problem.fix}"
    assert problem.why
    if callable(handler) and not isinstance(handler, functools.partial):
        assert problem.origins[0].location


def test_coroutine_in_place_of_its_function_is_refused_and_closed() -> None:
    with pytest.raises(StartupError, match="1 problem") as raised:
        resolve(number(None), "/")
    assert "pass the function itself, without parentheses" in str(raised.value.problems[0])


@pytest.mark.parametrize(
    ("handler", "path", "message"),
    [
        pytest.param(passing_on(user_id), "/{id}", "the decorated function requires 'user_id'", id="required"),
        pytest.param(passing_on(int_id), "/{id:float}", "write '{id:int}' in the path", id="annotation"),
        pytest.param(passing_on(response_taken), "/", "has a type that nothing supplies", id="unsupplied"),
        pytest.param(id_alone, "/{user_id}", "receives the request as 'id', and its path has 'user_id'", id="name"),
    ],
)
def test_mistake_that_may_work_all_the_same_is_a_warning(handler: object, path: str, message: str) -> None:
    (warning,) = resolve(handler, path).diagnostics
    assert warning.level == "warning"
    assert message in str(warning)


async def any_name(req, id=None) -> None: ...
async def by_name(id: int, request: Request) -> dict[str, int]: ...
async def keywords(*, id, request) -> None: ...
async def everything(*args, **kwargs) -> None: ...
async def all_parameters(request, **params) -> str | None: ...
async def nothing() -> None: ...
async def bound(request, store, id: Annotated[int, "in the path"] = 3) -> None: ...
async def optional(request: Request, id: int | None = None) -> Sequence[str]: ...
async def qualified(request: turnbuckle.Request) -> Mapping[str, int]: ...
async def anything(request: Any, id: object) -> None: ...
async def supertype(request: HasURL, id: HasURL) -> None: ...
async def elsewhere(request: "Elsewhere", id: "Elsewhere") -> "Elsewhere": ...
async def variable(request: T, id: T) -> T: ...
async def int_as_float(request, id: float) -> None: ...
async def new_type(request, id: UserId) -> None: ...
async def literal(request, id: Literal["a", "b"]) -> None: ...
async def typed_dict(request) -> Fields: ...
async def never(request) -> NoReturn: ...
async def subclass(request) -> bool | Item | str: ...
def awaited(request) -> Awaitable[str]: ...
async def stored(request, id, store) -> None: ...
async def binding(request, n=N, x=dt.date.min, item=None or N) -> None: ...
async def without(id: str) -> None: ...


async def streamed(request) -> AsyncIterator[str]:
    yield ""


@pytest.mark.parametrize(
    ("handler", "path"),
    [
        pytest.param(any_name, "/{id}", id="any-name"),
        pytest.param(by_name, "/{id:int}", id="request-by-name"),
        pytest.param(keywords, "/{id}", id="keyword-only"),
        pytest.param(everything, "/{id}", id="all-arguments"),
        pytest.param(all_parameters, "/{id}", id="all-parameters"),
        pytest.param(nothing, "/{id}", id="nothing"),
        pytest.param(functools.partial(bound, store=1), "/{id:int}", id="partial"),
        pytest.param(functools.partial(bound, store=1, id=3), "/", id="partial-of-an-annotated-parameter"),
        pytest.param(functools.partial(query, q="", page=1), "/", id="partial-of-all"),
        pytest.param(functools.partial(query, page=2), "/", id="partial-of-a-query-parameter"),
        pytest.param(query, "/", id="query"),
        pytest.param(query_by_name, "/", id="query-keyword-only"),
        pytest.param(query_after_parameter, "/{id}", id="query-and-parameter"),
        pytest.param(query_none, "/", id="query-none"),
        pytest.param(query_first, "/", id="query-first"),
        pytest.param(query_flag, "/", id="query-flag"),
        pytest.param(bound_number, "/", id="query-with-a-name-as-default"),
        pytest.param(content_first, "/", id="content-first"),
        pytest.param(content_required, "/", id="content-required"),
        pytest.param(content_attrs, "/", id="content-attrs"),
        pytest.param(content_dict, "/", id="content-dict"),
        pytest.param(int_id, "/{id}", id="int"),
        pytest.param(int_id, "/x.{id}", id="int-in-mixture"),
        pytest.param(int_id, "/{id:re([0-9]+)}", id="int-expression"),
        pytest.param(text_int_id, "/{id}", id="int-as-text"),
        pytest.param(optional_id, "/{id}", id="int-optional"),
        pytest.param(float_x, "/{x}", id="float"),
        pytest.param(date_day, "/{day}", id="date-of-a-text"),
        pytest.param(path_rest, "/{rest:path}", id="path"),
        pytest.param(passing_on(query_by_name), "/", id="query-decorated"),
        pytest.param(passing_on(content_first), "/", id="content-decorated"),
        pytest.param(optional, "/{id:int}", id="default-of-a-path-parameter"),
        pytest.param(CallableView(), "/{id}", id="object"),
        pytest.param(Wiki().page, "/{id}", id="bound-method"),
        pytest.param(functools.partial(Wiki.page, Wiki()), "/{id}", id="partial-of-a-function-of-a-class"),
        pytest.param(Wiki.of_class, "/", id="class-method"),
        pytest.param(Wiki.static, "/", id="static-method"),
        pytest.param(qualified, "/", id="qualified"),
        pytest.param(anything, "/{id}", id="any"),
        pytest.param(supertype, "/{id}", id="protocol"),
        pytest.param(elsewhere, "/{id}", id="unknown-annotation"),
        pytest.param(variable, "/{id}", id="type-variable"),
        pytest.param(int_as_float, "/{id:int}", id="int-as-float"),
        pytest.param(new_type, "/{id:int}", id="new-type"),
        pytest.param(literal, "/{id}", id="literal"),
        pytest.param(typed_dict, "/", id="typed-dict"),
        pytest.param(never, "/", id="never"),
        pytest.param(awaited, "/", id="plain-def-that-returns-a-coroutine"),
        pytest.param(streamed, "/", id="stream"),
        pytest.param(passing_on(by_name), "/{id:int}", id="decorated"),
        pytest.param(passing_on(passing_on(id_alone)), "/{id}/{x}", id="decorated-twice"),
        pytest.param(without_request(without), "/{id}", id="decorator-takes-the-request"),
        pytest.param(with_store(stored), "/{id}", id="decorator-adds-a-parameter"),
        pytest.param(date_day, "/{day:date}", id="date"),
        pytest.param(uuid_id, "/{id:uuid}", id="uuid"),
        pytest.param(lambda request, n=N: n, "/", id="lambda"),
    ],
)
def test_legal_form_has_no_problem(handler: object, path: str) -> None:
    assert list(resolve(handler, path).diagnostics) == []


def test_handlers_of_a_loop_may_bind_its_variable() -> None:
    app = App()
    for n in range(3):

        @app.get(f"/{n}")
        async def handler(request, n=n):
            return n

        app.add_route(f"/lambda/{n}", lambda request, n=n: n)
    assert list(app.resolve().diagnostics) == []


def test_handler_of_several_routes_may_have_a_default_where_one_of_them_has_no_parameter():
    async def page(request, number: int = 1): ...

    class Pages:
        async def page(self, request, number=1): ...

    app, pages = App(), Pages()
    app.add_route("/", page)
    app.add_route("/{number:int}", page)
    app.add_route("/pages", pages.page)
    app.scope("/pages").add_route("/{number}", pages.page)
    assert list(app.resolve().diagnostics) == []


def test_response_type_makes_a_return_type_legal() -> None:
    app = App()
    app.response_type(int)(lambda value: Response(str(value)))
    app.add_route("/", number)
    assert list(app.resolve().diagnostics) == []


def test_route_of_a_plugin_is_checked() -> None:
    class Shop(turnbuckle.Plugin):
        info = turnbuckle.PluginInfo(name="shop")

        def provide_routes(self, setup: turnbuckle.Setup) -> list[Route]:
            return [Route(path="/", handler=query_list)]

    with pytest.raises(StartupError) as raised:
        App(plugins=[Shop]).resolve()
    assert raised.value.problems[0].diagnostic.origins[0].plugin == "shop"


class Mixed:
    """Methods with a wrong first parameter, and legal ones."""

    async def without_self(request: Request) -> str:  # type: ignore[misc]
        return ""

    @staticmethod
    async def static_with_self(self: object, request: Request) -> str:  # noqa: PLW0211
        return ""

    @staticmethod
    async def static(request: Request) -> str:
        return ""

    @classmethod
    async def of_class(cls, request: Request) -> str:
        return ""


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        pytest.param(Mixed().without_self, "a method whose first parameter is 'request'", id="no-self"),
        pytest.param(Mixed().static_with_self, "is a @staticmethod that takes 'self'", id="static-self"),
    ],
)
def test_self_is_in_the_wrong_place(handler: Callable[..., object], message: str) -> None:
    app = App()
    app.add_route("/", handler)
    with expect_problems("TB415") as problems:
        app.resolve()
    assert message in problems[0].diagnostic.text


@pytest.mark.parametrize("handler", [Mixed.static, Mixed().static, Mixed.of_class, Mixed().of_class])
def test_methods_without_an_instance_are_legal(handler: Callable[..., object]) -> None:
    app = App()
    app.add_route("/", handler)
    app.resolve()
    assert [planned.route.handler for planned, _ in app.plan.routes()] == [handler]


def test_pieces_of_a_stream_are_bytes_or_text() -> None:
    async def values(request: Request) -> AsyncIterator[dict[str, int]]:
        yield {"a": 1}

    async def annotated_as_one_value(request: Request) -> dict[str, int]:  # type: ignore[misc]
        yield {"a": 1}

    async def text(request: Request) -> AsyncIterator[str | bytes]:
        yield ""

    async def anything(request: Request) -> AsyncIterator[Any]:
        yield ""

    async def pieces(request: Request) -> str:  # type: ignore[misc]
        yield ""

    for handler, message in ((values, "whose items cannot be sent"), (annotated_as_one_value, "but yields")):
        app = App()
        app.add_route("/", handler)
        with expect_problems("TB429") as problems:
            app.resolve()
        assert message in problems[0].diagnostic.text
    app = App()
    for number, handler in enumerate((text, anything, pieces)):
        app.add_route(f"/{number}", handler)
    app.resolve()
