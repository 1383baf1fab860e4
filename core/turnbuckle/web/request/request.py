"""What a handler is given: one request, each part of it worked out when it is first asked for (RFC 9110, section 3.4).

A request is made for every message that arrives, so making one only stores references. It owns no I/O: content comes
through a ``ContentSource``, the connection is seen through a ``Peer``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar, final

import attrs

from turnbuckle.errors import HTTPError, UnsupportedMediaType
from turnbuckle.http.events import RequestHead
from turnbuckle.web.content.content import NO_CONTENT, ContentReader, ContentSource, decode_json, decode_text
from turnbuckle.web.content.forms import FormData, FormLimits, read_form
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec
from turnbuckle.web.headers import Headers
from turnbuckle.web.media_type import MediaType, parse_media_type
from turnbuckle.web.multidict import QueryParams, parse_urlencoded
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request_id import set_request_id
from turnbuckle.web.request.state import State
from turnbuckle.web.request.target import Target, parse_target
from turnbuckle.web.resources import Resources
from turnbuckle.web.response.cookies import parse_cookies
from turnbuckle.web.tls import ClientCertificate, TLSInfo

if TYPE_CHECKING:
    from turnbuckle.diagnostics import ResourceKey
    from turnbuckle.routing.records import Route
    from turnbuckle.web.response.response import Response

__all__ = ["AppContext", "Request", "ServerExchange", "UrlBuilder"]

T = TypeVar("T")

UrlBuilder: TypeAlias = Callable[..., str]
"""``url_builder(name, **path_params)`` returns the path of a named route."""

_NO_PARAMS: Final[Mapping[str, object]] = MappingProxyType({})
_COMMON_METHODS: Final[Mapping[bytes, str]] = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
}


class ServerExchange(Protocol):
    """The server's record of a request and its response."""

    @property
    def use_timeouts(self) -> Callable[..., None]:
        """Replaces the request's deadlines by the given ``Timeouts``."""


@final
class AppContext:
    """The parts of an application that its requests use.

    Attributes:
        resources: the values that lifespans provide.
        json: decodes JSON content.
    """

    __slots__ = ("json", "resources")

    def __init__(self, resources: Resources, json: JSONCodec = STANDARD_JSON) -> None:
        self.resources: Final = resources
        self.json: Final = json


_NO_APP: Final = AppContext(Resources())


