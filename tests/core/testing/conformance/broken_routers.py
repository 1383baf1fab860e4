"""Routers that are wrong, each in another way."""

from __future__ import annotations

from typing import Literal
from urllib.parse import unquote

import attrs

from turnbuckle import (
    Match,
    MethodNotAllowed,
    NotFound,
    Route,
    RouteConflict,
    RouteError,
    Router,
    SlashRedirect,
    TreeRouter,
)


class Wrapped:
    """The core's router, for subclasses that break it."""

    def __init__(self) -> None:
        self.router = TreeRouter()

    def add(self, route: Route, /) -> None:
        self.router.add(route)

    def freeze(self) -> None:
        self.router.freeze()

    def match(self, method: str, path: str, /) -> Match:
        return self.router.match(method, path)


class Sound(Wrapped):
    """Nothing is wrong with this one; it does not build paths."""


class TakesTheFirstOfTwo(Wrapped):
    def add(self, route: Route, /) -> None:
        try:
            self.router.add(route)
        except RouteConflict:
            return


class ForgetsHead(Wrapped):
    def match(self, method: str, path: str, /) -> Match:
        match = self.router.match(method, path)
        if method == "HEAD" and match.route is not None and "HEAD" not in match.route.methods:
            raise MethodNotAllowed(match.route.methods)
        return match


class ForgetsOptions(Wrapped):
    def match(self, method: str, path: str, /) -> Match:
        try:
            return self.router.match(method, path)
        except MethodNotAllowed as error:
            raise MethodNotAllowed(set(error.allowed) - {"OPTIONS"}) from error


class AnswersMissesWith404(Wrapped):
    def match(self, method: str, path: str, /) -> Match:
        try:
            return self.router.match(method, path)
        except MethodNotAllowed as error:
            raise NotFound from error


class DecodesFirst(Wrapped):
    def match(self, method: str, path: str, /) -> Match:
        return self.router.match(method, unquote(path, errors="replace"))


class HasNoCase(Wrapped):
    def match(self, method: str, path: str, /) -> Match:
        return self.router.match(method.upper(), path)


class WrapsHandlers(Wrapped):
    def add(self, route: Route, /) -> None:
        self.router.add(attrs.evolve(route, handler=lambda request: route.handler(request)))  # noqa: PLW0108  # the mistake


class SharesParameters(Wrapped):
    def __init__(self) -> None:
        super().__init__()
        self.params: dict[str, object] = {}

    def match(self, method: str, path: str, /) -> Match:
        match = self.router.match(method, path)
        self.params.clear()
        self.params.update(match.path_params)
        return attrs.evolve(match, path_params=self.params)


class SharesRoutes(Wrapped):
    everywhere: list[Route] = []  # noqa: RUF012  # the mistake

    def add(self, route: Route, /) -> None:
        self.everywhere.append(route)

    def freeze(self) -> None:
        for route in self.everywhere:
            if route not in self.router.routes:
                try:
                    self.router.add(route)
                except RouteError:
                    continue
        super().freeze()


class LeavesTextAsItIs(Wrapped):
    def match(self, method: str, path: str, /) -> Match:
        match = self.router.match(method, path)
        return attrs.evolve(match, path_params={name: str(value) for name, value in match.path_params.items()})


class FailsOnEscapes(Wrapped):
    def match(self, method: str, path: str, /) -> Match:
        path.encode("ascii")
        unquote(path, errors="strict")
        for number in range(len(path)):
            if path[number] == "%":
                int(path[number + 1 : number + 3], 16)
        return self.router.match(method, path)


class MergesSlashes(Wrapped):
    def match(self, method: str, path: str, /) -> Match:
        while "//" in path:
            path = path.replace("//", "/")
        return self.router.match(method, path)


class Grows(Wrapped):
    def add(self, route: Route, /) -> None:
        try:
            self.router.add(route)
        except RouteError as error:
            if "is frozen" not in str(error):
                raise


class Remembers(Wrapped):
    """Caches matches by path, and ignores the method."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Match] = {}

    def match(self, method: str, path: str, /) -> Match:
        if path not in self.seen:
            self.seen[path] = self.router.match(method, path)
        return self.seen[path]


class TriesInReverse:
    """Looks at the last route first, and stops at the path, whatever the method."""

    def __init__(self) -> None:
        self.routers: list[Router] = []
        self.whole = TreeRouter()

    def add(self, route: Route, /) -> None:
        self.whole.add(route)
        router = TreeRouter()
        router.add(route)
        router.freeze()
        self.routers.insert(0, router)

    def freeze(self) -> None:
        self.whole.freeze()

    def match(self, method: str, path: str, /) -> Match:
        for router in self.routers:
            try:
                return router.match(method, path)
            except MethodNotAllowed:
                raise
            except NotFound:
                continue
        raise NotFound


class RedirectsWithoutEscapes(Wrapped):
    """Has policies for the trailing slash, and loses the percent-encoding."""

    def __init__(self, policy: Literal["strict", "redirect", "ignore"] = "strict") -> None:
        super().__init__()
        self.router = TreeRouter(policy)

    def match(self, method: str, path: str, /) -> Match:
        try:
            return super().match(method, path)
        except SlashRedirect as redirect:
            redirect.__dict__["path"] = unquote(redirect.path)
            raise


class AlwaysRedirects(RedirectsWithoutEscapes):
    """Sends clients to the other form, whether or not it has a route, and whatever the policy."""

    def match(self, method: str, path: str, /) -> Match:
        try:
            return self.router.match(method, path)
        except MethodNotAllowed:
            raise
        except NotFound as error:
            raise SlashRedirect(path[:-1] if path.endswith("/") else path + "/") from error


class FreezesOnce(Wrapped):
    def freeze(self) -> None:
        if self.router._is_frozen:
            raise RuntimeError("frozen already")
        super().freeze()


class LosesRoutes(Wrapped):
    """Drops all routes after the first 250."""

    def add(self, route: Route, /) -> None:
        if len(self.router.routes) < 250:
            super().add(route)


class WritesWithoutEscapes(Wrapped):
    def url_for(self, name: str, /, **params: object) -> str:
        return unquote(self.router.url_for(name, **params))
