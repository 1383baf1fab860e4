"""Handlers with typed parameters and results, from bytes to bytes."""

import asyncio
import contextvars
import enum
import functools
import gzip
import json
import logging
import sys
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypedDict
from uuid import UUID

import attrs
import pytest

from turnbuckle import (
    SSE,
    App,
    Body,
    Component,
    Cookie,
    Form,
    Header,
    HTTPError,
    InvalidInput,
    MarkedParameter,
    NotFound,
    ParameterProvider,
    Plugin,
    PluginInfo,
    Query,
    Request,
    ResourceKey,
    Response,
    Setup,
    Stream,
    Text,
    Upload,
    UploadedFile,
)
from turnbuckle.testing import Client


@attrs.frozen
class NewNote:
    title: str
    stars: int = 0


@attrs.frozen
class Note:
    id: int
    title: str


@attrs.frozen
class SecretNote(Note):
    password: str = "secret"


class Color(enum.Enum):
    RED = "red"


class Filter(TypedDict, total=False):
    tag: list[str]
    page: int


app = App()


@app.post("/notes/{color}", status=201)
async def create(  # noqa: PLR0917  # as the parameters of users
    color: Color,
    note: NewNote,
    draft: Query[bool] = False,
    page: Annotated[int, Query(alias="p", ge=1)] = 1,
    key: Header[str | None] = None,
    session: Cookie[int] = 0,
) -> Note:
    return Note(len(note.title) + note.stars + page + session + draft, f"{color.value} {key}")


@app.get("/scalars/{id}")
async def scalars(id: UUID, day: date, price: Decimal = Decimal(1), tag: tuple[str, ...] = ()) -> str:
    return f"{id.version} {day.year} {price} {'+'.join(tag)}"


@app.get("/filter")
async def filtered(where: Query[Filter]) -> dict[str, int]:
    return {tag: where.get("page", 0) for tag in where.get("tag", [])}


@app.get("/default")
async def factory(tag: Annotated[list[str], Query(default_factory=lambda: ["none"])]) -> list[str]:
    tag.append("end")
    return tag


@app.get("/keywords")
async def keywords(request: Request, *, a: int, b: Header[str] = "b") -> str:
    return f"{request.path} {a} {b}"


@app.get("/many")
async def many(a: int, b: int, c: int, d: int, e: int = 5) -> str:
    return str(a + b + c + d + e)


@app.post("/plain", status=202)
def plain(note: NewNote, x: int = 1) -> NewNote:
    return attrs.evolve(note, stars=x)


@app.post("/maybe")
async def maybe(note: NewNote | None = None, n: Query[int | None] = None) -> str:
    return f"{note} {n}"


@app.post("/numbers")
async def numbers(values: Body[list[int]]) -> str:
    return str(sum(values))


@app.post("/form")
async def form(name: Form[str], age: Form[int] = 0, picture: UploadedFile | None = None) -> str:
    return f"{name} {age} {picture.name if picture else None}"


@app.post("/optional-form")
async def optional_form(name: Form[str] = "nobody", more: Upload[list[UploadedFile]] = ()) -> str:  # type: ignore[assignment]
    return f"{name} {len(more)}"


@app.post("/form-class")
async def form_class(note: Form[NewNote]) -> NewNote:
    return note


JSON = {"Content-Type": "application/json"}
ID = "12345678-1234-5678-9234-567812345678"


