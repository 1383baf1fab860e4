"""Documents of apps: inputs, responses, errors, scopes, and routes that a document cannot have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest

from tests.contrib.openapi.documents import document_in, document_of
from turnbuckle import (
    HTML,
    JSON,
    SSE,
    App,
    Body,
    Conflict,
    Cookie,
    Form,
    Header,
    HTTPError,
    NotFound,
    Plugin,
    PluginInfo,
    Query,
    Redirect,
    Request,
    Response,
    SchemaProvider,
    Setup,
    Text,
    Upload,
    UploadedFile,
)

_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
_NOTE = {"$ref": "#/components/schemas/Note"}


@attrs.frozen
class Note:
    """A note."""

    title: str
    words: int = 0


@attrs.frozen
class Page:
    """Where a list begins and ends."""

    limit: int
    after: int = 0


@attrs.frozen
class Order:
    """An order."""

    title: str


@attrs.frozen
class Money:
    cents: int


class SoldOut(Conflict):
    """There is none left.

    A longer text.
    """


def _app(**settings: object) -> App:
    return App("shop", plugins=[("openapi", settings)])


def _operation(handler: Callable[..., Any], path: str = "/x", method: str = "GET", **options: Any) -> dict[str, Any]:
    """Return the operation of a handler, in a valid document."""
    app = _app()
    app.route(path, methods=[method], **options)(handler)
    (item,) = document_of(app)["paths"].values()
    operation: dict[str, Any] = item[method.lower()]
    return operation


# -- inputs


def test_parameters_of_query_header_and_cookie() -> None:
    async def handler(  # noqa: PLR0917  # as users write it
        q: Annotated[str, Query(alias="search", max_length=9, description="Text.", examples=["milk"], title="Words")],
        tags: Query[list[str] | None] = None,
        size: Literal["s", "m"] = "s",
        x_trace: Header[str | None] = None,
        accept: Header[str] = "*/*",
        session: Annotated[str, Cookie(deprecated=True)] = "",
    ) -> None: ...

    assert _operation(handler)["parameters"] == [
        {
            "name": "search",
            "in": "query",
            "required": True,
            "description": "Text.",
            "examples": {"example1": {"value": "milk"}},
            "schema": {"type": "string", "maxLength": 9, "title": "Words"},
        },
        {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "size", "in": "query", "schema": {"type": "string", "enum": ["s", "m"], "default": "s"}},
        {"name": "x-trace", "in": "header", "schema": {"type": "string"}},
        {"name": "session", "in": "cookie", "deprecated": True, "schema": {"type": "string", "default": ""}},
    ]


def test_path_parameters_have_the_schema_of_their_converter_and_type() -> None:
    async def handler(number: int, kind: Literal["a", "b"], rest: str) -> None: ...

    found = _operation(handler, "/{number:int}/{kind}/{rest:path}")
    assert [(parameter["name"], parameter["schema"]) for parameter in found["parameters"]] == [
        ("number", {"type": "integer", "minimum": 0}),
        ("kind", {"type": "string", "minLength": 1, "enum": ["a", "b"]}),
        ("rest", {"type": "string"}),
    ]
    assert all(parameter["required"] for parameter in found["parameters"])


def test_path_parameter_of_a_type_that_refuses_texts_may_be_404() -> None:
    async def handler(kind: Literal["a", "b"]) -> None: ...

    async def any_text(kind: str) -> None: ...

    assert list(_operation(handler, "/{kind}")["responses"]) == ["204", "404"]
    assert list(_operation(any_text, "/{kind}")["responses"]) == ["204"]


def test_class_in_the_query_is_one_parameter_for_each_field() -> None:
    async def handler(page: Query[Page]) -> None: ...

    assert _operation(handler)["parameters"] == [
        {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer"}},
        {"name": "after", "in": "query", "schema": {"type": "integer", "default": 0}},
    ]


def test_content_is_json() -> None:
    async def handler(order: Order) -> Order: ...

    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}
    found = _operation(handler, method="POST", status=201)
    assert found["requestBody"] == {"required": True, "content": content}
    assert found["responses"]["201"] == {"description": "Created", "content": content}
    assert {status for status, value in found["responses"].items() if value.get("content") == _PROBLEM} == {
        *("400", "413", "415", "422")
    }


def test_class_that_differs_as_input_has_its_plain_name_as_output() -> None:
    app = _app()

    @app.put("/")
    async def replace(note: Note) -> None: ...

    @app.get("/")
    async def show(request: Request) -> list[Note]: ...

    schemas = document_of(app)["components"]["schemas"]
    assert (schemas["Note"]["required"], schemas["NoteInput"]["required"]) == (["title", "words"], ["title"])


def test_form_with_a_file_is_multipart() -> None:
    async def handler(title: Form[str], photo: Upload[UploadedFile], draft: Form[bool] = False) -> None: ...

    content = _operation(handler, method="POST")["requestBody"]["content"]
    assert content == {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "photo": {"type": "string", "format": "binary"},
                    "draft": {"type": "boolean", "default": False},
                },
                "required": ["title", "photo"],
            }
        }
    }


@pytest.mark.parametrize(
    ("annotation", "media_type", "schema"),
    [
        (Body[bytes], "application/octet-stream", {"type": "string", "format": "binary"}),
        (Body[str], "text/plain", {"type": "string"}),
        (Body[str | None], "text/plain", {"type": "string"}),
        (
            AsyncIterator[Note],
            "application/x-ndjson",
            {"type": "string", "contentMediaType": "application/x-ndjson", "contentSchema": _NOTE},
        ),
    ],
)
def test_content_that_is_not_json(annotation: object, media_type: str, schema: object) -> None:
    async def handler(content: object) -> None: ...

    handler.__annotations__["content"] = annotation
    assert _operation(handler, method="POST")["requestBody"] == {"content": {media_type: {"schema": schema}}}


def test_class_as_form() -> None:
    async def handler(note: Form[Note]) -> None: ...

    content = _operation(handler, method="POST")["requestBody"]["content"]
    assert list(content) == ["application/x-www-form-urlencoded", "multipart/form-data"]
    assert content["multipart/form-data"]["schema"] == {
        "type": "object",
        "properties": {"title": {"type": "string"}, "words": {"type": "integer", "default": 0}},
        "required": ["title"],
    }


class User:
    """The sender of a request."""


def allowed(tenant: Header[str], key: Query[str]) -> None: ...


def test_parameters_of_suppliers_and_guards_are_parameters_of_the_operation() -> None:
    app = _app()

    @app.supply
    def user(authorization: Header[str], tenant: Header[str]) -> User:
        return User()

    @app.get("/", guards=[allowed])
    async def handler(user: User, q: Query[str] = "", tenant: Header[str] = "") -> None: ...

    parameters = document_of(app)["paths"]["/"]["get"]["parameters"]
    assert [(parameter["in"], parameter["name"], parameter.get("required")) for parameter in parameters] == [
        ("header", "tenant", True),
        ("query", "key", True),
        ("query", "q", None),
    ]


# -- responses


@pytest.mark.parametrize(
    ("annotation", "status", "content"),
    [
        pytest.param(None, "204", None, id="none"),
        pytest.param(str, "200", _TEXT, id="str"),
        pytest.param(
            bytes,
            "200",
            {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            id="bytes",
        ),
        pytest.param(list[Note], "200", {"application/json": {"schema": {"type": "array", "items": _NOTE}}}, id="list"),
        pytest.param(Note | Response, "200", {"application/json": {"schema": _NOTE}}, id="union"),
        pytest.param(Note | JSON, "200", {"application/json": {"schema": _NOTE}}, id="class-or-json"),
        pytest.param(Response, "200", None, id="response"),
        pytest.param(Text, "200", _TEXT, id="text"),
        pytest.param(HTML, "200", {"text/html": {"schema": {"type": "string"}}}, id="html"),
        pytest.param(JSON, "200", {"application/json": {"schema": {}}}, id="json"),
        pytest.param(Redirect, "302", None, id="redirect"),
        pytest.param(SSE, "200", {"text/event-stream": {"schema": {"type": "string"}}}, id="events"),
        pytest.param(
            Path, "200", {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}, id="file"
        ),
    ],
)
def test_response_by_annotation(annotation: Any, status: str, content: dict[str, Any] | None) -> None:
    async def handler(request: Request): ...  # noqa: ANN202

    handler.__annotations__["return"] = annotation
    (found,) = _operation(handler)["responses"].items()
    assert found[0] == status
    assert found[1].get("content") == content


def test_union_has_a_response_for_each_member() -> None:
    app = _app()

    @app.get("/")
    async def show() -> dict[str, int] | str | Redirect | None:
        return None

    responses = document_of(app)["paths"]["/"]["get"]["responses"]
    assert {status: sorted(response.get("content", ())) for status, response in responses.items()} == {
        "200": ["application/json", "text/plain"],
        "204": [],
        "302": [],
    }


def test_stream_and_response_type_of_the_app() -> None:
    app = _app()

    @app.response_type(Money, media_type="text/x-money")
    def render(value: Money) -> Response: ...

    @app.get("/price")
    async def price(request: Request) -> Money: ...

    @app.get("/numbers")
    async def numbers(request: Request) -> AsyncIterator[bytes]:
        yield b""

    @app.get("/names")
    async def names(request: Request) -> AsyncIterator[str]:
        yield ""

    paths = document_of(app)["paths"]
    assert list(paths["/names"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
    assert paths["/price"]["get"]["responses"]["200"]["content"] == {"text/x-money": {"schema": {"type": "string"}}}
    assert list(paths["/numbers"]["get"]["responses"]["200"]["content"]) == ["application/octet-stream"]


def test_declared_errors_and_responses() -> None:
    async def handler(request: Request) -> str: ...

    found = _operation(handler, errors=[NotFound, SoldOut, 503], responses={202: None, 200: Note})["responses"]
    assert found == {
        "200": {"description": "OK", "content": {"application/json": {"schema": _NOTE}}},
        "202": {"description": "Accepted"},
        "404": {"description": "Not Found", "content": _TEXT},
        "409": {"description": "There is none left", "content": _TEXT},
        "503": {"description": "Service Unavailable", "content": _TEXT},
    }


def test_responses_of_types_that_a_plugin_provides() -> None:
    def is_money(annotation: Any) -> bool:
        return annotation is Money

    class MoneyPlugin(Plugin):
        """Provide the schema of money."""

        info = PluginInfo(name="money")

        def provide_schemas(self, setup: Setup) -> list[SchemaProvider]:
            return [
                SchemaProvider(
                    "money",
                    is_money,
                    load=lambda annotation, value: Money(int(str(value))),
                    dump=lambda annotation, value: str(value),
                    json_schema=lambda annotation, mode: {"type": "string", "title": mode},
                )
            ]

    app = App(plugins=["openapi", MoneyPlugin])
    app.get("/", responses={202: Money, 203: int})(nothing)
    document = document_of(app)
    responses = document["paths"]["/"]["get"]["responses"]
    assert responses["202"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Money"}
    assert document["components"]["schemas"]["Money"] == {"type": "string", "title": "out"}
    assert responses["203"]["content"]["application/json"]["schema"] == {"type": "integer"}


def test_error_handlers_describe_errors() -> None:
    app = _app()

    @app.error_handler(HTTPError)
    async def refuse(request: Request, error: HTTPError) -> Note: ...

    @app.error_handler(SoldOut)
    async def sold_out(request: Request, error: SoldOut) -> Response: ...

    @app.get("/{number:int}", errors=SoldOut)
    async def handler(number: int, q: Query[int] = 0) -> str: ...

    responses = document_of(app)["paths"]["/{number}"]["get"]["responses"]
    assert responses["404"]["content"] == responses["422"]["content"] == {"application/json": {"schema": _NOTE}}
    assert "content" not in responses["409"]


# -- the whole


async def nothing(request: Request) -> str:
    """Do nothing."""
    return ""


def test_document_of_an_app() -> None:
    app = _app(
        version="2.1",
        description="All of it.",
        servers=["https://api.example.com/v2"],
        tags={"b": "The second."},
        info={"license": {"name": "MIT"}},
    )
    app.get("/", operation_id="home", tags="a")(nothing)
    app.get("/old", deprecated=True, summary="Old", description="*Gone* soon.", tags="b")(nothing)
    app.get("/hidden", in_schema=False)(nothing)
    document = document_of(app)
    assert document == {
        "openapi": "3.1.0",
        "info": {"title": "shop", "version": "2.1", "description": "All of it.", "license": {"name": "MIT"}},
        "servers": [{"url": "https://api.example.com/v2"}],
        "tags": [{"name": "b", "description": "The second."}, {"name": "a"}],
        "paths": {
            "/": {
                "get": {
                    "tags": ["a"],
                    "summary": "Do nothing",
                    "operationId": "home",
                    "responses": {"200": {"description": "OK", "content": _TEXT}},
                }
            },
            "/old": {
                "get": {
                    "tags": ["b"],
                    "summary": "Old",
                    "description": "*Gone* soon.",
                    "operationId": "nothing",
                    "responses": {"200": {"description": "OK", "content": _TEXT}},
                    "deprecated": True,
                }
            },
        },
    }
    assert list(document) == ["openapi", "info", "servers", "tags", "paths"]


def test_scopes_are_groups_and_share_their_errors() -> None:
    app = _app()
    admin = app.scope("/admin", errors=[403])
    admin.get("/")(nothing)
    admin.scope("/users").post("/{id:uuid}", errors=NotFound)(nothing)
    paths = document_of(app)["paths"]
    assert paths["/admin"]["get"]["tags"] == ["admin"]
    assert list(paths["/admin"]["get"]["responses"]) == ["200", "403"]
    assert paths["/admin/users/{id}"]["post"]["tags"] == ["admin/users"]
    assert list(paths["/admin/users/{id}"]["post"]["responses"]) == ["200", "403", "404"]


def test_plugin_in_a_scope_describes_the_scope() -> None:
    app = App()
    app.get("/outside")(nothing)
    api = app.scope("/api", plugins=["openapi"])
    api.scope("/v1").get("/inside")(nothing)
    plan = app.resolve()
    assert not plan.diagnostics
    (site,) = {
        planned.route.handler.__self__  # type: ignore[attr-defined]  # a method of the site
        for planned, _ in plan.routes()
        if planned.route.path == "/api/openapi.json"
    }
    assert list(site.document["paths"]) == ["/api/v1/inside"]


def test_plugin_in_a_scope_without_routes_is_a_warning() -> None:
    app = App()
    app.get("/pears")(nothing)
    app.install("openapi", at="/-/api")
    (warning,) = app.resolve().diagnostics
    assert (warning.level, warning.code) == ("warning", "TB902")
    whole = App()
    whole.get("/pears")(nothing)
    whole.install("openapi", at="/-/api", settings={"below": "/"})
    assert not whole.resolve().diagnostics


def test_methods_and_names_of_one_path() -> None:
    app = _app()
    app.route("/notes/{id:int}", methods=["GET", "HEAD", "PURGE"])(nothing)
    app.route("/notes/{number:int}", methods=["PUT", "PATCH"])(nothing)
    (path, item), *others = document_of(app)["paths"].items()
    assert (path, others) == ("/notes/{id}", [])
    assert list(item) == ["get", "head", "put", "patch"]
    assert {operation["parameters"][0]["name"] for operation in item.values()} == {"id"}
    assert item["put"]["operationId"] == "nothing_put"


def test_host_of_a_route_is_its_server() -> None:
    app = _app()
    app.get("/", host="{tenant}.example.com")(nothing)
    app.get("/a", host="api.example.com")(nothing)
    paths = document_of(app)["paths"]
    assert paths["/"]["get"]["servers"] == [
        {"url": "//{tenant}.example.com", "variables": {"tenant": {"default": "tenant"}}}
    ]
    assert paths["/a"]["get"]["servers"] == [{"url": "//api.example.com"}]


def test_second_route_of_a_path_is_left_out() -> None:
    app = _app()
    app.get("/notes/{id:int}")(nothing)
    app.get("/notes/{title}")(nothing)
    plan = app.resolve()
    assert list(document_in(plan)["paths"]) == ["/notes/{id}"]
    (hint,) = plan.diagnostics
    assert (hint.level, hint.code) == ("hint", "TB901")
    assert hint.text == "route '/notes/{title}' is not in the API document: another route is GET /notes/{id} already"
    assert "test_document.py:" in hint.origins[0].location


def test_route_of_another_router_is_left_out() -> None:
    app = App(plugins=["openapi", "regex_router"])
    app.get("/^notes/(?P<number>[0-9]+)$")(nothing)
    (hint,) = app.resolve().diagnostics
    assert "its path has the syntax of another router" in hint.text


def test_document_is_the_same_each_time() -> None:
    def texts() -> str:
        app = _app()
        app.route("/a", methods=["PUT", "GET", "POST", "DELETE"])(nothing)
        return repr(document_of(app))

    assert texts() == texts()
