"""The contract of the router slot: the behaviour of every router, whichever parts of the core it uses."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from tests.core.routing.making import KINDS, RouterBuilder, as_route, builder, endpoint, found
from turnbuckle.diagnostics import Origin
from turnbuckle.errors import MethodNotAllowed, NotFound, RouteConflict, RouteError
from turnbuckle.routing.converters import Converter
from turnbuckle.routing.records import Route
from turnbuckle.routing.slashes import SlashRedirect
from turnbuckle_plugins.werkzeug_router import WerkzeugRouter

# Werkzeug does not, once the function of a converter has refused what its expression takes.
LOOK_ON = [kind for kind in KINDS if kind is not WerkzeugRouter]

UUID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def router(request: pytest.FixtureRequest) -> RouterBuilder:
    return builder(request.param)


@pytest.mark.parametrize(
    ("routes", "path", "expected"),
    [
        pytest.param(["/"], "/", ("/", {}), id="root"),
        pytest.param(["/a/b"], "/a/b", ("/a/b", {}), id="static"),
        pytest.param(["/users"], "/%75sers", ("/users", {}), id="needless-escape"),
        pytest.param(["/caf\u00e9"], "/caf%C3%A9", ("/caf\u00e9", {}), id="utf-8"),
        pytest.param(["/caf\u00e9"], "/caf%c3%a9", ("/caf\u00e9", {}), id="utf-8-lower-case"),
        pytest.param(["/caf\u00e9"], "/caf\u00e9", ("/caf\u00e9", {}), id="raw-non-ascii"),
        pytest.param(["/a%2Fb"], "/a%2fb", ("/a%2Fb", {}), id="slash-inside-static"),
        pytest.param(["/u/{x}"], "/u/joe", ("/u/{x}", {"x": "joe"}), id="str"),
        pytest.param(["/u/{x}"], "/u/a%2Fb", ("/u/{x}", {"x": "a/b"}), id="slash-inside-str"),
        pytest.param(["/u/{x}"], "/u/a%20b%25", ("/u/{x}", {"x": "a b%"}), id="decoded-once"),
        pytest.param(["/u/{x:int}"], "/u/%35", ("/u/{x:int}", {"x": 5}), id="escaped-digit"),
        pytest.param(["/{x:float}"], "/1.5", ("/{x:float}", {"x": 1.5}), id="float"),
        pytest.param(["/{x:uuid}"], f"/{UUID}", ("/{x:uuid}", {"x": uuid.UUID(UUID)}), id="uuid"),
        pytest.param(["/{x:date}"], "/2024-02-29", ("/{x:date}", {"x": dt.date(2024, 2, 29)}), id="date"),
        pytest.param(["/{x:re([a-z]{2})}"], "/de", ("/{x:re([a-z]{2})}", {"x": "de"}), id="re"),
        pytest.param(["/{x:re(a/b)}"], "/a%2Fb", ("/{x:re(a/b)}", {"x": "a/b"}), id="re-with-slash"),
        pytest.param(["/f/{n}.{e}"], "/f/a.tar.gz", ("/f/{n}.{e}", {"n": "a.tar", "e": "gz"}), id="inside"),
        pytest.param(["/s/{r:path}"], "/s/a/b", ("/s/{r:path}", {"r": "a/b"}), id="path"),
        pytest.param(["/s/{r:path}"], "/s/", ("/s/{r:path}", {"r": ""}), id="path-empty"),
        pytest.param(["/s/{r:path}"], "/s/a%2Fb//c/", ("/s/{r:path}", {"r": "a/b//c/"}), id="path-odd"),
        pytest.param(["/{r:path}"], "/", ("/{r:path}", {"r": ""}), id="path-at-root"),
        pytest.param(["/{r:path}/edit"], "/a/b/edit", ("/{r:path}/edit", {"r": "a/b"}), id="path-inside"),
        pytest.param(["/w/{r:path}/{v:int}"], "/w/a/5", ("/w/{r:path}/{v:int}", {"r": "a", "v": 5}), id="path-typed"),
        pytest.param(["/{a}/{b}/{c}"], "/1/2/3", ("/{a}/{b}/{c}", {"a": "1", "b": "2", "c": "3"}), id="three"),
    ],
)
def test_match_table(
    routes: list[str], path: str, expected: tuple[str, dict[str, object]], router: RouterBuilder
) -> None:
    assert found(router(*routes), path) == expected


@pytest.mark.parametrize(
    ("routes", "path"),
    [
        pytest.param([], "/", id="no-routes"),
        pytest.param(["/a"], "/b", id="other"),
        pytest.param(["/a"], "/a/", id="slash-too-many"),
        pytest.param(["/a/"], "/a", id="slash-too-few"),
        pytest.param(["/a"], "//a", id="empty-segment"),
        pytest.param(["/a/b"], "/a%2Fb", id="encoded-slash-is-no-separator"),
        pytest.param(["/a/b"], "/a", id="too-short"),
        pytest.param(["/A"], "/a", id="case"),
        pytest.param(["/{x}"], "/", id="str-empty"),
        pytest.param(["/{x}"], "/a/b", id="str-one-segment"),
        pytest.param(["/{x}"], "/%zz", id="bad-escape"),
        pytest.param(["/{x:path}"], "/a/%", id="bad-escape-in-path"),
        pytest.param(["/{x}"], "/%ff", id="not-utf-8"),
        pytest.param(["/{x}"], "/\ud800", id="surrogate"),
        pytest.param(["/{x}"], "", id="no-path"),
        pytest.param(["/{x}"], "x", id="no-slash"),
        pytest.param(["/{x:int}"], "/+5", id="int-sign"),
        pytest.param(["/{x:int}"], "/%D9%A5", id="int-unicode"),
        pytest.param(["/{x:int}"], "/" + "9" * 5000, id="int-endless"),
        pytest.param(["/{x:date}"], "/2023-02-29", id="date-that-is-none"),
        pytest.param(["/s/{r:path}"], "/s", id="path-needs-its-slash"),
        pytest.param(["/{r:path}/edit"], "/edit", id="path-inside-needs-a-segment"),
    ],
)
def test_no_match(routes: list[str], path: str, router: RouterBuilder) -> None:
    tree = router(*routes)
    with pytest.raises(NotFound):
        tree.match("GET", path)
    assert tree.allowed(path) == frozenset()


def test_branch_that_leads_nowhere_is_left_again(router: RouterBuilder) -> None:
    tree = router("/a/b/c", "/a/{x}/d", "/{y:re(a)}/{x}/e", "/{r:path}/f")
    assert found(tree, "/a/b/c")[0] == "/a/b/c"
    assert found(tree, "/a/b/d") == ("/a/{x}/d", {"x": "b"})
    assert found(tree, "/a/b/e") == ("/{y:re(a)}/{x}/e", {"y": "a", "x": "b"})
    assert found(tree, "/a/b/f") == ("/{r:path}/f", {"r": "a/b"})


def test_names_belong_to_the_route(router: RouterBuilder) -> None:
    tree = router("/{a}/x", "/{b}/y")
    assert found(tree, "/1/x") == ("/{a}/x", {"a": "1"})
    assert found(tree, "/1/y") == ("/{b}/y", {"b": "1"})


@pytest.mark.parametrize("router", LOOK_ON, indirect=True)
def test_refused_value_tries_the_next_route(router: RouterBuilder) -> None:
    def even(digits: str) -> int:
        if int(digits) % 2:
            raise ValueError(digits)
        return int(digits)

    converters = {"even": Converter(regex="[0-9]+", convert=even)}
    tree = router("/{x:even}", "/{y:int}", converters=converters)
    assert found(tree, "/4") == ("/{x:even}", {"x": 4})
    assert found(tree, "/5") == ("/{y:int}", {"y": 5})


def test_converters_may_be_replaced(router: RouterBuilder) -> None:
    money = Converter(regex=r"[0-9]+\.[0-9]{2}", convert=Decimal, format=str)
    assert found(router("/{x:float}", converters={"float": money}), "/1.50") == ("/{x:float}", {"x": Decimal("1.50")})


@pytest.mark.parametrize("router", LOOK_ON, indirect=True)
def test_spanning_converter_of_the_user_may_refuse(router: RouterBuilder) -> None:
    tree = router("/{x:letters}", "/{y:path}", converters={"letters": Converter(regex="[a-z/]*", spans_segments=True)})
    assert found(tree, "/a/b") == ("/{x:letters}", {"x": "a/b"})
    assert found(tree, "/a/5") == ("/{y:path}", {"y": "a/5"})


def test_head_follows_get(router: RouterBuilder) -> None:
    tree = router("/a", "/b/{x}", "POST /c")
    assert found(tree, "/a", "HEAD") == ("/a", {})
    assert found(tree, "/b/1", "HEAD") == ("/b/{x}", {"x": "1"})
    with pytest.raises(MethodNotAllowed):
        tree.match("HEAD", "/c")


@pytest.mark.parametrize("path", ["/a", "/{x}"])
def test_head_of_its_own_comes_first(path: str, router: RouterBuilder) -> None:
    get, head = Route(path=path, handler=endpoint), Route(path=path, handler=print, methods=["HEAD"])
    for routes in ([get, head], [head, get]):
        tree = router(*routes)
        assert tree.match("HEAD", "/a").route is head
        assert tree.match("GET", "/a").route is get


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        pytest.param("/a", "GET HEAD OPTIONS POST", id="static"),
        pytest.param("/b/5", "DELETE GET HEAD OPTIONS PATCH", id="of-every-route-that-fits"),
        pytest.param("/b/x", "OPTIONS PATCH", id="of-no-other"),
        pytest.param("/%61", "GET HEAD OPTIONS POST", id="needless-escape"),
        pytest.param("*", "DELETE GET HEAD OPTIONS PATCH POST", id="server"),
    ],
)
def test_method_not_allowed_names_them_all(path: str, allowed: str, router: RouterBuilder) -> None:
    tree = router("/a", "POST /a", "/b/{x:int}", "DELETE /b/{y:float}", "PATCH /b/{z}")
    for method in ("PUT", "OPTIONS", "get"):
        with pytest.raises(MethodNotAllowed) as caught:
            tree.match(method, path)
        assert " ".join(caught.value.allowed) == allowed
    assert tree.allowed(path) == frozenset(allowed.split())


def test_options_of_its_own_answers(router: RouterBuilder) -> None:
    tree = router("/a", "OPTIONS /a")
    assert tree.match("OPTIONS", "/a").route.methods == {"OPTIONS"}


def test_server_without_routes_allows_nothing(router: RouterBuilder) -> None:
    tree = router()
    assert tree.allowed("*") == frozenset()
    with pytest.raises(NotFound):
        tree.match("OPTIONS", "*")


def test_method_is_sought_among_less_specific_routes(router: RouterBuilder) -> None:
    tree = router("/users/me", "POST /users/{name}", "PUT /{r:path}")
    assert found(tree, "/users/me", "POST") == ("/users/{name}", {"name": "me"})
    assert found(tree, "/users/me", "PUT") == ("/{r:path}", {"r": "users/me"})
    assert tree.allowed("/users/me") == {"GET", "HEAD", "OPTIONS", "POST", "PUT"}


def test_match_hands_back_handler_and_route(router: RouterBuilder) -> None:
    route = as_route("/a/{x}", name="a", origin=Origin(plugin="app", location="main.py:3"))
    match = router(route).match("GET", "/a/1")
    assert match.handler is endpoint
    assert match.route is route


def test_params_of_one_match_are_its_own(router: RouterBuilder) -> None:
    tree = router("/{x}")
    tree.match("GET", "/1").path_params["x"] = "changed"
    assert found(tree, "/1") == ("/{x}", {"x": "1"})


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        pytest.param("/a", "/a", "both answer GET at the same paths", id="static"),
        pytest.param("/a/{x:int}", "/a/{y:int}", "both answer GET at the same paths", id="other-names"),
        pytest.param("/{x}", "/{y:str}", "both answer GET at the same paths", id="default-converter"),
        pytest.param("GET,POST /a", "PUT,POST /a", "both answer POST at the same paths", id="one-method"),
        pytest.param("/caf\u00e9", "/caf%C3%A9", "both answer GET at the same paths", id="written-otherwise"),
        pytest.param("/{x:path}/e", "/{y:path}/e", "both answer GET at the same paths", id="path"),
        pytest.param("/{a}.{b}", "/{c}.{d}", "both answer GET at the same paths", id="mixed"),
    ],
)
def test_duplicate_is_refused_with_both_places(first: str, second: str, reason: str, router: RouterBuilder) -> None:
    one = as_route(first, origin=Origin(plugin="app", location="one.py:1"))
    two = as_route(second, origin=Origin(plugin="app", location="two.py:2"))
    tree = router.kind()
    tree.add(one)
    with pytest.raises(RouteConflict) as caught:
        tree.add(two)
    assert (caught.value.first, caught.value.second) == (one, two)
    assert caught.value.reason == reason
    assert "one.py:1" in str(caught.value)
    assert "two.py:2" in str(caught.value)
    assert tree.routes == (one,)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("GET /a", "POST /a", id="methods"),
        pytest.param("/a/{x}", "/a/{y:int}", id="converters"),
        pytest.param("/a", "/a/", id="slash"),
        pytest.param("/a", "/{x}", id="static-and-not"),
        pytest.param("/{x:re(a)}", "/{x:re(b)}", id="arguments"),
        pytest.param("/{x:path}", "/{x:path}/e", id="path-and-more"),
        pytest.param("/a%2Fb", "/a/b", id="slash-inside"),
    ],
)
def test_neighbours_are_taken(first: str, second: str, router: RouterBuilder) -> None:
    assert len(router(first, second).routes) == 2


def test_name_is_unique(router: RouterBuilder) -> None:
    tree = router.kind()
    tree.add(as_route("/a", name="a"))
    with pytest.raises(RouteConflict, match="both are named 'a'"):
        tree.add(as_route("/b", name="a"))
    tree.add(as_route("/b"))
    tree.add(as_route("/c"))
    assert len(tree.routes) == 3


def test_route_is_checked_when_added(router: RouterBuilder) -> None:
    tree = router.kind()
    with pytest.raises(RouteError, match="position 2"):
        tree.add(as_route("/{"))
    with pytest.raises(RouteError, match="upper-case token, not 'get'"):
        tree.add(as_route("get /a"))
    with pytest.raises(RouteError, match="a route needs a method"):
        tree.add(Route(path="/a", handler=endpoint, methods=[]))
    assert tree.routes == ()


def test_frozen_router_takes_no_more(router: RouterBuilder) -> None:
    tree = router("/a")
    tree.freeze()
    with pytest.raises(RouteError, match="cannot be added: the router is frozen"):
        tree.add(as_route("/b"))


def test_matching_needs_a_frozen_router(router: RouterBuilder) -> None:
    tree = router.kind()
    tree.add(as_route("/a"))
    with pytest.raises(RuntimeError, match="freeze"):
        tree.match("GET", "/a")
    with pytest.raises(RuntimeError, match="freeze"):
        tree.unreachable_routes()


def test_url_for_names_routes(router: RouterBuilder) -> None:
    tree = router(as_route("/u/{name}/{id:int}", name="u"), as_route("/x/{name}", name="self"))
    assert tree.url_for("u", name="a b/c", id=5) == "/u/a%20b%2Fc/5"
    assert tree.url_for("self", name="name") == "/x/name"
    with pytest.raises(RouteError, match="no route is named 'v'"):
        tree.url_for("v")
    with pytest.raises(RouteError, match="needs parameter 'id'"):
        tree.url_for("u", name="x")


@pytest.mark.parametrize("policy", ["redirect", "ignore"])
def test_slash_policy_leaves_exact_matches_alone(policy: str, router: RouterBuilder) -> None:
    tree = router("/a", "/b/", "/c", "/c/", "/d/{x:path}", trailing_slash=policy)
    for path in ("/a", "/b/", "/c", "/c/"):
        assert found(tree, path) == (path, {})
    assert found(tree, "/d/e/") == ("/d/{x:path}", {"x": "e/"})


@pytest.mark.parametrize(
    ("path", "location"),
    [
        pytest.param("/a/", "/a", id="static-without"),
        pytest.param("/b", "/b/", id="static-with"),
        pytest.param("/x/5/", "/x/5", id="dynamic-without"),
        pytest.param("/y/a%2Fb", "/y/a%2Fb/", id="dynamic-with"),
        pytest.param("/post", "/post/", id="other-method"),
        pytest.param("/s", "/s/", id="path"),
    ],
)
def test_slash_redirect(path: str, location: str, router: RouterBuilder) -> None:
    tree = router("/a", "/b/", "/x/{n:int}", "/y/{n}/", "POST /post/", "/s/{r:path}", trailing_slash="redirect")
    with pytest.raises(SlashRedirect) as caught:
        tree.match("GET", path)
    assert caught.value.path == location


def test_slash_redirect_stays_here(router: RouterBuilder) -> None:
    tree = router("/{x}/", "/q/{x:path}/", trailing_slash="redirect")
    with pytest.raises(SlashRedirect) as caught:
        tree.match("GET", "/\\evil.example")
    assert caught.value.path == "/%5Cevil.example/"
    with pytest.raises(NotFound) as missing:
        tree.match("GET", "//evil.example")
    assert not isinstance(missing.value, SlashRedirect)


def test_slash_redirect_comes_after_405(router: RouterBuilder) -> None:
    tree = router("GET /a", "POST /a/", trailing_slash="redirect")
    with pytest.raises(MethodNotAllowed) as caught:
        tree.match("POST", "/a")
    assert caught.value.allowed == ("GET", "HEAD", "OPTIONS")


@pytest.mark.parametrize("policy", ["strict", "redirect", "ignore"])
def test_slash_policy_root_has_one_form(policy: str, router: RouterBuilder) -> None:
    tree = router("/a", trailing_slash=policy)
    with pytest.raises(NotFound) as caught:
        tree.match("GET", "/")
    assert not isinstance(caught.value, SlashRedirect)


def test_slash_ignored(router: RouterBuilder) -> None:
    tree = router("/a", "/b/", "/x/{n:int}", "/y/{n}/", trailing_slash="ignore")
    assert found(tree, "/a/")[0] == "/a"
    assert found(tree, "/b")[0] == "/b/"
    assert found(tree, "/x/5/") == ("/x/{n:int}", {"n": 5})
    assert found(tree, "/y/5") == ("/y/{n}/", {"n": "5"})
    assert tree.match("GET", "/a/").route is tree.match("HEAD", "/a").route
    with pytest.raises(NotFound):
        tree.match("GET", "/a//")


def test_slash_ignored_gives_way_to_a_route_with_that_form(router: RouterBuilder) -> None:
    tree = router("/a/", "/{x}", "GET /c", "POST /c/", trailing_slash="ignore")
    assert found(tree, "/a") == ("/{x}", {"x": "a"})
    assert found(tree, "/a/") == ("/a/", {})
    assert found(tree, "/c", "POST") == ("/c/", {})
    with pytest.raises(MethodNotAllowed) as caught:
        tree.match("PUT", "/c")
    assert caught.value.allowed == ("GET", "HEAD", "OPTIONS", "POST")
    assert tree.allowed("/c/") == {"GET", "HEAD", "OPTIONS", "POST"}


def test_slash_policy_is_checked(router: RouterBuilder) -> None:
    with pytest.raises(RouteError, match="trailing_slash"):
        router.kind(trailing_slash="lax")