@pytest.mark.parametrize(
    ("method", "target", "options", "status", "text"),
    [
        pytest.param(
            "POST", "/notes/red", {"json": {"title": "ab"}}, 201, '{"id":3,"title":"red None"}', id="defaults"
        ),
        pytest.param(
            "POST",
            "/notes/red?draft=true&p=5",
            {"json": {"title": "", "stars": 4}, "headers": {"Key": "k", "Cookie": "session=7"}},
            201,
            '{"id":17,"title":"red k"}',
            id="all",
        ),
        pytest.param("GET", f"/scalars/{ID}?day=2024-02-01", {}, 200, "5 2024 1 ", id="scalars"),
        pytest.param(
            "GET", f"/scalars/{ID}?day=2024-02-01&price=2.5&tag=a&tag=b", {}, 200, "5 2024 2.5 a+b", id="list"
        ),
        pytest.param("GET", "/filter?tag=a&tag=b&page=3", {}, 200, '{"a":3,"b":3}', id="class-of-the-query"),
        pytest.param("GET", "/default", {}, 200, '["none","end"]', id="default-factory"),
        pytest.param("GET", "/keywords?a=4&unknown=5", {}, 200, "/keywords 4 b", id="keywords"),
        pytest.param("GET", "/many?a=1&b=2&c=3&d=4", {}, 200, "15", id="many"),
        pytest.param("GET", "/many?a=1&b=2&c=3&d=4&a=9", {}, 200, "23", id="last-of-repeated-values"),
        pytest.param("POST", "/plain?x=3", {"json": {"title": "t"}}, 202, '{"title":"t","stars":3}', id="thread"),
        pytest.param("POST", "/maybe", {}, 200, "None None", id="no-content"),
        pytest.param("POST", "/maybe?n=3", {"json": None}, 200, "None 3", id="null"),
        pytest.param("POST", "/numbers", {"content": b"[1,2]"}, 200, "3", id="content-without-a-type"),
        pytest.param("POST", "/form", {"data": {"name": "x", "age": "3"}}, 200, "x 3 None", id="form"),
        pytest.param(
            "POST", "/form", {"data": {"name": "x"}, "files": {"picture": ("a.png", b"")}}, 200, "x 0 a.png", id="file"
        ),
        pytest.param("POST", "/optional-form", {}, 200, "nobody 0", id="no-form"),
        pytest.param("POST", "/form-class", {"data": {"title": "t"}}, 200, '{"title":"t","stars":0}', id="form-class"),
        pytest.param("POST", "/notes/green", {"json": {"title": "t"}}, 404, "Not Found", id="unknown-member-in-path"),
        pytest.param("GET", "/scalars/7?day=2024-02-01", {}, 404, "Not Found", id="no-uuid-in-path"),
    ],
)
async def test_parameters_are_converted(
    method: str, target: str, options: dict[str, Any], status: int, text: str
) -> None:
    async with Client(app) as client:
        response = await client.request(method, target, **options)
    assert (response.status, response.text) == (status, text)


@pytest.mark.parametrize(
    ("method", "target", "options", "status", "errors"),
    [
        pytest.param(
            "POST",
            "/notes/red?p=0&draft=maybe",
            {"json": {"title": 3, "stars": "many"}, "headers": {"Cookie": "session=secret"}},
            422,
            {"body /title", "body /stars", "query draft", "query p", "cookie session"},
            id="all-at-once",
        ),
        pytest.param("POST", "/notes/red", {"content": b"", "headers": JSON}, 422, {"body "}, id="no-content"),
        pytest.param(
            "POST", "/notes/red?p=x", {"content": b"{", "headers": JSON}, 400, {"body ", "query p"}, id="no-json"
        ),
        pytest.param("POST", "/notes/red", {"data": {"a": "1"}}, 415, {"body "}, id="wrong-type"),
        pytest.param(
            "POST", "/numbers", {"content": b"[1]", "headers": {"Origin": "http://x"}}, 415, {"body "}, id="web-page"
        ),
        pytest.param("POST", "/form", {"json": {}}, 415, {"body "}, id="no-form"),
        pytest.param("POST", "/form", {"data": {"age": "x"}}, 422, {"form name", "form age"}, id="form"),
        pytest.param(
            "POST", "/form-class", {"data": {"stars": "x"}}, 422, {"form title", "form stars"}, id="form-class"
        ),
        pytest.param("GET", "/many?a=1&b=x", {}, 422, {"query b", "query c", "query d"}, id="missing"),
        pytest.param("GET", "/filter?page=x", {}, 422, {"query page"}, id="class-of-the-query"),
        pytest.param("GET", f"/scalars/{ID}?day=x&price=secret", {}, 422, {"query day", "query price"}, id="scalars"),
    ],
)
async def test_faults_are_answered_together(
    method: str, target: str, options: dict[str, Any], status: int, errors: set[str]
) -> None:
    async with Client(app) as client:
        response = await client.request(method, target, **options)
    assert response.status == status
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert content["status"] == status
    found = {f"{error['in']} {error.get('parameter', error.get('pointer'))}" for error in content["errors"]}
    assert found == errors
    assert all(error["detail"] for error in content["errors"])
    assert "secret" not in response.text
    assert ("accept" in response.headers) == (status == 415)


