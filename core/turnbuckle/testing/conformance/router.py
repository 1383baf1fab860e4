"""The test suite for routers (``turnbuckle.Router`` is the contract).

If several routes have a path and its method, the router may prefer any of them. Only the patterns decide which routes
have a path; the suite compares the router with a simple model on random tables.

Sources: RFC 9110, sections 9.1, 9.3.2, 9.3.7 and 10.2.1; RFC 3986, section 2.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final, Literal

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from turnbuckle.app import App
from turnbuckle.errors import HTTPError, MethodNotAllowed, NotFound, RouteConflict, RouteError
from turnbuckle.records import RouterProvider
from turnbuckle.routing.records import Match, Route, Router
from turnbuckle.routing.slashes import SlashRedirect
from turnbuckle.testing.client.client import Client
from turnbuckle.testing.client.response import ClientResponse
from turnbuckle.testing.conformance.base import ConfiguredSuite
from turnbuckle.testing.conformance.router_cases import BAD_PATTERNS, SLASHES, TEXTS, VALUES
from turnbuckle.testing.conformance.router_model import CASES, Case, Found, encode, handler_of

__all__ = ["RouterConformance"]

# Many classes inherit one suite, which hypothesis considers a mistake.
_property: Final = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow]
)


class RouterConformance(ConfiguredSuite, abc.ABC):
    """Tests of a router; derive ``TestMyRouter`` and define ``make_router``.

    Attributes:
        prefers: which of several matching routes answers: ``"specific"`` the route with the more specific pattern,
            compared segment by segment, as in the core's tree; ``"first"`` the route that was added first; ``"any"``
            any of them.
        policies: the supported policies for a trailing slash (``routing.trailing_slash``); for policies other than
            ``"strict"``, override ``make_router_with``.
        many: number of routes that it must support; fewer routes make the suite faster for a linear search.
    """

    prefers: ClassVar[Literal["specific", "first", "any"]] = "any"
    many: ClassVar[int] = 10_000
    policies: ClassVar[Sequence[Literal["strict", "redirect", "ignore"]]] = ("strict",)

    @abc.abstractmethod
    def make_router(self) -> Router:
        """Return a new router without routes and with the policy ``"strict"``."""

    def make_router_with(self, policy: Literal["strict", "redirect", "ignore"]) -> Router:
        """Return a new router with a policy for the trailing slash; needed for policies other than ``"strict"``."""
        if policy == "strict":
            return self.make_router()
        raise AssertionError(f"the suite claims policy {policy!r}; override make_router_with()")

    def _router(self, *routes: Route) -> Router:
        router = self.make_router()
        for route in routes:
            router.add(route)
        router.freeze()
        return router

    # -- matching ----------------------------------------------------------------------------------------------------

    def test_hands_back_the_handler_untouched(self) -> None:
        """``Match.handler`` is the same object as in the route; the router knows nothing about it."""
        for path in ("/a", "/b/{x}"):
            route = Route(path=path, handler=_Opaque())
            match = self._router(route).match("GET", path.replace("{x}", "1"))
            assert match.handler is route.handler, (
                f"match() must return the handler of the route, not {match.handler!r}"
            )
            assert match.route is None or match.route is route, f"match() must return the route, not {match.route!r}"

    @pytest.mark.parametrize(("pattern", "path", "value"), VALUES)
    def test_reads_parameter(self, pattern: str, path: str, value: object) -> None:
        """A parameter has the type of its converter; text that the converter rejects does not match."""
        params = _params(self._router(_route(pattern)), path)
        if value is None:
            assert params is None, f"{path!r} is none of the paths of {pattern!r}, but was read as {params!r}"
            return
        assert params == {"x": value}, f"{path!r} in {pattern!r} must give {value!r}, not {params!r}"
        assert type(params["x"]) is type(value), f"{path!r} in {pattern!r} must give a {type(value).__name__}"

    @pytest.mark.parametrize(("pattern", "path", "fits"), TEXTS)
    def test_compares_text(self, pattern: str, path: str, fits: bool) -> None:
        """Text matches itself in every encoding."""
        params = _params(self._router(_route(pattern)), path)
        assert (params is not None) is fits, f"{path!r} is{'' if fits else ' not'} the path of {pattern!r}"
        assert not params, f"{pattern!r} has no parameters, but {params!r}"

    def test_keeps_matches_apart(self) -> None:
        """The match of one request does not change with the next request."""
        router = self._router(_route("/{x}"))
        first, second = router.match("GET", "/1"), router.match("GET", "/2")
        assert (dict(first.path_params), dict(second.path_params)) == ({"x": "1"}, {"x": "2"}), "matches share state"

    def test_keeps_routers_apart(self) -> None:
        """Two routers share no state: each scope may have a router, and a process may have several apps."""
        one, other = self.make_router(), self.make_router()
        one.add(_route("/a"))
        other.add(_route("/b"))
        one.freeze()
        other.freeze()
        assert _params(one, "/b") is None, "a route was added to one router, and found in another"
        assert _params(other, "/b") is not None

    def test_takes_many_routes(self) -> None:
        """A router with thousands of routes finds each of them, and answers 404 for other paths."""
        routes = [_route(f"/{number}/a" if number % 2 else f"/{number}/{{x}}") for number in range(self.many)]
        router = self._router(*routes)
        for number in (0, 1, self.many // 2, self.many - 1):
            path = f"/{number}/a"
            assert _found(router, "GET", path) is routes[number].handler, f"{path!r} is lost among {self.many} routes"
        assert _allowed(router, "GET", f"/{self.many}/a") is None

    # -- trailing slash, for each supported policy -------------------------------------------------------------------

    @pytest.mark.parametrize("path", ["/a", "/b/", "/c", "/c/", "/d/1", "/e/1/", "/f/"])
    def test_route_with_the_very_path_comes_first(self, path: str) -> None:
        """With every policy, a route with exactly this form of the path answers."""
        for policy in self.policies:
            router = self._slashed(policy)
            match = _match(router, "GET", path)
            assert match is not None, f"{path!r} has a route and must be found with the policy {policy!r}"

    @pytest.mark.parametrize(("path", "other"), SLASHES)
    def test_treats_the_last_slash_by_its_policy(self, path: str, other: str) -> None:
        """Strict: 404. Redirect: to the form that has a route. Ignore: the route of the other form answers."""
        for policy in self.policies:
            router = self._slashed(policy)
            expected = _found(router, "GET", other)
            if policy == "ignore":
                assert _found(router, "GET", path) is expected, f"{path!r} is {other!r} if slashes are ignored"
                continue
            with pytest.raises(NotFound) as caught:
                router.match("GET", path)
            to = caught.value.path if isinstance(caught.value, SlashRedirect) else None
            assert to == (other if policy == "redirect" else None), f"policy {policy!r}: {path!r} led to {to!r}"

    @pytest.mark.parametrize("path", ["/", "/nothing", "/nothing/", "/a//", "//a", "//evil.example/", "/a/%zz/"])
    def test_policies_find_nothing_where_nothing_is(self, path: str) -> None:
        """If neither form has a route, the answer is 404 without a redirect."""
        for policy in self.policies:
            with pytest.raises(NotFound) as caught:
                self._slashed(policy).match("GET", path)
            assert not isinstance(caught.value, SlashRedirect), f"policy {policy!r}: {path!r} leads nowhere"

    def _slashed(self, policy: Literal["strict", "redirect", "ignore"]) -> Router:
        router = self.make_router_with(policy)
        for path in ("/a", "/b/", "/c", "/c/", "/d/{x:int}", "/e/{x}/", "/f/{x:path}"):
            router.add(_route(path))
        router.freeze()
        return router

    # -- methods -----------------------------------------------------------------------------------------------------

    def test_head_follows_get(self) -> None:
        """RFC 9110, section 9.3.2: HEAD is GET without the content."""
        route = _route("/a")
        assert _found(self._router(route), "HEAD", "/a") is route.handler, "HEAD must be answered by the route for GET"

    @pytest.mark.parametrize("order", [("GET", "HEAD"), ("HEAD", "GET")], ids="-".join)
    def test_head_may_have_a_route_of_its_own(self, order: tuple[str, str]) -> None:
        """A route for HEAD takes precedence over the route for GET of the same path, in any order."""
        for path in ("/a", "/{x}"):
            routes = {method: _route(path, method) for method in order}
            router = self._router(*routes.values())
            for method, route in routes.items():
                assert _found(router, method, "/a") is route.handler, f"{method} has its own route at {path!r}"

    @pytest.mark.parametrize(
        ("methods", "allowed"),
        [
            pytest.param(["GET"], {"GET", "HEAD", "OPTIONS"}, id="get"),
            pytest.param(["POST"], {"POST", "OPTIONS"}, id="post"),
            pytest.param(["GET", "PURGE"], {"GET", "HEAD", "OPTIONS", "PURGE"}, id="two"),
        ],
    )
    @pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "get", "BREW", ""])
    def test_names_what_is_allowed(self, methods: list[str], allowed: set[str], method: str) -> None:
        """A path without the method is 405 and names the allowed methods; methods are case-sensitive."""
        for path in ("/a", "/{x}"):
            router = self._router(Route(path=path, handler=handler_of(0), methods=methods))
            assert _allowed(router, method, "/a") == allowed, f"{method} of {path!r}: MethodNotAllowed({allowed})"

    def test_names_what_all_routes_allow(self) -> None:
        """The allowed methods of all routes with the path count, whatever their patterns."""
        router = self._router(_route("/a", "PUT"), _route("/{x}", "POST"), _route("/{x:path}", "PURGE"), _route("/b"))
        assert _allowed(router, "DELETE", "/a") == {"PUT", "POST", "PURGE", "OPTIONS"}, "Allow must name all methods"

    def test_looks_on_for_the_method(self) -> None:
        """A route with the path but another method does not hide a route with both."""
        get, post = _route("/a", "GET"), _route("/{x}", "POST")
        for router in (self._router(get, post), self._router(post, get)):
            assert _found(router, "POST", "/a") is post.handler, "a route for another method hides one for POST"
            assert _found(router, "GET", "/a") is get.handler, "a route for another method hides one for GET"

    def test_options_may_have_a_route_of_its_own(self) -> None:
        """A route for OPTIONS answers like a route for any other method."""
        route = _route("/a", "OPTIONS")
        assert _found(self._router(_route("/a"), route), "OPTIONS", "/a") is route.handler

    def test_asterisk_stands_for_all(self) -> None:
        """RFC 9110, section 9.3.7: ``OPTIONS *`` concerns the server as a whole."""
        router = self._router(_route("/a"), _route("/{x}", "PURGE"))
        expected = {"GET", "HEAD", "OPTIONS", "PURGE"}
        assert _allowed(router, "OPTIONS", "*") == expected, "the path '*' must allow the methods of all routes"

    # -- errors ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("path", ["/", "/a", "/a/{x:int}", "/{x:path}"])
    def test_refuses_the_same_route_twice(self, path: str) -> None:
        """Two routes with the same path and method are an error; the exception has both routes."""
        first, second = _route(path), Route(path=path, handler=handler_of(2), methods=["POST", "GET"])
        with pytest.raises(RouteConflict) as caught:
            self._router(first, second)
        assert (caught.value.first, caught.value.second) == (first, second), "RouteConflict must name both routes"

    def test_refuses_the_same_route_under_other_names(self) -> None:
        """The names of parameters do not make a path different."""
        with pytest.raises(RouteConflict):
            self._router(_route("/{x}/a"), _route("/{y}/a"))

    def test_refuses_a_name_twice(self) -> None:
        """Two routes with one name are an error, because links use the name."""
        with pytest.raises(RouteConflict):
            self._router(
                Route(path="/a", handler=handler_of(1), name="a"), Route(path="/b", handler=handler_of(2), name="a")
            )

    @pytest.mark.parametrize("pattern", BAD_PATTERNS)
    def test_refuses_bad_pattern(self, pattern: str) -> None:
        """A malformed pattern raises ``RouteError`` at startup."""
        with pytest.raises(RouteError):
            self.make_router().add(_route(pattern))

    def test_refuses_routes_once_frozen(self) -> None:
        """A frozen router rejects new routes, because the table must not change while requests are served."""
        router = self._router(_route("/a"))
        with pytest.raises(RouteError):
            router.add(_route("/b"))

    def test_may_be_frozen_twice(self) -> None:
        """A second ``freeze`` changes nothing: an app that is resolved again may use the same router object."""
        route = _route("/a")
        router = self._router(route)
        router.freeze()
        assert _found(router, "GET", "/a") is route.handler

    # -- any input ---------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("path", ["/" * 8000, "/a" * 4000, "/" + "a" * 8000, "/%41" * 2000], ids=len)
    def test_takes_long_paths(self, path: str) -> None:
        """A path of a few thousand bytes is within the limits of the server."""
        router = self._router(_route("/a/{x}"), _route("/{x:int}/{y}/b"), _route("/c/{x:path}/d"))
        assert _allowed(router, "GET", path) is None

    @given(path=st.text(st.characters(codec="ascii") | st.sampled_from("/%{}"), max_size=30))
    @_property
    def test_raises_nothing_but_http_errors(self, path: str) -> None:
        """For any path, the answer is a route, 404 or 405."""
        router = self._router(_route("/{x}"), _route("/a/{x:int}"), _route("/b/{x:path}"))
        for target in (path, "/" + path):
            assert _allowed(router, "DELETE", target) in (None, {"GET", "HEAD", "OPTIONS"})

    @given(case=CASES)
    @_property
    def test_finds_what_the_model_finds(self, case: Case) -> None:
        """Random tables, random paths; each path is matched twice, because the router may cache answers."""
        table, requests = case
        router = self._router(*(route for route, _ in table.rows))
        for method, segments, style in (*requests, *requests):
            self._compare(router, table.find(segments), method, encode(segments, style))

    def _compare(self, router: Router, candidates: list[Found], method: str, path: str) -> None:
        serving = [found for found in candidates if found.serves(method)]
        if not serving:
            allowed = {method for found in candidates for method in found.route.methods}
            implied = ({"OPTIONS"} if allowed else set()) | ({"HEAD"} if "GET" in allowed else set())
            assert (_allowed(router, method, path) or set()) == allowed | implied, f"{method} {path}"
            return
        match = _match(router, method, path)
        assert match is not None, f"{method} {path} is a path of {serving[0].route.describe()}"
        matching = [found for found in serving if found.route.handler is match.handler]
        assert matching, f"{method} {path} was answered by a route that does not have it: {match!r}"
        assert dict(match.path_params) == matching[0].params, f"{method} {path}, by {matching[0].route.describe()}"
        assert matching[0].order == self._preferred(serving, matching[0]).order, (
            f"{method} {path}: {self._preferred(serving, matching[0]).route.describe()} takes precedence over "
            f"{matching[0].route.describe()} for a router that prefers {self.prefers!r}"
        )

    def _preferred(self, serving: list[Found], found: Found) -> Found:
        if self.prefers == "specific":
            return min(serving, key=lambda candidate: candidate.order)
        return serving[0] if self.prefers == "first" else found

    # -- links, if it builds them ------------------------------------------------------------------------------------

    def test_writes_what_it_reads(self) -> None:
        """A path from ``url_for`` leads back to the route and the parameters."""
        route = Route(path="/a b/{x}/{n:int}/{p:path}", handler=handler_of(1), name="link")
        router = self._router(route)
        params: dict[str, object] = {"x": "a/b é", "n": 7, "p": "c/d"}
        url_for: Callable[..., str] | None = getattr(router, "url_for", None)
        if url_for is not None:
            path = url_for("link", **params)
            match = _match(router, "GET", path)
            assert match is not None, f"url_for() gave {path!r}, which leads nowhere"
            assert dict(match.path_params) == params, f"url_for() gave {path!r}, which has other parameters"

    @pytest.mark.parametrize("params", [{}, {"x": ""}, {"x": "a", "y": "b"}], ids=["missing", "unreadable", "unknown"])
    def test_writes_nothing_else(self, params: dict[str, object]) -> None:
        """``url_for`` rejects parameters that could not be read back, and unknown names."""
        router = self._router(Route(path="/{x}", handler=handler_of(1), name="link"))
        url_for: Callable[..., str] | None = getattr(router, "url_for", None)
        for name in ("link", "nothing"):
            if url_for is not None:
                with pytest.raises(RouteError):
                    url_for(name, **params)

    # -- in an app ---------------------------------------------------------------------------------------------------

    def test_serves_an_app(self) -> None:
        """In a whole server, 404, 405 with ``Allow``, OPTIONS and HEAD are answered correctly."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        app = App(router=RouterProvider("tested", lambda setup: self.make_router()))
        app.get("/items/{number:int}")(_show)
        app.post("/items/{number:int}")(_show)
        async with Client(app, raise_exceptions=False) as client:
            _check(await client.get("/items/7"), 200, "7")
            _check(await client.head("/items/7"), 200, "")
            _check(await client.get("/items/x"), 404)
            refused = await client.put("/items/7")
            _check(refused, 405)
            assert refused.headers["allow"] == "GET, HEAD, OPTIONS, POST", "Allow must name all methods, sorted"
            options = await client.options("/items/7")
            _check(options, 204, "")
            assert options.headers["allow"] == "GET, HEAD, OPTIONS, POST"


