"""Answer a repeated request with the stored response of the first one (draft-ietf-httpapi-idempotency-key-header).

A client that has lost the response of a POST or PATCH sends the request again, with the same ``Idempotency-Key``. The
handler runs once; the repeated request gets the stored response. A key that is used for another request is answered
with 422, a key whose request is still running with 409, and a missing key with 400, if the route requires one.

Theory of operation: before the handler runs, an entry without a response is added for the key, which only one of
several requests can do. The response replaces it. If the handler did not run to its end, the entry is removed, and the
request can be repeated; if the process dies, the entry expires. The key of an entry contains the client, so that no
client gets the response of another one. Requests and responses are compared and stored as the handler sees them, inside
of compression.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

import attrs

from turnbuckle import (
    Component,
    Diagnostic,
    Handler,
    Lifespan,
    Middleware,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    ResourceKey,
    ResourceUnavailable,
    Response,
    Setup,
    hookimpl,
)
from turnbuckle_contrib.problem_response import problem_response
from turnbuckle_contrib.stores import (
    Store,
    StoreSettings,
    StoreUnavailable,
    review_workers,
    store_components,
    store_finder,
    store_lifespan,
)

if TYPE_CHECKING:
    from turnbuckle_contrib.health import HealthCheck

__all__ = ["IDEMPOTENCY_STORE", "IdempotencyConfig", "IdempotencyPlugin"]

_KIND: Final = "idempotency_store"
IDEMPOTENCY_STORE: Final[ResourceKey[Store]] = ResourceKey(_KIND, Store)  # type: ignore[type-abstract]  # nothing makes one
"""The key of the store, for ``request.resource(IDEMPOTENCY_STORE)``."""

_FIELD: Final = "Idempotency-Key"
_METHODS: Final = frozenset({"POST", "PATCH"})
# A String of structured fields (RFC 9651, section 3.3.3), as the draft requires; or its content without the quotes,
# which many clients send.
_QUOTED: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
_BARE: Final = re.compile(r"[0-9A-Za-z._~:/+=-]{1,255}")
# With these, the request was not performed: the client may repeat it, and then expects another answer.
_NOT_PERFORMED: Final = frozenset({401, 403, 408, 421, 425, 429, 503})
# A stored cookie could be sent to a browser that has a newer one.
_NOT_STORED: Final = frozenset({"set-cookie", "connection", "transfer-encoding", "content-length", "date"})

_log: Final = logging.getLogger("turnbuckle.idempotency")


def _as_option(value: object) -> object:
    if not isinstance(value, bool) and value != "required":
        raise ValueError(f'write True, False, or "required" for requests that must have a key, not {value!r:.60}')
    return value


@attrs.frozen(kw_only=True)
class IdempotencyConfig(StoreSettings):
    """Settings of the plugin.

    Attributes:
        required: whether all POST and PATCH requests must have a key; the option ``idempotency`` of a route decides for
            the route: True, False or ``"required"``.
        keep: seconds for which a response is stored.
        in_progress: seconds after which a request that has not ended counts as lost, for example because its process
            has died; longer than any handler takes.
        max_content: content up to this size in bytes is compared; of longer content, of forms with files, and of
            content without a length, only the length is.
        max_response: maximum size of a stored response, in bytes.
        store: ``"memory"``, ``"sqlite"``, ``"redis"``, or the name of a component of the kind ``idempotency_store``.
        file: the file of the store ``"sqlite"``.
        url: URL of the store ``"redis"``; see ``StoreSettings``.
        prefix: prefix of all keys in Redis.
        timeout: seconds that Redis may take for an answer.
        max_memory: maximum size of all entries of the store ``"memory"``, in bytes.
    """

    required: bool = False
    keep: float = attrs.field(default=86400.0, validator=attrs.validators.gt(0))
    in_progress: float = attrs.field(default=300.0, validator=attrs.validators.gt(0))
    max_content: int = attrs.field(default=1024 * 1024, validator=attrs.validators.ge(0))
    max_response: int = attrs.field(default=256 * 1024, validator=attrs.validators.ge(0))
    file: str = "idempotency.sqlite3"
    prefix: str = "turnbuckle:idempotency:"


@final
class IdempotencyPlugin(Plugin[IdempotencyConfig]):
    """Provide the middleware ``idempotency`` in the transform zone, and the option ``idempotency`` of routes.

    Args:
        clock: returns seconds since the epoch.
    """

    info = PluginInfo(name="idempotency", route_options={"idempotency": _as_option})

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock: Final = clock

    def provide_middleware(self, setup: Setup[IdempotencyConfig]) -> list[Middleware]:
        """Return the middleware."""
        # Inside of compression, so that a stored response has no coding that another client does not accept.
        outside = ("compress", "conditional")
        around = partial(_around, store_finder(setup, IDEMPOTENCY_STORE))
        return [Middleware("idempotency", around, zone="transform", after=outside, before=("decompress",))]

    def provide_components(self, setup: Setup[IdempotencyConfig]) -> list[Component]:
        """Return the store that the settings choose."""
        return store_components(setup, _KIND, self._clock)

    def provide_lifespans(self, setup: Setup[IdempotencyConfig]) -> list[Lifespan]:
        """Return the lifespan that opens the store."""
        return [store_lifespan(setup, IDEMPOTENCY_STORE, self._clock)]

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Warn of several workers with a store in memory."""
        return review_workers(plan, "idempotency", _KIND, "stored responses")

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[IdempotencyConfig]) -> list[HealthCheck]:
        """Return the check of the store."""
        from turnbuckle_contrib.health import HealthCheck

        return [HealthCheck("idempotency", _check, IDEMPOTENCY_STORE)]