async def test_json_beyond_the_limit_is_answered_as_a_problem() -> None:
    limited = App(settings={"limits": {"json": 10}})
    limited.post("/numbers")(numbers)
    async with Client(limited) as client:
        response = await client.post("/numbers", content=b"[" + b"1," * 20 + b"1]", headers=JSON)
    assert (response.status, response.json()["errors"][0]["in"]) == (413, "body")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"Content-Type": "text/x"}, 415, id="type"),
        pytest.param(JSON, 413, id="limit"),
    ],
)
async def test_faults_are_complete_if_the_content_is_not_read(fields: dict[str, str], status: int) -> None:
    limited = App(settings={"limits": {"json": 10}})

    @limited.post("/")
    async def post(body: Body[list[int]], n: int) -> str:
        return "never"

    async def pieces() -> AsyncIterator[bytes]:
        yield b"[1," * 5
        yield b"1]"

    async with Client(limited) as client:
        response = await client.post("/?n=x", content=pieces(), headers=fields)
    assert (response.status, [error["in"] for error in response.json()["errors"]]) == (status, ["body", "query"])


async def test_content_of_another_type_is_refused_before_the_client_sends_it() -> None:
    head = b"POST /numbers HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\nContent-Length: 3\r\n"
    async with Client(app) as client:
        assert (await client.raw(head + b"Expect: 100-continue\r\n\r\n")).statuses == [415]


