"""Routers by host."""

from collections.abc import Callable

import pytest

from tests.core.routing.making import as_route
from turnbuckle.errors import MethodNotAllowed, NotFound, RouteConflict, RouteError
from turnbuckle.routing.hosts import HostRouter, LinkingRouter
from turnbuckle.routing.records import Match, Route, Router
from turnbuckle.routing.slashes import SlashRedirect
from turnbuckle.routing.tree import TreeRouter


class BareRouter:
    """As little of a router as the core asks for: it has one path, and no routes to show."""

    def add(self, route: Route, /) -> None:
        self.handler = route.handler

    def freeze(self) -> None:
        pass

    def match(self, method: str, path: str, /) -> Match:
        if path != "/bare":
            raise NotFound
        return Match(self.handler)


def hosts(
    *routes: tuple[str, ...],
    default: Router | None = None,
    make: Callable[[], Router] = TreeRouter,
) -> HostRouter:
    router = HostRouter(default or TreeRouter(), make)
    for text, host, *name in routes:
        router.add(as_route(text, host=host, name=name[0] if name else ""))
    router.freeze()
    return router


def found(router: HostRouter, host: str, path: str, method: str = "GET") -> tuple[str, str, dict[str, object]]:
    match = router.match_host(method, path, host)
    return match.route.host, match.route.path, dict(match.path_params)


MANY = [
    ("/", ""),
    ("/{x}", ""),
    ("/a", "api.example.com"),
    ("POST /b", "api.example.com"),
    ("/t/{id:int}", "{tenant}.example.com"),
    ("/a", "{tenant}.example.com"),
    ("/deep", "{a}.{b}.com"),
    ("/t/{id:int}", "{a}.{b}.com"),
]


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        pytest.param("", "/", ("", "/", {}), id="no-host"),
        pytest.param("not a host", "/", ("", "/", {}), id="malformed-host"),
        pytest.param("api.example.com", "/a", ("api.example.com", "/a", {}), id="exact"),
        pytest.param("API.Example.com:8080", "/a", ("api.example.com", "/a", {}), id="case-and-port"),
        pytest.param("api.example.com.", "/a", ("api.example.com", "/a", {}), id="final-dot"),
        pytest.param("api.example.com", "/", ("", "/", {}), id="default-is-for-every-host"),
        pytest.param(
            "api.example.com", "/t/5", ("{tenant}.example.com", "/t/{id:int}", {"tenant": "api", "id": 5}), id="on"
        ),
        pytest.param("x.example.com", "/a", ("{tenant}.example.com", "/a", {"tenant": "x"}), id="pattern"),
        pytest.param("x.example.com", "/deep", ("{a}.{b}.com", "/deep", {"a": "x", "b": "example"}), id="next-pattern"),
        pytest.param(
            "x.other.com", "/t/5", ("{a}.{b}.com", "/t/{id:int}", {"a": "x", "b": "other", "id": 5}), id="wide"
        ),
        pytest.param("other.org", "/a", ("", "/{x}", {"x": "a"}), id="default"),
    ],
)
def test_match_host_table(host: str, path: str, expected: tuple[str, str, dict[str, object]]) -> None:
    assert found(hosts(*MANY), host, path) == expected


def test_host_without_its_path_passes_on() -> None:
    router = hosts(*MANY)
    assert found(router, "api.example.com", "/b", "POST") == ("api.example.com", "/b", {})
    assert found(router, "api.example.com", "/b", "GET") == ("", "/{x}", {"x": "b"})
    with pytest.raises(MethodNotAllowed) as caught:
        router.match_host("PUT", "/b", "api.example.com")
    assert caught.value.allowed == ("GET", "HEAD", "OPTIONS", "POST")
    assert router.allowed("/b", "api.example.com") == {"GET", "HEAD", "OPTIONS", "POST"}
    assert router.allowed("/b") == {"GET", "HEAD", "OPTIONS"}
    assert router.allowed("/b/c/d") == frozenset()


def test_match_without_host_is_for_any() -> None:
    router = hosts(*MANY)
    assert router.match("GET", "/a").route.path == "/{x}"
    with pytest.raises(NotFound):
        router.match_host("GET", "/none/at/all", "api.example.com")


