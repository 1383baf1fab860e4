"""The argument of a handler: one request, whose parts are computed on first use (RFC 9110, section 3.4).

A request is created for every message, so creating one only stores references. A request does no I/O: it reads content
from a ``ContentSource``, and a ``Peer`` describes its connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, final

import attrs

from turnbuckle.errors import ContentTooLarge, HTTPError, UnsupportedMediaType
from turnbuckle.http.events import RequestHead
from turnbuckle.web.content.charsets import decode_text
from turnbuckle.web.content.content import NO_CONTENT, ContentReader, ContentSource, decode_json
from turnbuckle.web.content.forms import FormData, FormLimits, read_form
from turnbuckle.web.foreign_names import REQUEST_NAMES, add_foreign_names
from turnbuckle.web.headers import Headers
from turnbuckle.web.media_type import MediaType, parse_media_type
from turnbuckle.web.multidict import QueryParams, parse_urlencoded
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.context import AppContext, ServerExchange, config_of
from turnbuckle.web.request.request_id import set_request_id
from turnbuckle.web.request.state import State
from turnbuckle.web.request.sync import SyncContent
from turnbuckle.web.request.target import COMMON_METHODS, Target, decode_path_lossy, parse_target, url_of_host
from turnbuckle.web.resources import Resources
from turnbuckle.web.response.cookies import parse_cookies
from turnbuckle.web.tls import ClientCertificate, TLSInfo

if TYPE_CHECKING:
    from turnbuckle.diagnostics import ResourceKey
    from turnbuckle.routing.records import Route
    from turnbuckle.web.response.response import Response

__all__ = ["Request", "UrlBuilder"]

T = TypeVar("T")

UrlBuilder: TypeAlias = Callable[..., str]
"""``url_builder(name, **path_params)`` returns the path of a named route."""

_NO_PARAMS: Final[Mapping[str, object]] = MappingProxyType({})
_NO_APP: Final = AppContext(Resources())


@final
class Request:
    """One request.

    Args:
        head: request line and header section, as parsed.
        content: the source of the content; None if there is none.
        peer: the connection that the request was received on.
        app: the parts of the application that the request uses.

    Attributes:
        head, peer: see above.
        exchange: the server's record of the request; None unless the server keeps one that routes may change.
        path_params: converted path parameters by name; set once a route is found.
        route: the route that was found, or None.
        exception: the exception that was raised for this request, or None; for middleware that sees only a response.
        url_builder: builds the paths of named routes; set before a route is looked up.
        steps: the middleware chains of the scopes, then the endpoint; set once a route in a scope is found.
    """

    __slots__ = (
        "__weakref__",
        "_app",
        "_content_source",
        "_cookies",
        "_form",
        "_headers",
        "_id",
        "_json_limit",
        "_media_type",
        "_query_params",
        "_raw_path",
        "_reader",
        "_state",
        "_sync",
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
        self._raw_path: str | None = None
        self._target: Target | None = None
        self._headers: Headers | None = None
        self._query_params: QueryParams | None = None
        self._cookies: Mapping[str, str] | None = None
        self._media_type: MediaType | None = None
        self._reader: ContentReader | None = None
        self._json_limit: int | None = None
        self._form: FormData | None = None
        self._state: State | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"

    def __str__(self) -> str:
        # This text appears in messages and logs. The query is omitted because it may contain secrets.
        return f"{self.method} {self.raw_path}"

    @property
    def id(self) -> str:
        """The id of the request in logs; "" until it is set, for example by the plugin ``request_id``.

        Setting it also sets the id for all log records made while the request is served; see ``RequestIdFilter``.
        """
        # Most requests have no id. Initializing the slot would cost time on every request.
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
            return COMMON_METHODS[method]
        except KeyError:
            return method.decode("latin-1")

    @property
    def target(self) -> str:
        """Return the request target as received."""
        return self.head.target.decode("latin-1")

    @property
    def raw_path(self) -> str:
        """Return the path as received: percent-encoded, without the query."""
        raw_path = self._raw_path
        if raw_path is None:
            target = self.head.target
            if target[:1] == b"/":
                # Nearly all targets have this form, and few requests need another part of theirs.
                raw_path = self._raw_path = target.partition(b"?")[0].decode("latin-1")
            else:
                raw_path = self._raw_path = (self._target or self._parse_target()).raw_path
        return raw_path

    @property
    def path(self) -> str:
        """Return the decoded path; bytes that are not UTF-8 are replaced by U+FFFD."""
        return decode_path_lossy(self.raw_path)

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
        # RFC 9110, section 7.4: a request for an https resource must not be served over an unsecured connection.
        if self.head.target[:6].lower() == b"https:" and self.peer.scheme != "https":
            raise HTTPError(421)

    @property
    def query_params(self) -> QueryParams:
        """Return the parameters of the query.

        Raises:
            BadRequest: there are more than 1000 parameters.
        """
        params = self._query_params
        if params is None:
            params = self._query_params = QueryParams(parse_urlencoded(self.query))
        return params

    @property
    def headers(self) -> Headers:
        """Return the header fields. Host is replaced by the authority of the target, if the target has one."""
        headers = self._headers
        if headers is None:
            headers = self._headers = Headers(self.head.fields)
            if not self.head.target.startswith(b"/"):
                headers = self._headers = self._headers_with_authority()
        return headers

    def _headers_with_authority(self) -> Headers:
        # RFC 9112, section 3.2.2: the Host field is ignored if the target has an authority. Code that reads the field
        # must see the host that middleware has checked.
        fields = self.head.fields
        authority = (self._target or self._parse_target()).authority
        if not authority:
            return Headers(fields)
        return Headers([(b"host", authority.encode("latin-1")), *(field for field in fields if field[0] != b"host")])

    @property
    def cookies(self) -> Mapping[str, str]:
        """Return the cookies by name. If two cookies have the same name, the first is used: its path is more specific.

        Raises:
            BadRequest: there are more than 1000 cookies.
        """
        cookies = self._cookies
        if cookies is None:
            cookies = self._cookies = MappingProxyType(parse_cookies(self.headers.get_list("cookie")))
        return cookies

    @property
    def state(self) -> State:
        """Return the values that middleware and handlers share during this request."""
        state = self._state
        if state is None:
            state = self._state = State()
        return state

    @property
    def client(self) -> tuple[str, int] | None:
        """Return address and port of the client, or None if it has none, for example on a Unix socket."""
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
        """Return how the connection is secured; None if it does not use TLS, or if a proxy ended TLS."""
        return self.peer.tls

    @property
    def client_certificate(self) -> ClientCertificate | None:
        """Return the verified certificate of the client, or None if it sent none."""
        tls = self.peer.tls
        return tls.client_certificate if tls is not None else None

    @property
    def host(self) -> str:
        """Return host and port that the client requested; ``""`` if the request has none, which HTTP/1.0 allows.

        A host from a trusted proxy takes precedence (``take_forwarded``). It is followed by the authority of an
        absolute-form target, and then by the Host field (RFC 9112, section 3.2.2).
        """
        return self.peer.host or (self._target or self._parse_target()).authority or self.headers.get("host", "")

    @property
    def prefix(self) -> str:
        """Return the prefix that a trusted proxy removed from the path, such as ``"/shop"``; ``""`` for none."""
        return self.peer.prefix

    def take_forwarded(
        self, *, client: tuple[str, int] | None, scheme: str = "", host: str = "", prefix: str = ""
    ) -> None:
        """Replace facts about the connection by the facts that a trusted proxy forwarded, for this request only.

        This is for middleware in the zone ``edge``, which must have verified that the proxy is trusted and that the
        values are well-formed.

        Args:
            client: address and port of the client; None if they are unknown.
            scheme: ``"http"`` or ``"https"``; "" to leave it unchanged.
            host: host and port that the client requested; "" to leave them unchanged.
            prefix: the prefix that the proxy removed from the path; "" to leave it unchanged.
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
        """Return the URI that the client requested, as far as it is known (RFC 9110, section 7.1)."""
        target = self._target or self._parse_target()
        path = "" if target.raw_path == "*" else target.raw_path
        return f"{self.scheme}://{self.host}{self.with_prefix(path, target.query)}"

    @property
    def media_type(self) -> MediaType:
        """Return the Content-Type with its parameters; its ``essence`` is ``""`` if there is none, or more than one."""
        media_type = self._media_type
        if media_type is None:
            media_type = self._media_type = parse_media_type(", ".join(self.headers.get_list("content-type")))
        return media_type

    @property
    def content_type(self) -> str:
        """Return the media type of the content in lower case, without parameters; ``""`` if there is none."""
        return self.media_type.essence

    @property
    def content_length(self) -> int | None:
        """Return the number of bytes of content, or None if it is only known at the end of the content."""
        return self.head.content_length

    @property
    def content_limit(self) -> int:
        """The maximum number of bytes of content; more are answered with 413. It may be set until reading begins."""
        return (self._content_source or NO_CONTENT).limit

    @content_limit.setter
    def content_limit(self, limit: int) -> None:
        if self._content_source is not None:
            self._content_source.limit = limit

    @property
    def json_limit(self) -> int:
        """The maximum number of bytes of JSON content; more are answered with 413. It may be set until it is read."""
        limit = self._json_limit
        return self._app.json_limit if limit is None else limit

    @json_limit.setter
    def json_limit(self, limit: int) -> None:
        self._json_limit = limit

    async def read(self) -> bytes:
        """Return the complete content. It is stored, so this method may be called again.

        Raises:
            ContentTooLarge: the content exceeds the limit.
            ConnectionLost: the client disconnected before the end of the content.
            RuntimeError: the content was streamed.
        """
        reader = self._content_reader()
        content = reader.received()
        return await reader.read() if content is None else content

    async def text(self) -> str:
        """Return the content as text, decoded with the charset of its Content-Type, or else as UTF-8.

        Raises:
            BadRequest: the charset is unknown, or the content is not valid in it.
        """
        return decode_text(await self.read(), self.media_type.charset or "utf-8")

    async def json(self) -> object:
        """Return the content decoded as JSON.

        A request from a web page has an ``Origin`` field, and must then have a JSON media type. Browsers let any page
        send plain text to any site together with the site's cookies, but ask the site for permission before they send
        ``application/json`` (Fetch, section 3.2). A request without ``Origin`` may have any media type.

        Raises:
            BadRequest: the content is not JSON.
            ContentTooLarge: the content exceeds ``json_limit``, or the limit on content.
            UnsupportedMediaType: the request has an ``Origin`` field, and its Content-Type is not a JSON type.
        """
        lines = self.head.lines
        # A look at the lines costs less than at the fields; hardly any program that sends JSON sends the field.
        is_possible = not lines or b"origin:" in lines.lower()
        if is_possible and "origin" in self.headers and not self.media_type.is_json:
            raise UnsupportedMediaType("send JSON as application/json")
        limit = self.json_limit
        content = self._content_reader().received()
        if content is None:
            source = self._content_source
            if source is not None and source.limit > limit:
                # The smaller limit applies while the content arrives, so that it is not stored beyond the limit.
                source.limit = limit
            content = await self._content_reader().read()
        if len(content) > limit:
            raise ContentTooLarge(f"JSON of {len(content)} bytes exceeds {limit}")
        return decode_json(content, self._app.json)

    async def form(self, limits: FormLimits | None = None) -> FormData:
        """Return the fields and files of a form. A file exists while the form or the file object is referenced.

        Raises:
            BadRequest: the form is malformed, or has more fields or files than the limits allow.
            ContentTooLarge: the text of the form exceeds the limit.
            UnsupportedMediaType: the content is not a form, or it is multipart and the extra ``forms`` is missing.
        """
        if self._form is None:
            self._form = await read_form(self, limits or FormLimits())
        return self._form

    def stream(self) -> AsyncIterator[bytes]:
        """Return an iterator over the content as it arrives. The content can be streamed once.

        Raises:
            RuntimeError: the content was streamed already; raised by the first step of the iterator.
        """
        return self._content_reader().stream()

    @property
    def sync(self) -> SyncContent:
        """The methods for content without ``await``, for a plain ``def`` handler, which runs in a thread."""
        # Few requests use it. Initializing the slot would cost time on every request.
        sync = getattr(self, "_sync", None)
        if sync is None:
            sync = self._sync = SyncContent(self, self._app.loop)
        return sync

    def _content_reader(self) -> ContentReader:
        reader = self._reader
        if reader is None:
            reader = self._reader = ContentReader(self._content_source or NO_CONTENT)
        return reader

    @property
    def trailers(self) -> Headers:
        """Return the trailer fields. They are complete once all content was read."""
        return Headers((self._content_source or NO_CONTENT).trailers)

    @property
    def is_disconnected(self) -> bool:
        """Return whether the client is known to have disconnected."""
        return self.peer.lost.is_set()

    async def disconnected(self) -> None:
        """Wait until the client has disconnected."""
        await self.peer.lost.wait()

    @property
    def is_stopping(self) -> bool:
        """Return whether the server has begun to stop."""
        return self._app.stopping.is_set()

    async def stopping(self) -> None:
        """Wait until the server begins to stop or to reload.

        A stream without an end should then end. It is aborted ``timeouts.stream_shutdown`` seconds later.
        """
        await self._app.stopping.wait()

    def with_prefix(self, path: str, query: str = "") -> str:
        """Return a path of the app as clients must request it: after ``prefix``, with a query if there is one.

        Every URL that leads into the app is made here, such as the path of a named route or the target of a redirect.

        Args:
            path: percent-encoded, with its leading slash.
            query: percent-encoded, without the question mark.
        """
        return f"{self.prefix}{path}?{query}" if query else self.prefix + path

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of a named route, after ``prefix``; for a route with a host, the whole URL.

        Raises:
            LookupError: there is no route of that name, or the request does not belong to an app.
        """
        if self.url_builder is None:
            raise LookupError(f"no app to look up the route {name!r} in")
        path = self.url_builder(name, **params)
        base = f"{self.scheme}://{self.host}{self.prefix}" if path.startswith("//") else ""
        return url_of_host(path, base) if base else self.with_prefix(path)

    def config(self, cls: type[T]) -> T:
        """Return the app's own settings, from the section ``app``.

        Args:
            cls: the class in ``App(config=...)``.

        Raises:
            LookupError: the app has no settings of this class.
        """
        return config_of(self._app.config, cls)

    def resource(self, key: ResourceKey[T]) -> T:
        """Return the resource that a lifespan of the app, or of the scope of the route, provides for a key.

        Raises:
            ResourceUnavailable: no lifespan there provides the key, or the lifespan is not active.
        """
        origin = self.route.origin if self.route is not None else None
        return self._app.resources.get(key, origin.scope if origin is not None else "")


add_foreign_names(Request, REQUEST_NAMES)