async def test_compressed_content_without_a_decoder_is_named() -> None:
    async with Client(app) as client:
        response = await client.post("/numbers", content=gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    assert (response.status, response.headers["accept-encoding"]) == (415, "identity")


@pytest.mark.parametrize("package", [None, types.ModuleType("multipart")], ids=["missing", "another one"])
async def test_multipart_form_without_its_package_is_not_offered(
    monkeypatch: pytest.MonkeyPatch, package: types.ModuleType | None
) -> None:
    monkeypatch.setitem(sys.modules, "multipart", package)
    async with Client(app) as client:
        response = await client.post("/form", files={"picture": b"1"})
    assert (response.status, response.headers["accept"]) == (415, "application/x-www-form-urlencoded")


async def test_content_that_arrives_later_is_awaited() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"title":'
        yield b'"late"}'

    async with Client(app) as client:
        response = await client.post("/plain", content=pieces(), headers=JSON)
        broken = await client.post("/plain?x=y", content=pieces(), headers=JSON)
    assert response.text == '{"title":"late","stars":1}'
    assert broken.status == 422


async def test_app_may_answer_invalid_input_itself() -> None:
    own = App()
    own.get("/")(many)

    @own.error_handler(InvalidInput)
    async def answer(request: Request, error: InvalidInput) -> Response:
        return Text(", ".join(fault.name for fault in error.faults), 400)

    async with Client(own) as client:
        response = await client.get("/?a=1&b=2")
    assert (response.status, response.text) == (400, "c, d")


# -- results


async def derived() -> Note:
    return SecretNote(1, "t")


async def listed() -> list[Note]:
    return [SecretNote(1, "t")]


async def unfitting() -> Note:
    return Note("one", "secret")  # type: ignore[arg-type]


async def text_for_a_note() -> Note | None:
    return "secret"  # type: ignore[return-value]


async def bytes_for_notes() -> list[Note]:
    return b"secret"  # type: ignore[return-value]


async def pieces_for_a_note() -> Note:
    return _pieces()  # type: ignore[return-value]


async def note_or_text() -> Note | str:
    return "text"


async def or_response(kind: str) -> Note | Response | None:
    return {"note": Note(1, "t"), "response": Text("r", 418)}.get(kind)


async def streamed() -> Note:
    return Stream(_pieces())  # type: ignore[return-value]


async def _pieces() -> AsyncIterator[str]:
    yield "piece"


@pytest.mark.parametrize(
    ("handler", "target", "status", "text"),
    [
        pytest.param(derived, "/", 201, '{"id":1,"title":"t"}', id="derived-class"),
        pytest.param(listed, "/", 201, '[{"id":1,"title":"t"}]', id="list"),
        pytest.param(or_response, "/?kind=note", 201, '{"id":1,"title":"t"}', id="member-of-a-union"),
        pytest.param(or_response, "/?kind=response", 418, "r", id="response"),
        pytest.param(or_response, "/?kind=none", 201, "", id="none"),
        pytest.param(streamed, "/", 200, "piece", id="stream"),
        pytest.param(note_or_text, "/", 201, "text", id="text-of-a-union"),
    ],
)
async def test_result_is_encoded_by_the_declared_type(
    handler: Callable[..., object], target: str, status: int, text: str
) -> None:
    one = App()
    one.add_route("/", handler, status=201)
    async with Client(one) as client:
        response = await client.get(target)
    assert (response.status, response.text) == (status, text)


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (unfitting, "'-> Note': /id: expected int, got str"),
        (text_for_a_note, "Note | None': expected Note, got str"),
        (bytes_for_notes, "Note]': expected array, got bytes"),
        (pieces_for_a_note, "'-> Note': expected Note, got async_generator"),
    ],
)
async def test_result_that_does_not_fit_is_a_500_with_a_reason_in_the_log(
    handler: Callable[..., object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = App()
    one.get("/")(handler)
    async with Client(one, raise_exceptions=False) as client:
        with caplog.at_level(logging.ERROR):
            response = await client.get("/")
    assert (response.status, response.text) == (500, "Internal Server Error")
    assert f"{handler.__name__} returned a value that does not fit" in caplog.text
    assert reason in caplog.text
    assert "secret" not in caplog.text


# -- suppliers

EVENTS: list[str] = []
VARIABLE = contextvars.ContextVar("VARIABLE", default="")


class Session:
    def __init__(self, user: str) -> None:
        self.user = user


class User(str):
    """The name of a user."""


class Clock:
    """A class that supplies itself."""


class Transaction:
    """The value of a context."""


class Upper:
    """A marker."""


async def session(token: Header[str]) -> Session:
    EVENTS.append("session")
    if token == "wrong":
        raise NotFound
    return Session(token)


def user(session: Session, n: int = 0) -> User:
    return User(session.user * (n or 1))


async def transaction(session: Session) -> AsyncIterator[Transaction]:
    EVENTS.append("begin")
    try:
        yield Transaction()
    except Exception as error:
        EVENTS.append(f"roll back {type(error).__name__}")
        raise
    EVENTS.append("commit")
    if session.user == "failing":
        raise OSError("commit failed")


@contextmanager
def entered() -> Iterator[float]:
    EVENTS.append("enter")
    try:
        yield 1.5
    finally:
        EVENTS.append("leave")


def upper(marked: MarkedParameter) -> Callable[..., object]:
    def value(request: Request) -> str:
        return request.headers[marked.name].upper()

    return value


KEY = ResourceKey("words", list)


class Suppliers(Plugin):
    info = PluginInfo(name="suppliers")

    def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
        return [
            ParameterProvider(Session, session),
            ParameterProvider(User, user),
            ParameterProvider(Clock, Clock),
            ParameterProvider(Transaction, transaction),
            ParameterProvider(complex, entered),
            ParameterProvider(Upper, factory=upper),
        ]


supplied = App(plugins=[Suppliers])


@supplied.lifespan(provides=KEY)
async def words(setup: Setup) -> AsyncIterator[list[str]]:
    yield ["a", "b"]


@supplied.get("/user")
async def show_user(user: User, session: Session, clock: Clock, words: list) -> str:  # type: ignore[type-arg]
    return f"{user} {session.user} {type(clock).__name__} {words}"


@supplied.get("/thread")
def in_thread(user: User, name: Annotated[str, Upper()]) -> str:
    return f"{user} {name}"


@supplied.post("/write")
async def write(t: Transaction, note: NewNote) -> Note:
    EVENTS.append("handler")
    if note.title == "fail":
        raise NotFound
    return Note(1, note.title)


async def _events() -> AsyncIterator[str]:
    try:
        while True:
            yield "1"
            await asyncio.sleep(0)
    finally:
        EVENTS.append("closed")


@supplied.get("/events")
async def events(c: complex) -> SSE:
    return SSE(_events())


@supplied.get("/stream")
async def stream(t: Transaction, c: complex) -> Stream:
    async def pieces() -> AsyncIterator[str]:
        EVENTS.append("piece")
        yield "1"

    return Stream(pieces())


@pytest.fixture(autouse=True)
def _no_events() -> None:
    EVENTS.clear()


async def test_values_are_supplied_once_for_a_request() -> None:
    async with Client(supplied) as client:
        response = await client.get("/user?n=2", headers={"Token": "me"})
        assert response.text == "meme me Clock ['a', 'b']"
        assert EVENTS == ["session"]
        response = await client.get("/thread", headers={"Token": "me", "Name": "x"})
    assert response.text == "me X"


async def test_faults_of_suppliers_are_answered_with_the_others() -> None:
    async with Client(supplied) as client:
        response = await client.post("/write", json={"title": 1})
        assert response.status == 422
        assert [error["in"] for error in response.json()["errors"]] == ["header", "body"]
        response = await client.get("/user?n=x", headers={"Token": "me"})
        assert [error["parameter"] for error in response.json()["errors"]] == ["n"]
        # An exception of a supplier takes precedence, so that nothing is said to a client without access.
        response = await client.post("/write", json={"title": 1}, headers={"Token": "wrong"})
        assert response.status == 404
    assert "handler" not in EVENTS


@pytest.mark.parametrize(
    ("token", "title", "status", "events"),
    [
        pytest.param("me", "x", 200, ["session", "begin", "handler", "commit"], id="success"),
        pytest.param("me", "fail", 404, ["session", "begin", "handler", "roll back NotFound"], id="exception"),
        pytest.param("me", 1, 422, ["session", "begin", "roll back InvalidInput"], id="invalid"),
        pytest.param("failing", "x", 500, ["session", "begin", "handler", "commit"], id="exit"),
    ],
)
async def test_contexts_are_left_after_the_handler(token: str, title: object, status: int, events: list[str]) -> None:
    async with Client(supplied, raise_exceptions=False) as client:
        response = await client.post("/write", json={"title": title}, headers={"Token": token})
    assert response.status == status
    assert events == EVENTS


async def test_contexts_are_left_after_a_stream() -> None:
    async with Client(supplied) as client:
        response = await client.get("/stream", headers={"Token": "me"})
    assert response.text == "1"
    assert EVENTS == ["session", "begin", "enter", "piece", "leave", "commit"]


async def test_contexts_are_left_after_an_event_stream_whose_client_is_gone() -> None:
    async with Client(supplied) as client:
        async with client.stream("GET", "/events", headers={"Token": "me"}) as response:
            assert await anext(response.stream())
        await client.settle()
    assert EVENTS == ["enter", "closed", "leave"]


async def test_uploads_may_have_any_default() -> None:
    app = App()

    @app.post("/")
    async def post(
        made: Annotated[list[UploadedFile], Upload(default_factory=list)], more: list[UploadedFile] | None = None
    ) -> str:
        return f"{len(made)} {more and len(more)}"

    async with Client(app) as client:
        assert (await client.post("/")).text == "0 None"
        files = [("made", ("a", b"1")), ("more", ("b", b"2"))]
        assert (await client.post("/", files=dict(files))).text == "1 1"


# -- decorated handlers, methods and objects


def passing_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper


def with_request(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(request: Request, **kwargs: Any) -> Any:
        return await function(**kwargs)

    return wrapper


async def inner(request: Request, id: int, note: NewNote, q: str = "") -> str:
    return f"{request.method} {id} {note.title} {q}"


async def without_request(id: int, note: NewNote, q: str = "") -> str:
    return f"POST {id} {note.title} {q}"


class Pages:
    async def page(self, id: int, note: NewNote, q: str = "") -> str:
        return f"POST {id} {note.title} {q}"

    async def __call__(self, request: Request, id: int, note: NewNote, *, q: str = "") -> str:
        return f"{request.method} {id} {note.title} {q}"


def bound(extra: str, id: int, note: NewNote, q: str = "") -> str:
    return f"{extra} {id} {note.title} {q}"


async def pieces(id: int, note: NewNote, q: str = "") -> AsyncIterator[str]:
    for piece in ("POST", str(id), note.title, q):
        yield piece if piece == q else f"{piece} "


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(passing_on(inner), id="wrapper-of-all-arguments"),
        pytest.param(passing_on(passing_on(inner)), id="two-wrappers"),
        pytest.param(with_request(without_request), id="wrapper-that-takes-the-request"),
        pytest.param(Pages().page, id="method"),
        pytest.param(Pages(), id="object"),
        pytest.param(functools.partial(bound, "POST"), id="partial"),
        pytest.param(pieces, id="generator"),
    ],
)
async def test_callables_of_all_kinds_take_typed_parameters(handler: Callable[..., object]) -> None:
    one = App()
    one.add_route("/{id:int}", handler, methods=["POST"])
    async with Client(one) as client:
        response = await client.post("/7?q=x", json={"title": "t"})
    assert response.text == "POST 7 t x"


async def test_threads_have_the_context_of_the_request() -> None:
    one = App()

    @one.middleware
    async def around(request: Request, call_next: Callable[[Request], Any]) -> Response:
        VARIABLE.set(request.path)
        response: Response = await call_next(request)
        return response

    @one.get("/here")
    def here(q: str = "") -> str:
        return VARIABLE.get() + q

    async with Client(one) as client:
        assert (await client.get("/here?q=x")).text == "/herex"


class Swapped:
    """A codec of another format: JSON backwards."""

    def encode(self, value: object) -> bytes:
        return json.dumps(value).encode()[::-1]

    def decode(self, content: bytes) -> object:
        return json.loads(content[::-1])


class SwappedFormat(Plugin):
    info = PluginInfo(name="swapped")

    def provide_components(self, setup: Setup) -> list[Component]:
        return [Component("codec:application/swapped", "swapped", lambda setup: Swapped())]


async def test_codecs_of_plugins_apply_to_content_and_results() -> None:
    one = App(plugins=[SwappedFormat])

    @one.post("/")
    async def echo(note: NewNote) -> NewNote:
        return note

    headers = {"Content-Type": "application/swapped", "Accept": "application/swapped"}
    async with Client(one) as client:
        response = await client.post("/", content=b'{"title":"t"}'[::-1], headers=headers)
        assert (response.headers["content-type"], json.loads(response.content[::-1])) == (
            "application/swapped",
            {"title": "t", "stars": 0},
        )
        response = await client.post("/", content=b'{"title":1}'[::-1], headers=headers)
        assert response.status == 422
        response = await client.post("/", content=b"{", headers=headers)
        assert response.status == 400
        response = await client.post("/", content=b"{", headers={"Content-Type": "application/x"})
        assert (response.status, response.headers["accept"]) == (415, "application/json, application/swapped")


async def test_response_type_of_the_app_takes_precedence() -> None:
    one = App()
    one.response_type(dict)(lambda value: Text(f"own {value}"))

    @one.get("/dict")
    async def typed() -> dict[str, int]:
        return {"a": 1}

    @one.get("/list")
    async def listed() -> list[int]:
        return [1]

    async with Client(one) as client:
        assert (await client.get("/dict")).text == "own {'a': 1}"
        assert (await client.get("/list")).text == "[1]"


def test_detail_of_an_error_that_is_no_text_is_named() -> None:
    with pytest.raises(TypeError, match=r"the detail of NotFound is a text, not dict; for JSON, return JSON\(value"):
        NotFound({"id": 1})  # type: ignore[arg-type]


def test_text_in_place_of_the_status_of_an_error_is_named() -> None:
    class Moved(HTTPError):
        default_status = 410

    with pytest.raises(TypeError, match="the first argument of Moved is a status, not a text; write detail='gone'"):
        Moved("gone")  # type: ignore[arg-type]


async def test_request_may_be_any_of_the_parameters() -> None:
    class Session:
        name = "session"

    app = App()

    @app.supply
    def session() -> Session:
        return Session()

    async def between(room: str, request: Request, session: Session) -> str:
        return f"{room} {request.path} {session.name}"

    async def before_the_query(room: str, session: Session, request: Request, again: int = 1) -> str:
        return f"{room} {request.path} {session.name} {again}"

    async def by_position(room: str, request: Request, session: Session, /) -> str:
        return f"{room} {request.path} {session.name}"

    app.get("/between/{room}")(between)
    app.get("/before/{room}")(before_the_query)
    app.get("/position/{room}")(by_position)

    async with Client(app) as client:
        assert (await client.get("/between/tea")).text == "tea /between/tea session"
        assert (await client.get("/before/tea?again=2")).text == "tea /before/tea session 2"
        assert (await client.get("/position/tea")).text == "tea /position/tea session"