class _Opaque:
    """A handler that cannot be hashed and is not equal to itself."""

    __hash__ = None  # type: ignore[assignment]  # that is the point

    def __eq__(self, other: object) -> bool:
        return False

    def __call__(self) -> str:
        return ""


async def _show(number: int) -> str:
    return str(number)


def _check(response: ClientResponse, status: int, text: str | None = None) -> None:
    what = f"{response.method} {response.url}"
    assert response.status == status, f"{what} must be answered with {status}, not {response.status}"
    assert text is None or response.text == text, f"{what} must be answered with {text!r}, not {response.text!r}"


def _route(path: str, method: str = "GET") -> Route:
    return Route(path=path, handler=handler_of(0), methods=[method])


def _match(router: Router, method: str, path: str) -> Match | None:
    """Return the match, or None for 404 and 405; any other exception is a fault of the router."""
    try:
        return router.match(method, path)
    except HTTPError:
        return None


def _found(router: Router, method: str, path: str) -> object:
    match = _match(router, method, path)
    return None if match is None else match.handler


def _params(router: Router, path: str) -> Mapping[str, object] | None:
    match = _match(router, "GET", path)
    return None if match is None else dict(match.path_params)


def _allowed(router: Router, method: str, path: str) -> set[str] | None:
    """Return the allowed methods of a path without the method; None if the path is not found."""
    try:
        match = router.match(method, path)
    except MethodNotAllowed as error:
        return set(error.allowed)
    except NotFound:
        return None
    raise AssertionError(f"{method} {path!r:.80} has no route, but {match!r:.200}")