def test_static_match_is_reused() -> None:
    router = hosts(*MANY)
    assert router.match_host("GET", "/a", "api.example.com") is router.match_host("HEAD", "/a", "API.example.com")


def test_slash_redirect_waits_for_the_others() -> None:
    make = lambda: TreeRouter("redirect")  # noqa: E731  # the factory that HostRouter takes
    router = hosts(("/a/", "x.com"), ("/b/", "x.com"), ("/b", ""), make=make)
    assert found(router, "x.com", "/b") == ("", "/b", {})
    with pytest.raises(SlashRedirect) as caught:
        router.match_host("GET", "/a", "x.com")
    assert caught.value.path == "/a/"


def test_same_host_otherwise_named_is_one_host() -> None:
    router = hosts(("/a", "{x}.example.com"), ("/b", "{y}.EXAMPLE.com"))
    assert found(router, "t.example.com", "/a")[2] == {"x": "t"}
    assert found(router, "t.example.com", "/b")[2] == {"y": "t"}
    with pytest.raises(RouteConflict, match="both answer GET"):
        hosts(("/a", "{x}.example.com"), ("/a", "{y}.example.com"))
    with pytest.raises(RouteConflict, match="both answer GET"):
        hosts(("/a", "example.com"), ("/a", "EXAMPLE.com"))


def test_same_path_at_two_hosts() -> None:
    router = hosts(("/a", "x.com"), ("/a", "y.com"), ("/a", ""))
    assert [found(router, host, "/a")[0] for host in ("x.com", "y.com", "z.com")] == ["x.com", "y.com", ""]
    assert [route.host for route in router.routes] == ["x.com", "y.com", ""]


def test_parameter_in_host_and_path_is_refused() -> None:
    with pytest.raises(RouteError, match="parameter 'x' is in host and path"):
        hosts(("/{y}/{x:int}", "{x}.example.com"))


def test_name_is_unique_over_hosts() -> None:
    with pytest.raises(RouteConflict, match="both are named 'it'"):
        hosts(("/a", "x.com", "it"), ("/b", "", "it"))


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        pytest.param("any", {"x": "a b"}, "/a%20b", id="any-host"),
        pytest.param("exact", {}, "//api.example.com/a", id="exact"),
        pytest.param("tenant", {"tenant": "acme", "id": 5}, "//acme.example.com/t/5", id="pattern"),
    ],
)
def test_url_for_table(name: str, params: dict[str, int | str], expected: str) -> None:
    router = hosts(
        ("/{x}", "", "any"), ("/a", "API.example.com", "exact"), ("/t/{id:int}", "{tenant}.example.com", "tenant")
    )
    assert router.url_for(name, **params) == expected


def test_url_for_refuses() -> None:
    router = hosts(("/a", "{t}.x.com", "it"))
    for name, params in [("none", {}), ("it", {}), ("it", {"t": "a", "u": 1}), ("it", {"t": "evil.com/"})]:
        with pytest.raises(RouteError):
            router.url_for(name, **params)


def test_unreachable_routes_of_all_hosts() -> None:
    router = hosts(("/{x:re(.+)}", "a.com"), ("/{y}", "a.com"), ("/{x:re(.+)}", ""), ("/{y}", ""))
    routes = [unreachable.route for unreachable in router.unreachable_routes()]
    assert [(route.host, route.path) for route in routes] == [
        ("a.com", "/{y}"),
        ("", "/{y}"),
    ]


def test_bare_router_will_do() -> None:
    router = hosts(("/bare", "{t}.x.com", "it"), ("/a", ""), make=BareRouter)
    assert router.match_host("GET", "/bare", "acme.x.com").path_params == {"t": "acme"}
    assert router.unreachable_routes() == ()
    with pytest.raises(RouteError, match="cannot build paths"):
        router.url_for("it", t="acme")


def test_routers_that_link() -> None:
    assert isinstance(hosts(), LinkingRouter)
    assert isinstance(TreeRouter(), LinkingRouter)
    assert not isinstance(BareRouter(), LinkingRouter)
