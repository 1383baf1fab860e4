"""``explain`` says what would happen to a request."""

import json

import pytest

from tests.core.cli.conftest import Project

PAGES = """\
from turnbuckle import App, Request

app = App()


@app.get("/users/{id:int}")
async def user(request: Request, id: int) -> str:
    raise AssertionError("called")


@app.middleware
async def audit(request, call_next):
    raise AssertionError("called")


@app.post("/users")
async def add(request: Request) -> str:
    raise AssertionError("called")
"""


@pytest.fixture
def pages(project: Project) -> Project:
    project.write("pages.py", PAGES)
    return project


def _words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_explain_shows_the_route(pages: Project) -> None:
    result = pages.call("explain", "GET", "/users/5", "pages", "--set", "limits.content=7")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = _words(result.stdout)
    assert lines[:7] == [
        "GET /users/5 at localhost",
        "handled by pages.user",
        "id = 5",
        "routes, as router 'tree' sees them",
        "GET /users/{id:int} answers app pages.py:6",
        "POST /users the route ends where the path continues with '5' app pages.py:16",
        "chain, outermost first",
    ]
    assert "audit app app pages.py:11" in lines
    assert "limits.content 7 --set" in lines


def test_explain_shows_why_no_route_matches(pages: Project) -> None:
    lines = _words(pages.call("explain", "GET", "/users/x", "pages").stdout)
    assert lines[1] == "404 no route has this path"
    assert "GET /users/{id:int} segment 2: {id:int} rejects 'x' app pages.py:6" in lines


def test_explain_shows_the_fields_of_the_answer(pages: Project) -> None:
    lines = _words(pages.call("explain", "DELETE", "/users/5", "pages").stdout)
    assert lines[1:3] == ["405 no route here takes DELETE", "Allow: GET, HEAD, OPTIONS"]


def test_explain_sends_fields(pages: Project) -> None:
    lines = _words(pages.call("explain", "GET", "/", "pages", "-H", "Host: shop.example", "-H", "X-A:").stdout)
    assert lines[0] == "GET / at shop.example"


def test_explain_shows_that_the_parser_refuses(pages: Project) -> None:
    lines = _words(pages.call("explain", "GET", "/", "pages", "-H", "Content-Length: x").stdout)
    assert lines[1].startswith("400 rejected by parser 'h1': ")


def test_explain_shows_the_nearest_routes_unless_asked_for_all(project: Project) -> None:
    paths = ["/a/b", *(f"/other/{number}" for number in range(12))]
    routes = "".join(f"app.get({path!r})(lambda request: '')\n" for path in paths)
    project.write("many.py", f"from turnbuckle import App\napp = App()\n{routes}")
    near = project.call("explain", "GET", "/a/c", "many").stdout
    assert "/a/b" in near
    assert "  and 12 more, which --all shows\n" in near
    assert "/other/" not in near
    assert "/other/11" in project.call("explain", "GET", "/a/c", "many", "--all").stdout
    assert "  and 3 more, which --all shows\n" in project.call("explain", "GET", "/x", "many").stdout


def test_explain_of_an_app_without_routes(project: Project) -> None:
    project.write("none.py", "from turnbuckle import App\napp = App()\n")
    lines = _words(project.call("explain", "GET", "/", "none").stdout)
    assert lines[2:4] == ["routes: none", "chain: no middleware"]


def test_explain_is_json_when_asked(pages: Project) -> None:
    data = json.loads(pages.call("explain", "GET", "/users/5", "pages", "--json").stdout)
    assert data["schema"] == "turnbuckle.explain/1"
    assert (data["status"], data["handler"], data["path_params"]) == (None, "pages.user", {"id": 5})
    assert [candidate["wins"] for candidate in data["candidates"]] == [True, False]
    assert [link["name"] for link in data["chain"]] == ["audit"]
    assert data["settings"]["limits.content"] == {"value": 16777216, "source": "default"}


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["GET"], id="nothing"),
        pytest.param(["GET", "/a b", "pages"], id="space"),
        pytest.param(["GET", "/", "pages", "-H", "Host"], id="field"),
        pytest.param(["GET", "/", "pages", "-H", "A: b\r\nC: d"], id="line-break"),
    ],
)
def test_explain_called_wrongly_is_a_usage_error(pages: Project, args: list[str]) -> None:
    assert pages.call("explain", *args).exit_code == 2


def test_explain_of_a_broken_app_exits_with_3(pages: Project) -> None:
    assert pages.call("explain", "GET", "/", "pages", "--parser", "nope").exit_code == 3