async def _check(store: Store) -> None:
    await store.check()


_FindStore: TypeAlias = Callable[[Setup[Any]], Callable[[], Store]]


def _around(find_store: _FindStore, next_handler: Handler, setup: Setup[IdempotencyConfig]) -> Handler:
    config = setup.config
    replay = _Replay(config, find_store(setup), next_handler)
    default: object = "required" if config.required else True

    def choose(request: Request) -> Awaitable[Response]:
        if request.method not in _METHODS:
            return next_handler(request)
        route = request.find_route()
        # The route of a mounted app has no methods; such an app treats the field itself.
        if route is None or not route.methods or route.streams_body:
            return next_handler(request)
        option = route.options.get("idempotency", default)
        lines = request.headers.get_list(_FIELD)
        if option is False or (not lines and option is True):
            return next_handler(request)
        return replay.answer(request, lines)

    return choose


@attrs.frozen
class _Entry:
    """The entry of a key.

    Attributes:
        fingerprint: identifies the request.
        status: status of the response; 0 while the request is in progress.
        fields: fields of the response; None if the response could not be stored.
        body: its content.
    """

    fingerprint: str
    status: int = 0
    fields: list[list[str]] | None = None
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the entry as bytes: a line of JSON, then the content."""
        return json.dumps([self.fingerprint, self.status, self.fields]).encode() + b"\n" + self.body

    @classmethod
    def decode(cls, content: bytes) -> _Entry:
        """Return the entry of bytes that ``encode`` has made."""
        line, _, body = content.partition(b"\n")
        fingerprint, status, fields = json.loads(line)
        return cls(fingerprint, status, fields, body)


@final
class _Replay:
    """Answer requests with keys.

    Args:
        config: the settings of the plugin.
        get_store: returns the store of the entries.
        next_handler: answers a request for the first time.
    """

    def __init__(self, config: IdempotencyConfig, get_store: Callable[[], Store], next_handler: Handler) -> None:
        from turnbuckle_contrib.auth import current_user

        self._config: Final = config
        self._get_store: Final = get_store
        self._next: Final = next_handler
        self._current_user: Final = current_user

    async def answer(self, request: Request, lines: list[str]) -> Response:
        """Answer a request whose route takes a key.

        Args:
            request: the request.
            lines: the values of the field.
        """
        if not lines:
            return problem_response(400, f"this request needs the field {_FIELD}, with a new value for each operation")
        key = _key_of(lines)
        if not key:
            example = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
            return problem_response(400, f"the field {_FIELD} is malformed; write a text such as {example}")
        name = _digest(request.host, await self._client_of(request), key)
        fingerprint = await self._fingerprint_of(request)
        # A second attempt: the entry may have expired, or have been removed, after the first one.
        for _ in range(2):
            if await self._get_store().add(name, _Entry(fingerprint).encode(), self._config.in_progress):
                return await self._perform(request, name, fingerprint)
            content = await self._get_store().get(name)
            if content is not None:
                return _answer_again(_Entry.decode(content), fingerprint)
        return _in_progress()

    async def _perform(self, request: Request, name: str, fingerprint: str) -> Response:
        try:
            response = await self._next(request)
        except BaseException:
            # Whether the request was performed is not known; the client may repeat it.
            await self._release(name)
            raise
        if response.status in _NOT_PERFORMED:
            await self._release(name)
            return response
        entry = self._entry_of(response, fingerprint)
        if entry.fields is None:
            _log.warning("the response to %s is a stream or too large: it is not stored for its key", request)
        try:
            await self._get_store().set(name, entry.encode(), self._config.keep)
        except StoreUnavailable as error:
            # The request was performed, so the client must get its response.
            _log.error("the response to %s was not stored for its key: %s", request, error)
        return response

    async def _release(self, name: str) -> None:
        try:
            await self._get_store().delete(name)
        except StoreUnavailable as error:
            _log.warning("an idempotency key stays in progress until it expires: %s", error)

    def _entry_of(self, response: Response, fingerprint: str) -> _Entry:
        body = response.body
        if not isinstance(body, bytes) or len(body) > self._config.max_response:
            return _Entry(fingerprint, response.status)
        fields = [[name, value] for name, value in response.fields() if name.lower() not in _NOT_STORED]
        return _Entry(fingerprint, response.status, fields, body)

    async def _client_of(self, request: Request) -> str:
        """Return a text that is different for each client: of the user, the session, or else the address."""
        try:
            user = await self._current_user(request)
        except ResourceUnavailable:
            # The plugin auth is not enabled.
            user = None
        if user is not None:
            return f"user {user.id}"
        credentials = request.headers.get("authorization")
        if credentials is not None:
            return f"credentials {credentials}"
        record = getattr(getattr(request, "session", None), "record_id", "")
        if record:
            return f"session {record}"
        return f"address {request.client[0] if request.client is not None else ''}"

    async def _fingerprint_of(self, request: Request) -> str:
        """Return a text that is different for requests with other targets or content."""
        length, media_type = request.content_length, request.content_type or ""
        parts = [request.method, request.raw_path, request.query, media_type]
        if media_type.lower().startswith("multipart/"):
            # Its boundary may be another one in each attempt, and files may be larger than the memory.
            return _digest(*parts)
        if length is None or length > self._config.max_content:
            return _digest(*parts, str(length))
        return _digest(*parts, hashlib.sha256(await request.read()).hexdigest())


def _key_of(lines: list[str]) -> str:
    """Return the key in the lines of the field; "" if it is malformed, or if there are several."""
    if len(lines) != 1:
        return ""
    if quoted := _QUOTED.fullmatch(lines[0]):
        return quoted[1]
    return lines[0] if _BARE.fullmatch(lines[0]) else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _answer_again(entry: _Entry, fingerprint: str) -> Response:
    if entry.fingerprint != fingerprint:
        detail = f"the {_FIELD} was used for a request with other content; write a new value for each operation"
        return problem_response(422, detail)
    if not entry.status:
        return _in_progress()
    if entry.fields is None:
        return problem_response(409, f"a request with this {_FIELD} was performed, but its response is not stored")
    headers = [(name, value) for name, value in entry.fields]
    response = Response(entry.body, entry.status, headers)
    response.headers.set("Idempotency-Replayed", "true")
    return response


def _in_progress() -> Response:
    detail = f"a request with this {_FIELD} is in progress; repeat it later"
    return problem_response(409, detail, {"Retry-After": "1"})
