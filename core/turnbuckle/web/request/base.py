"""The parts of a request that follow from its head and its connection: target, fields and both ends.

Each part is computed on first use. ``Request`` adds the content and the parts of the application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import attrs

from turnbuckle.errors import HTTPError
from turnbuckle.http.events import RequestHead
from turnbuckle.web.conditional.preconditions import check_preconditions
from turnbuckle.web.content.codecs import JSON_TYPE
from turnbuckle.web.headers import Headers, check_links
from turnbuckle.web.multidict import QueryParams, parse_urlencoded
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request_id import set_request_id
from turnbuckle.web.request.session import Session
from turnbuckle.web.request.state import State
from turnbuckle.web.request.target import COMMON_METHODS, Target, decode_path_lossy, parse_target
from turnbuckle.web.response.cookies import parse_cookies
from turnbuckle.web.tls import ClientCertificate, TLSInfo

__all__ = ["BaseRequest"]

_NO_SESSION: Final = (
    "this request has no session: enable the plugin 'sessions' with App(plugins=[\"sessions\"]); its middleware must"
    " enclose the code that uses the session"
)


class BaseRequest:
    """A request without its content.

    It has no constructor: ``Request`` sets the attributes of all its bases, because a call for each base would cost
    time on every request.
    """

    __slots__ = (
        "__weakref__",
        "_cookies",
        "_headers",
        "_id",
        "_query_params",
        "_raw_path",
        "_session",
        "_state",
        "_target",
        "head",
        "peer",
    )

    head: RequestHead
    peer: Peer
    _raw_path: str | None
    _target: Target | None
    _headers: Headers | None
    _query_params: QueryParams | None
    _cookies: Mapping[str, str] | None
    _session: Session
    _state: State | None

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
        target = self.head.target
        if target[:1] == b"/":
            return target.partition(b"?")[2].decode("latin-1")
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
    def last_event_id(self) -> str:
        """Return the id of the last server-sent event that the client has received; "" for none.

        A browser sends the field ``Last-Event-ID`` when it reconnects, in UTF-8. The client chooses the value.
        """
        return self.headers.get("last-event-id", "").encode("latin-1").decode("utf-8", "replace")

    @property
    def state(self) -> State:
        """Return the values that middleware and handlers share during this request."""
        state = self._state
        if state is None:
            state = self._state = State()
        return state

    @property
    def session(self) -> Session:
        """The values of the client that last from request to request; middleware such as ``sessions`` sets them.

        Raises:
            AttributeError: no middleware has set a session for this request.
        """
        try:
            return self._session
        except AttributeError:
            raise AttributeError(_NO_SESSION, name="session", obj=self) from None

    @session.setter
    def session(self, session: Session) -> None:
        self._session = session

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
    def http_version(self) -> str:
        """Return the version of HTTP that the client used: ``"1.0"``, ``"1.1"``, ``"2"`` or ``"3"``."""
        protocol = self.peer.protocol
        return f"1.{self.head.minor_version}" if protocol == "HTTP/1.1" else protocol.partition("/")[2]

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
        # The Host among ``headers`` is the authority of the target, if the target has one.
        return self.peer.host or self.headers.get("host", "")

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

    async def early_hints(self, links: Iterable[str]) -> bool:
        """Send 103, so that a browser fetches these resources while the response is made (RFC 8297).

        Args:
            links: the values of ``Link`` fields, such as ``"</style.css>; rel=preload; as=style"`` (RFC 8288).

        Returns:
            Whether they were sent; they are not to an HTTP/1.0 client, which would take them for the response, and not
            if the client is gone or reads too slowly.

        Raises:
            ValueError: a link cannot be sent.
            RuntimeError: the head of the response was sent.
        """
        exchange = self.peer.exchange
        return exchange is not None and exchange.send_early_hints(self.head, check_links(links))

    @property
    def is_disconnected(self) -> bool:
        """Return whether the client is known to have disconnected."""
        return self.peer.lost.is_set()

    async def disconnected(self) -> None:
        """Wait until the client has disconnected."""
        await self.peer.lost.wait()

    def check_preconditions(
        self,
        *,
        etag: str | int | None = None,
        last_modified: datetime | None = None,
        exists: bool = True,
        required: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Compare the preconditions of the request with the present state of its resource (RFC 9110, section 13.2.2).

        A handler that changes the resource calls this before it does, so that no client overwrites changes of another
        one. A handler that only reads may call it before it makes an expensive response; otherwise, the server compares
        the ETag and Last-Modified of the response itself.

        Args:
            etag: the value that ``response.etag()`` gets for the present state.
            last_modified: when it was last changed.
            exists: whether the resource exists; for ``If-None-Match: *``, which creates but never replaces.
            required: whether a request that changes an existing resource must have ``If-Match``, or
                ``If-Unmodified-Since`` if there is no ETag.
            headers: fields of a 304: ``Cache-Control``, ``Content-Location``, ``Expires`` and ``Vary``, if the response
                would have them.

        Raises:
            PreconditionFailed: 412, the state is not the one that the client knows.
            NotModified: 304, the client has the present state already; for GET and HEAD.
            HTTPError: 428, the request has no precondition, and ``required`` is set.
        """
        check_preconditions(
            self.method,
            self.headers,
            etag,
            last_modified,
            exists=exists,
            required=required,
            headers=headers,
            formats=self._formats(),
        )

    def _formats(self) -> Sequence[str]:
        """Return the media types of the codecs of which the request can select one."""
        return (JSON_TYPE,)

    def with_prefix(self, path: str, query: str = "") -> str:
        """Return a path of the app as clients must request it: after ``prefix``, with a query if there is one.

        Every URL that leads into the app is made here, such as the path of a named route or the target of a redirect.

        Args:
            path: percent-encoded, with its leading slash.
            query: percent-encoded, without the question mark.
        """
        return f"{self.prefix}{path}?{query}" if query else self.prefix + path