def test_explain_shows_the_limits_of_the_route(project: Project) -> None:
    project.write("pages.py", PAGES.replace('@app.post("/users")', '@app.post("/users", limits={"content": 7})'))
    (line,) = (
        line for line in _words(project.call("explain", "POST", "/users", "pages").stdout) if "content 7" in line
    )
    assert line.startswith("limits.content 7 route /users (")
    (line,) = (line for line in _words(project.call("plan", "pages").stdout) if line.startswith("POST /users limits"))
    assert line.startswith("POST /users limits.content 7 route /users (")


@pytest.mark.parametrize("url", ["https://a.example/users/5", "HTTPS://a.example/users/5", "http://a.example/users/5"])
def test_explain_of_a_url_explains_its_path(pages: Project, url: str) -> None:
    result = pages.call("explain", "GET", url, "pages")
    assert (result.exit_code, result.stderr) == (0, "")
    assert _words(result.stdout)[:3] == [f"GET {url}", "handled by pages.user", "id = 5"]
    found = json.loads(pages.call("explain", "GET", url, "pages", "--json").stdout)
    assert (found["host"], found["scheme"]) == ("a.example", url.partition(":")[0].lower())


TYPED = """\
from turnbuckle import App, Header, ParameterProvider, Plugin, PluginInfo, Setup


class User(str):
    pass


def user(token: Header[str] = "none") -> User:
    return User(token)


class Users(Plugin):
    info = PluginInfo(name="users")

    def provide_parameters(self, setup: Setup) -> list[ParameterProvider]:
        return [ParameterProvider(User, user)]


app = App(plugins=[Users])


@app.post("/notes/{id:int}", status=201)
async def create(id: int, user: User, tags: dict[str, int], page: int = 1) -> list[int]:
    raise AssertionError("called")
"""


def test_parameters_have_their_suppliers_and_places(project: Project) -> None:
    project.write("typed.py", TYPED)
    lines = _words(project.call("explain", "POST", "/notes/3", "typed").stdout)
    start = lines.index("parameters")
    assert lines[start + 1 : start + 7] == [
        "id: int path parameter 'id'",
        "user: User typed.user users typed.py:15",
        "token: str = 'none' header 'token'",
        "tags: dict[str, int] content",
        "page: int = 1 query parameter 'page'",
        "result: list[int], status 201",
    ]
    signature = json.loads(project.call("explain", "POST", "/notes/3", "typed", "--json").stdout)["signature"]
    assert [parameter["source"] for parameter in signature["parameters"]] == ["path", "provider", "body", "query"]
    assert signature["parameters"][1]["function"]["parameters"][0]["alias"] == "token"
    plan = json.loads(project.call("plan", "typed", "--json").stdout)
    assert plan["scopes"][0]["routes"][0]["signature"] == signature


CONSTRAINED = """
from typing import Annotated
from turnbuckle import App, Header, Query, Request, Response

app = App()

class User:
    pass

@app.supply
def user(name: Header[str]) -> User:
    raise AssertionError("called")

@app.middleware
async def known(request: Request, call_next, user: User) -> Response:
    raise AssertionError("called")

@app.get("/notes")
async def search(page: Annotated[int, Query(alias="p", ge=1, pattern="")] = 1) -> str:
    raise AssertionError("called")
"""


def test_constraints_and_parameters_of_middleware_are_shown(project: Project) -> None:
    project.write("constrained.py", CONSTRAINED)
    lines = _words(project.call("explain", "GET", "/notes", "constrained").stdout)
    assert "page: int = 1 query parameter 'p', ge=1" in lines
    start = lines.index("known app app constrained.py:14")
    assert lines[start + 1 : start + 3] == [
        "user: User constrained.user app constrained.py:10",
        "name: str header 'name'",
    ]
    missing = _words(project.call("explain", "GET", "/none", "constrained").stdout)
    assert "user: User constrained.user app constrained.py:10" in missing


def test_supplier_of_a_type_is_explained(project: Project) -> None:
    project.write("typed.py", TYPED)
    lines = _words(project.call("why", "parameter", "User", "typed").stdout)
    assert lines[0] == "parameter User"
    assert "function typed.user" in lines
    assert "did you mean 'User'?" in project.call("why", "parameter", "Usr", "typed").stderr
    assert "parameter page query parameter 'page'" in _words(project.call("why", "route", "create", "typed").stdout)
