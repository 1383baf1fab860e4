"""Each parameter has one supplier; one without, or with a contradiction, is a problem with place and fix."""

import enum
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, Protocol, TypedDict

import attrs
import pytest

from turnbuckle import (
    App,
    Body,
    Cookie,
    Form,
    Header,
    MarkedParameter,
    ParameterProvider,
    Plugin,
    PluginInfo,
    Query,
    Request,
    ResourceKey,
    Response,
    Setup,
    StartupError,
    Upload,
    UploadedFile,
)
from turnbuckle.plan import PlannedParameter
from turnbuckle.testing import expect_problems

if TYPE_CHECKING:
    from nowhere import Elsewhere

UserId = NewType("UserId", str)
N = 3


@attrs.frozen
class Box:
    content: "Elsewhere"


@attrs.frozen
class Note:
    title: str


@attrs.frozen
class Author:
    name: str
    notes: list[Note]


class Fields(TypedDict):
    name: str


class Color(enum.Enum):
    RED = "red"


class Store:
    """A type without a schema."""


class Clock:
    """Another one."""


class Speaks(Protocol):
    def speak(self) -> str: ...


class Depends:
    """The marker of another framework."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function


class Upper:
    """A marker of a plugin."""

    def __init__(self, name: str = "") -> None:
        self.name = name


def upper(marked: MarkedParameter) -> Callable[..., object]:
    if marked.annotation is not str:
        raise TypeError("only a str can be upper case")
    name = marked.marker.name or marked.name  # type: ignore[attr-defined]
    return lambda request: request.headers[name].upper()


def user(name: Header[str] = "nobody") -> Iterator[UserId]:
    yield UserId(name)


class Suppliers(Plugin):
    info = PluginInfo(name="suppliers")

    def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
        return [
            ParameterProvider(Clock, Clock),
            ParameterProvider(UserId, user),
            ParameterProvider(Upper, factory=upper),
        ]


STORE = ResourceKey("store", Store)


@asynccontextmanager
async def store(setup: Setup) -> AsyncIterator[Store]:
    yield Store()


def parameters(
    handler: Callable[..., object], path: str = "/", *, supplied: bool = True
) -> dict[str, PlannedParameter]:
    app = App(plugins=[Suppliers] if supplied else [])
    if supplied:
        app.lifespan(provides=STORE)(store)
    app.add_route(path, handler, methods=["POST"])
    ((planned, _),) = app.resolve().routes()
    assert list(app.plan.diagnostics) == []
    return {parameter.name: parameter for parameter in planned.signature.parameters}


async def request_only(request: Request) -> None: ...
async def by_path(request, id: int) -> None: ...
async def scalars(a: int, b: str | None = None, c: Color = Color.RED, d: Literal["x", "y"] = "x") -> None: ...
async def lists(a: list[int], b: tuple[str, ...] = ()) -> None: ...
async def content(note: Note) -> None: ...
async def typed_dict(fields: Fields) -> None: ...
async def plain_dict(data: dict[str, int]) -> None: ...
async def list_content(notes: list[Note]) -> None: ...
async def marked(a: Query[int], b: Header[str], c: Cookie[str | None] = None) -> None: ...
async def marked_class(a: Query[Note]) -> None: ...
async def aliased(a: Annotated[int, Query(alias="p", ge=1)], user_agent: Header[str] = "") -> None: ...
async def form(a: Form[int], b: UploadedFile, c: Upload[list[UploadedFile]], d: UploadedFile | None = None) -> None: ...
async def form_class(note: Form[Note]) -> None: ...
async def scalar_content(number: Body[int]) -> None: ...
async def any_content(data: Body[Any]) -> None: ...
async def supplied(clock: Clock, user: UserId, store: Store) -> None: ...
async def optional_supply(clock: Clock | None = None) -> None: ...
async def custom(name: Annotated[str, Upper("X-Name")]) -> None: ...
async def bare_marker(a: Annotated[int, Query]) -> None: ...
async def factory(a: Annotated[list[int], Query(default_factory=list)]) -> None: ...
async def keyword_only(request, *, q: str = "") -> None: ...
async def text_annotations(note: "Note", page: "Query[int]" = 1) -> None: ...
def plain(q: str) -> None: ...


@pytest.mark.parametrize(
    ("handler", "path", "sources"),
    [
        pytest.param(request_only, "/", {"request": "request"}, id="request"),
        pytest.param(by_path, "/{id:int}", {"request": "request", "id": "path"}, id="path"),
        pytest.param(by_path, "/{id}", {"request": "request", "id": "path"}, id="path-by-schema"),
        pytest.param(scalars, "/", dict.fromkeys("abcd", "query"), id="scalars"),
        pytest.param(scalars, "/{c}", {"a": "query", "b": "query", "c": "path", "d": "query"}, id="enum-in-path"),
        pytest.param(lists, "/", dict.fromkeys("ab", "query"), id="lists"),
        pytest.param(content, "/", {"note": "body"}, id="class"),
        pytest.param(typed_dict, "/", {"fields": "body"}, id="typed-dict"),
        pytest.param(plain_dict, "/", {"data": "body"}, id="dict"),
        pytest.param(list_content, "/", {"notes": "body"}, id="list-of-classes"),
        pytest.param(marked, "/", {"a": "query", "b": "header", "c": "cookie"}, id="markers"),
        pytest.param(marked_class, "/", {"a": "query"}, id="class-of-the-query"),
        pytest.param(aliased, "/", {"a": "query", "user_agent": "header"}, id="aliases"),
        pytest.param(form, "/", {"a": "form", "b": "file", "c": "file", "d": "file"}, id="form"),
        pytest.param(form_class, "/", {"note": "form"}, id="class-of-a-form"),
        pytest.param(scalar_content, "/", {"number": "body"}, id="scalar-content"),
        pytest.param(any_content, "/", {"data": "body"}, id="any-content"),
        pytest.param(supplied, "/", {"clock": "provider", "user": "provider", "store": "resource"}, id="suppliers"),
        pytest.param(optional_supply, "/", {"clock": "provider"}, id="member-of-a-union"),
        pytest.param(custom, "/", {"name": "provider"}, id="marker-of-a-plugin"),
        pytest.param(bare_marker, "/", {"a": "query"}, id="marker-without-parentheses"),
        pytest.param(factory, "/", {"a": "query"}, id="default-factory"),
        pytest.param(keyword_only, "/", {"request": "request", "q": "query"}, id="keyword-only"),
        pytest.param(text_annotations, "/", {"note": "body", "page": "query"}, id="annotations-as-text"),
        pytest.param(plain, "/", {"q": "query"}, id="plain-function"),
    ],
)
def test_parameter_has_one_supplier(handler: Callable[..., object], path: str, sources: dict[str, str]) -> None:
    found = parameters(handler, path)
    assert {name: parameter.source for name, parameter in found.items()} == sources
    assert all(parameter.supplier for parameter in found.values())


def test_details_of_a_parameter_are_planned() -> None:
    found = parameters(aliased)
    assert (found["a"].alias, found["a"].is_required, found["a"].supplier) == ("p", True, "query parameter 'p', ge=1")
    assert (found["user_agent"].alias, found["user_agent"].default) == ("user-agent", "")
    found = parameters(supplied)
    assert found["store"].given == STORE
    assert found["user"].origin is not None
    assert "provide_parameters" in str(found["user"].origin)
    assert not parameters(factory)["a"].is_required


def test_classes_and_types_in_functions_are_found_in_closures() -> None:
    @attrs.frozen
    class Local:
        title: str

    async def handler(note: "Local") -> str:
        return str(Local) + note.title

    assert parameters(handler)["note"].annotation is Local


async def unknown_type(clock: Clock) -> None: ...
async def unknown_protocol(store: Store, speaks: Speaks) -> None: ...
async def near_type(clok: "Clok") -> None: ...
async def anything(request, data: Any) -> None: ...
async def response(response: Response) -> None: ...
async def unannotated(request, q="") -> None: ...
async def missing_annotation(request, q) -> None: ...
async def elsewhere(note: "Elsewhere") -> None: ...
async def broken_text(note: "Note[") -> None: ...
async def two_bodies(note: Note, author: Author) -> None: ...
async def body_and_form(note: Note, name: Form[str]) -> None: ...
async def body_and_file(note: Note, picture: UploadedFile) -> None: ...
async def mutable_list(tag: list[str] = []) -> None: ...  # noqa: B006
async def mutable_dict(data: dict[str, int] = {}) -> None: ...  # noqa: B006
async def wrong_default(page: int = "1") -> None: ...  # type: ignore[assignment]
async def marker_as_default(q: str = Query()) -> None: ...  # type: ignore[assignment]
async def marker_class_as_default(q: str = Query) -> None: ...  # type: ignore[assignment]
async def unknown_in_class(box: Box) -> None: ...
async def marker_as_type(q: Query) -> None: ...  # type: ignore[type-arg]
async def marker_inside(q: Query[int] | None = None) -> None: ...
async def marker_in_list(q: list[Query[int]]) -> None: ...
async def two_markers(q: Annotated[int, Query(), Header()]) -> None: ...
async def class_in_header(note: Header[Note]) -> None: ...
async def list_in_cookie(q: Cookie[list[int]]) -> None: ...
async def nested_query(author: Query[Author]) -> None: ...
async def nested_form(author: Form[Author]) -> None: ...
async def scalar_upload(name: Upload[str]) -> None: ...
async def store_in_query(store: Query[Store]) -> None: ...
async def marked_path(id: Query[int]) -> None: ...
async def foreign_default(db: Store = Depends(print)) -> None: ...  # type: ignore[assignment]  # noqa: B008
async def foreign_annotation(db: Annotated[Store, Depends(print)]) -> None: ...
async def refused_by_plugin(n: Annotated[int, Upper()]) -> None: ...
async def wrong_path_type(id: Note) -> None: ...
async def wrong_converter(id: str) -> None: ...
async def content_of_get(note: Note) -> None: ...
async def similar_name(user_id: int) -> None: ...
async def function_type(hook: Callable[[], int]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "path", "codes", "text", "fix"),
    [
        pytest.param(
            unknown_type, "/", "TB611", "has a type that nothing supplies", "supply it with @app.supply", id="type"
        ),
        pytest.param(unknown_protocol, "/", "TB611 TB611", "'store: Store'", "supply it", id="x"),
        pytest.param(function_type, "/", "TB611", "'hook: ", "supply it", id="function-type"),
        pytest.param(anything, "/", "TB611", "it may be anything", "Body[Any] for any JSON", id="any"),
        pytest.param(response, "/", "TB611", "'response: Response'", "return a Response instead", id="response"),
        pytest.param(
            unannotated, "/", "TB612", "takes 'q' without an annotation", "write 'q: str = ''", id="annotation"
        ),
        pytest.param(
            missing_annotation, "/", "TB415", "requires 'q'", "'q: str' is read from the query", id="required"
        ),
        pytest.param(near_type, "/", "TB613", "name 'Clok' is not defined", "define or import", id="unknown-name"),
        pytest.param(
            elsewhere, "/", "TB613", "name 'Elsewhere' is not", "not in a function or under", id="type-checking"
        ),
        pytest.param(broken_text, "/", "TB613", "cannot be evaluated", "define or import", id="broken-text"),
        pytest.param(two_bodies, "/", "TB615", "takes 'note' and 'author' from the content", "one class", id="bodies"),
        pytest.param(body_and_form, "/", "TB615", "takes 'note' and 'name'", "Form[...]", id="body-and-form"),
        pytest.param(body_and_file, "/", "TB615", "takes 'note' and 'picture'", "Form[...]", id="body-and-file"),
        pytest.param(mutable_list, "/", "TB616", "has a mutable default, []", "default_factory=list", id="list"),
        pytest.param(
            wrong_default, "/", "TB616", "which does not fit its type: expected int", "a default of", id="wrong"
        ),
        pytest.param(mutable_dict, "/", "TB616", "has a mutable default, {}", "default_factory=dict", id="dict"),
        pytest.param(
            marker_as_default, "/", "TB614", "has the marker Query as its default", "Annotated[str,", id="default"
        ),
        pytest.param(marker_class_as_default, "/", "TB614", "the marker Query as its default", "Annotated", id="class"),
        pytest.param(unknown_in_class, "/", "TB611", "names 'Elsewhere'", "import it in that module", id="in-class"),
        pytest.param(marker_as_type, "/", "TB614", "a marker in place of a type", "'q: Query[str]'", id="as-type"),
        pytest.param(marker_inside, "/", "TB614", "the marker Query inside its type", "Query[int | None]", id="inside"),
        pytest.param(
            marker_in_list, "/", "TB614", "the marker Query inside its type", "around the whole", id="in-list"
        ),
        pytest.param(two_markers, "/", "TB614", "has several markers", "leave one of them", id="two-markers"),
        pytest.param(class_in_header, "/", "TB614", "cannot be read from a header", "Body[...]", id="class-in-header"),
        pytest.param(list_in_cookie, "/", "TB614", "cannot be read from a cookie", "such as str", id="list-in-cookie"),
        pytest.param(
            nested_query, "/", "TB614", "cannot be read from the query", "lists of scalars", id="nested-query"
        ),
        pytest.param(nested_form, "/", "TB614", "cannot be read from the form", "lists of scalars", id="nested-form"),
        pytest.param(scalar_upload, "/", "TB614", "cannot be an uploaded file", "Upload[UploadedFile]", id="upload"),
        pytest.param(store_in_query, "/", "TB614", "Store has no schema", "a type that has a schema", id="no-schema"),
        pytest.param(
            marked_path, "/{id}", "TB614", "is a parameter of the path", "remove the marker", id="marked-path"
        ),
        pytest.param(foreign_default, "/", "TB614", "Depends, which is unknown", "@app.supply", id="foreign-default"),
        pytest.param(foreign_annotation, "/", "TB614", "Depends, which is unknown", "@app.supply", id="foreign"),
        pytest.param(refused_by_plugin, "/", "TB614", "only a str can be upper case", "the plugin", id="refused"),
        pytest.param(wrong_path_type, "/{id}", "TB415", "its value is of type str", "make Note(id)", id="path-type"),
        pytest.param(
            wrong_converter, "/{id:int}", "TB415", "its value is of type int", "'{id}' in the path", id="converter"
        ),
    ],
)
def test_mistake_is_a_problem_with_place_and_fix(
    handler: Callable[..., object], path: str, codes: str, text: str, fix: str
) -> None:
    with expect_problems(*codes.split()) as problems:
        parameters(handler, path, supplied=codes == "TB614")
    diagnostic = problems[0].diagnostic
    assert text in diagnostic.text
    assert fix in diagnostic.fix
    assert diagnostic.why
    assert "test_signatures.py:" in diagnostic.origins[0].location


def test_type_that_is_nearly_supplied_is_suggested() -> None:
    class Stor:
        """Nearly the name of a supplied type."""

    async def handler(it: Stor) -> None: ...

    with expect_problems("TB611") as problems:
        parameters(handler)
    assert "did you mean Store?" in problems[0].diagnostic.fix


def test_two_resources_of_one_type_are_ambiguous() -> None:
    app = App()
    app.lifespan(provides=STORE)(store)
    app.lifespan(provides=ResourceKey("other", Store))(store)

    @app.get("/")
    async def home(store: Store) -> str:
        return ""

    with expect_problems("TB611") as problems:
        app.resolve()
    assert "resource 'store', resource 'other'" in problems[0].diagnostic.text


@pytest.mark.parametrize(
    ("handler", "path", "code", "text"),
    [
        pytest.param(content_of_get, "/", "TB615", "write Query[Note], or @app.post", id="content-of-get"),
        pytest.param(similar_name, "/{id:int}", "TB415", "use one name in both: name the parameter 'id'", id="name"),
    ],
)
def test_legal_signature_that_is_hardly_meant_is_a_warning(
    handler: Callable[..., object], path: str, code: str, text: str
) -> None:
    app = App()
    app.add_route(path, handler)
    (warning,) = app.resolve().diagnostics
    assert (warning.level, warning.code) == ("warning", code)
    assert text in warning.fix


class Other(Suppliers):
    info = PluginInfo(name="other")


class Broken(Plugin):
    info = PluginInfo(name="broken")

    def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
        return [
            ParameterProvider(Clock),
            ParameterProvider(Store, Store, factory=upper),
            ParameterProvider(Note, 3),  # type: ignore[arg-type]
            ParameterProvider("Name", factory=upper),
        ]


def test_one_type_from_two_plugins_is_refused_with_both_places() -> None:
    with expect_problems(*["TB610"] * 3) as problems:
        App(plugins=[Suppliers, Other]).resolve()
    diagnostic = problems[0].diagnostic
    assert "parameter provider for Clock" in diagnostic.text
    assert [origin.plugin for origin in diagnostic.origins] == ["suppliers", "other"]


def test_unusable_provider_is_refused() -> None:
    with pytest.raises(StartupError) as raised:
        App(plugins=[Broken]).resolve()
    problems = [problem.diagnostic for problem in raised.value.problems]
    assert {problem.code for problem in problems} <= {"TB619", "TB308"}
    assert len(problems) == 4


def test_inner_scope_replaces_a_supplier() -> None:
    class Fixed(Plugin):
        info = PluginInfo(name="fixed")

        def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
            return [ParameterProvider(Clock, Clock)]

    app = App(plugins=[Suppliers])
    app.get("/a")(unknown_type)
    app.scope("/b", plugins=[Fixed]).get("/")(unknown_type)
    origins = [planned.signature.parameters[0].origin for planned, _ in app.resolve().routes()]
    assert [origin.plugin for origin in origins if origin is not None] == ["suppliers", "fixed"]


class First:
    """Needs the second."""


class Second:
    """Needs the first."""


def first(second: Second) -> First:
    return First()


def second(first: First) -> Second:
    return Second()


def test_parameters_of_suppliers_need_annotations() -> None:
    class Unannotated(Plugin):
        info = PluginInfo(name="unannotated")

        def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
            return [ParameterProvider(Clock, lambda name: Clock())]

    app = App(plugins=[Unannotated])
    app.get("/")(unknown_type)
    with expect_problems("TB612") as problems:
        app.resolve()
    assert "takes 'name' without an annotation" in problems[0].diagnostic.text


def test_suppliers_that_need_each_other_are_a_cycle() -> None:
    class Cycle(Plugin):
        info = PluginInfo(name="cycle")

        def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
            return [ParameterProvider(First, first), ParameterProvider(Second, second)]

    app = App(plugins=[Cycle])

    @app.get("/")
    async def home(it: First) -> str:
        return ""

    with expect_problems("TB618") as problems:
        app.resolve()
    found = re.findall(r"test_signatures\.(\w+) \(\S+test_signatures\.py:\d+\)", problems[0].diagnostic.text)
    assert found == ["first", "second", "first"]


@pytest.mark.parametrize(("status", "annotation"), [(99, None), (204, dict[str, int]), (304, Note), ("201", None)])
def test_status_that_cannot_be_sent_is_refused(status: int, annotation: object) -> None:
    async def handler() -> None: ...

    handler.__annotations__["return"] = annotation
    app = App()
    app.add_route("/", handler, status=status)
    with expect_problems("TB617") as problems:
        app.resolve()
    assert len(problems) == 1