@final
class Request:
    """One request.

    Args:
        head: request line and header section, as parsed.
        content: where content comes from; None if there is none.
        peer: the connection it arrived on.
        app: the parts of the application that the request uses.

    Attributes:
        head: see above.
        peer: see above.
        exchange: the server's record of the request; None unless the server keeps one that routes may change.
        path_params: converted path parameters by name; set once a route is found.
        route: the route that was found, or None.
        exception: what a handler raised, once it did, for middleware that asks what is behind an error response.
        url_builder: makes the paths of named routes; set once a route is looked for.
        steps: the chains of its scopes, and then the endpoint; set once a route in a scope is found.
    """

    __slots__ = (
        "__weakref__",
        "_app",
        "_content_source",
        "_cookies",
        "_form",
        "_headers",
        "_id",
        "_media_type",
        "_query_params",
        "_reader",
        "_state",
        "_target",
        "exception",
        "exchange",
        "head",
        "path_params",
        "peer",
        "route",
        "steps",
        "url_builder",
    )

    def __init__(self, head: RequestHead, content: ContentSource | None, peer: Peer, app: AppContext = _NO_APP) -> None:
        self.head = head
        self._content_source = content
        self.peer = peer
        self._app = app
        self.exchange: ServerExchange | None = None
        self.path_params = _NO_PARAMS
        self.route: Route | None = None
        self.exception: BaseException | None = None
        self.url_builder: UrlBuilder | None = None
        self.steps: Sequence[Callable[[Request], Awaitable[Response]]] = ()
        self._target: Target | None = None
        self._headers: Headers | None = None
        self._query_params: QueryParams | None = None
        self._cookies: Mapping[str, str] | None = None
        self._media_type: MediaType | None = None
        self._reader: ContentReader | None = None
        self._form: FormData | None = None
        self._state: State | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"

    def __str__(self) -> str:
        # What stands in messages, and so in logs: a query may hold secrets.
        return f"{self.method} {self.raw_path}"

    @property
    def id(self) -> str:
        """What the request is called in logs; "" until something names it, as the plugin ``request_id`` does.

        Setting it names it for all that is logged while the request is served, as ``RequestIdFilter`` shows.
        """
        # A slot that every request filled would be paid for by every request.
        return getattr(self, "_id", "")

    @id.setter
    def id(self, value: str) -> None:
        self._id = value
        set_request_id(value)

    @property
    def method(self) -> str:
        """Return the method as received, for example ``"GET"``; methods are case-sensitive."""
        method = self.head.method
        try:
            return _COMMON_METHODS[method]
        except KeyError:
            return method.decode("latin-1")

    @property
    def target(self) -> str:
        """Return the request target as received."""
        return self.head.target.decode("latin-1")

    @property
    def raw_path(self) -> str:
        """Return the path as received: percent-encoded, without the query."""
        target = self._target
        if target is None:
            target = self._target = parse_target(self.head.target)
            if target.authority:
                self._check_scheme()
        return target.raw_path

    @property
    def path(self) -> str:
        """Return the decoded path; replacement characters stand for what is not UTF-8."""
        return (self._target or self._parse_target()).path

    @property
    def query(self) -> str:
        """Return the query as received: percent-encoded, without the question mark."""
        return (self._target or self._parse_target()).query

    def _parse_target(self) -> Target:
        target = self._target = parse_target(self.head.target)
        if target.authority:
            self._check_scheme()
        return target

    def _check_scheme(self) -> None:
        # Section 7.4 of RFC 9110: what is to be had over TLS alone is not given away without it.
        if self.head.target[:6].lower() == b"https:" and self.peer.scheme != "https":
            raise HTTPError(421)

    @property
    def query_params(self) -> QueryParams:
        """Return the parameters of the query.

        Raises:
            BadRequest: there are more than 1000.
        """
        params = self._query_params
        if params is None:
            params = self._query_params = QueryParams(parse_urlencoded(self.query))
        return params

    @property
    def headers(self) -> Headers:
        """Return the header fields."""
        headers = self._headers
        if headers is None:
            headers = self._headers = Headers(self.head.fields)
        return headers

    @property
    def cookies(self) -> Mapping[str, str]:
        """Return the cookies by name; of two with one name the first, which is the more specific one.

        Raises:
            BadRequest: there are more than 1000.
        """
        cookies = self._cookies
        if cookies is None:
            cookies = self._cookies = MappingProxyType(parse_cookies(self.headers.get_list("cookie")))
        return cookies

    @property
    def state(self) -> State:
        """Return the place where middleware and handlers leave things for each other."""
        state = self._state
        if state is None:
            state = self._state = State()
        return state

    @property
    def client(self) -> tuple[str, int] | None:
        """Return address and port of the client, or None where there is no such thing."""
        return self.peer.client

    @property
    def server(self) -> tuple[str, int] | str | None:
        """Return address and port, or the Unix socket, that the connection was accepted on."""
        return self.peer.server

    @property
    def scheme(self) -> str:
        """Return ``"http"`` or ``"https"``."""
        return self.peer.scheme

    @property
    def tls(self) -> TLSInfo | None:
        """Return how the connection is secured; None if it is not, or if that is the affair of a proxy."""
        return self.peer.tls

    @property
    def client_certificate(self) -> ClientCertificate | None:
        """Return the certificate that the client has shown and that was checked; None if there is none."""
        tls = self.peer.tls
        return tls.client_certificate if tls is not None else None

    @property
    def host(self) -> str:
        """Return host and port that the client asked for; ``""`` if it named none, as HTTP/1.0 allows.

        What a trusted proxy told goes first (``take_forwarded``).

        The authority of an absolute-form target goes before the Host field (RFC 9112, section 3.2.2).
        """
        return self.peer.host or (self._target or self._parse_target()).authority or self.headers.get("host", "")

    @property
    def prefix(self) -> str:
        """Return what a trusted proxy has cut off the path, such as ``"/shop"``; ``""`` for nothing."""
        return self.peer.prefix

    def take_forwarded(
        self, *, client: tuple[str, int] | None, scheme: str = "", host: str = "", prefix: str = ""
    ) -> None:
        """Believe a proxy: what it tells takes the place of what the connection does, for this request alone.

        It is for middleware at the edge, which has made sure that the proxy is trusted and what it tells well-formed.

        Args:
            client: address and port of the client; None if that is unknown.
            scheme: ``"http"`` or ``"https"``; "" leaves it as it is.
            host: host and port that the client asked for; "" leaves it as it is.
            prefix: what the proxy has cut off the path; "" leaves it as it is.
        """
        peer = self.peer
        self.peer = attrs.evolve(
            peer,
            client=client,
            scheme=scheme or peer.scheme,
            host=host or peer.host,
            prefix=prefix or peer.prefix,
        )

    @property
    def url(self) -> str:
        """Return the URI that the client asked for, as far as it is known (RFC 9110, section 7.1)."""
        target = self._target or self._parse_target()
        path = "" if target.raw_path == "*" else target.raw_path
        return f"{self.scheme}://{self.host}{self.prefix}{path}{'?' if target.query else ''}{target.query}"

    @property
    def media_type(self) -> MediaType:
        """Return the Content-Type with its parameters; its ``essence`` is ``""`` if there is none."""
        media_type = self._media_type
        if media_type is None:
            media_type = self._media_type = parse_media_type(self.headers.get("content-type", ""))
        return media_type

    @property
    def content_type(self) -> str:
        """Return the media type of the content in lower case, without parameters; ``""`` if there is none."""
        return self.media_type.essence

    @property
    def content_length(self) -> int | None:
        """Return the octets of content, or None if that is only known at its end."""
        return self.head.content_length

    @property
    def content_limit(self) -> int:
        """How many octets of content are read before 413 is the answer; may be set until reading begins."""
        return (self._content_source or NO_CONTENT).limit

    @content_limit.setter
    def content_limit(self, limit: int) -> None:
        if self._content_source is not None:
            self._content_source.limit = limit

    async def read(self) -> bytes:
        """Return the whole content; it is kept, so it may be asked for again.

        Raises:
            ContentTooLarge: it exceeds the limit.
            ConnectionLost: the client went away before its end.
            RuntimeError: it was streamed.
        """
        return await self._content_reader().read()

    async def text(self) -> str:
        """Return the content as text, in the charset of its Content-Type or else UTF-8.

        Raises:
            BadRequest: the charset is unknown, or the content is not in it.
        """
        return decode_text(await self.read(), self.media_type.charset or "utf-8")

    async def json(self) -> object:
        """Return the content decoded as JSON.

        A request that a page made has to say that it is JSON. Browsers let any page send text to any site, with the
        cookies that the site has set there, but ask the site before they send ``application/json`` (Fetch, section
        3.2). Of a client that sends no ``Origin``, and is no such browser, the content is taken whatever its type.

        Raises:
            BadRequest: it is not JSON.
            UnsupportedMediaType: it came from a page, and its Content-Type is not that of JSON.
        """
        if "origin" in self.headers and not self.media_type.is_json:
            raise UnsupportedMediaType("send JSON as application/json")
        return decode_json(await self.read(), self._app.json)

    async def form(self, limits: FormLimits | None = None) -> FormData:
        """Return the fields and files of a form; files are kept while something refers to the form or to them.

        Raises:
            BadRequest: the form is malformed, or has more fields than the limits allow.
            ContentTooLarge: it holds more than the limits allow.
            UnsupportedMediaType: the content is no form, or it is multipart and the extra ``forms`` is not installed.
        """
        if self._form is None:
            self._form = await read_form(self, limits or FormLimits())
        return self._form

    def stream(self) -> AsyncIterator[bytes]:
        """Return an iterator over the content as it arrives; it can be had once.

        Raises:
            RuntimeError: on the first step, if the content was streamed already.
        """
        return self._content_reader().stream()

    def _content_reader(self) -> ContentReader:
        reader = self._reader
        if reader is None:
            reader = self._reader = ContentReader(self._content_source or NO_CONTENT)
        return reader

    @property
    def trailers(self) -> Headers:
        """Return the trailer fields; they are complete once all content was read."""
        return Headers((self._content_source or NO_CONTENT).trailers)

    @property
    def is_disconnected(self) -> bool:
        """Return whether the client is known to have gone."""
        return self.peer.lost.is_set()

    async def disconnected(self) -> None:
        """Return once the client has gone."""
        await self.peer.lost.wait()

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route, behind ``prefix``.

        Raises:
            LookupError: there is no such route, or no app that could know.
        """
        if self.url_builder is None:
            raise LookupError(f"no app to ask for the route {name!r}")
        return self.prefix + self.url_builder(name, **params)

    def resource(self, key: ResourceKey[T]) -> T:
        """Return what a lifespan of the app, or of the scope that the route is in, provides under a key.

        Raises:
            ResourceUnavailable: nothing provides it there, or what does is not entered.
        """
        origin = self.route.origin if self.route is not None else None
        return self._app.resources.get(key, origin.scope if origin is not None else "")
