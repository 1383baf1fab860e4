"""Load and save sessions: in a signed cookie, or in a store, with a random id in the cookie.

Theory of operation: requests of one session run concurrently, and each has a copy of its values. The last one that
changes them wins. A session that was rotated or ended must stay so, whatever the other requests do: its id is marked as
ended, before it is removed, for the time that such requests may take. A request that has loaded the session before, or
that arrives with the old cookie, then saves nothing and sets no cookie, because its cookie would replace the one with
the new id. If it rotates the session itself, as a login does, it gets a new one.

A store gets the hash of an id as the key: a copy of the store has no id that a client could send.
"""

from __future__ import annotations

import abc
import hashlib
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final, final

import attrs

from turnbuckle import Handler, Request, Response
from turnbuckle_contrib.sessions.config import SessionsConfig
from turnbuckle_contrib.sessions.cookies import SessionCookie, SignedCookie
from turnbuckle_contrib.sessions.session import ENDED, Loaded, Record, SessionTooLarge, StoredSession, largest_value
from turnbuckle_contrib.stores import MemoryStore, Store, StoreUnavailable

__all__ = ["CookieSessions", "StoreSessions"]

# OWASP asks for 64 bits of randomness at least; an id of 256 bits needs no further protection against guessing.
_ID_BYTES: Final = 32
_ID: Final = re.compile(r"[0-9A-Za-z_-]{43}")
# A session is written again, to extend its life, once this part of its idle time has passed.
_REFRESH: Final = 0.1
# Requests that were on the way when the session was rotated or ended have this many seconds to finish.
_ENDED_SECONDS: Final = 30.0
_ENDED_BYTES: Final = 8 * 1024 * 1024
_EMPTY: Final = "{}"

_log: Final = logging.getLogger("turnbuckle.sessions")


@attrs.frozen(kw_only=True)
class _Change:
    """The change of a stored session after a request.

    Attributes:
        old: the stored session, which ends; None if it stays or there is none.
        new: the session to store; None for none.
        is_update: whether ``new`` replaces the stored session with the same id.
    """

    old: Record | None = None
    new: Record | None = None
    is_update: bool = False


_NOTHING: Final = _Change()


class _Sessions(abc.ABC):
    """The decisions that both backends share.

    Args:
        config: the settings of the plugin.
        clock: returns seconds since the epoch.
    """

    def __init__(self, config: SessionsConfig, clock: Callable[[], float]) -> None:
        self._config: Final = config
        self._cookie: Final = SessionCookie(config)
        self._clock: Final = clock

    @abc.abstractmethod
    async def _save(self, request: Request, response: Response, session: StoredSession) -> Response:
        """Store the changes of a session, and return the response with its cookie."""

    def _around(
        self,
        next_handler: Handler,
        load: Callable[[Any], Loaded],
        fetch: Callable[[Request], Awaitable[object]] | None = None,
    ) -> Handler:
        """Return the handler of the middleware.

        Args:
            next_handler: the next handler.
            load: returns the session from the request, or from the fetched value.
            fetch: fetches the value for a request that may have a session; without it, None takes its place.
        """
        may_be_in, save = self._cookie.may_be_in, self._save

        async def serve(request: Request) -> Response:
            source: object = request
            if fetch is not None:
                source = await fetch(request) if may_be_in(request) else None
            session = request.session = StoredSession(load, source)
            try:
                response = await next_handler(request)
            except Exception:
                if session.is_used:
                    _add_to_error(request, await save(request, Response(status=500), session))
                raise
            if session.is_used:
                return await save(request, response, session)
            session.close()
            return response

        return serve

    def _is_alive(self, record: Record) -> bool:
        return self._seconds_left(record) > 0

    def _seconds_left(self, record: Record) -> float:
        config = self._config
        return min(record.used + config.idle, record.created + config.lifetime) - self._clock()

    def _change_of(self, session: StoredSession, status: int) -> _Change:
        """Return the change after a response with a status; the session can no longer be changed."""
        before = session.record
        if status >= 500:
            # The handler did not finish its work: a login that failed half-way is none. But a logout is one.
            session.close()
            return _Change(old=before) if session.is_ended else _NOTHING
        text = session.finish()
        if text == _EMPTY:
            return _Change(old=before)
        now = int(self._clock())
        if session.was_ended and not session.is_rotated:
            _log.info("a change of a session is dropped: another request has rotated or ended the session")
            return _NOTHING
        if len(text) > self._config.max_size:
            # For cookies as well: a few bytes can be the compressed form of many, which each request would decode.
            raise _too_large(
                f"the session of {len(text)} bytes exceeds {self._config.max_size} (plugin.sessions.max_size)", session
            )
        if before is None or session.is_ended or session.is_rotated:
            return _Change(old=before, new=Record(secrets.token_urlsafe(_ID_BYTES), now, now, text))
        if text == before.text and now < before.used + self._config.idle * _REFRESH:
            return _NOTHING
        return _Change(new=attrs.evolve(before, used=now, text=text), is_update=True)

    def _finish(self, request: Request, response: Response, change: _Change, value: str) -> Response:
        """Set or delete the cookie, and the fields for caches.

        Args:
            request: the request.
            response: its response.
            change: the change that was made.
            value: the value of the cookie; "" if there is no new one.

        Returns:
            The response to send.
        """
        # The handler may return the same response to other clients, which must not get the cookie.
        response = response.copy()
        headers = response.headers
        headers.add_vary("Cookie")
        if not value and change.old is None:
            headers.setdefault("Cache-Control", "private, no-cache")
            return response
        # A cache that stores this response could give the session to others (RFC 9111, section 7.3).
        if not {"no-store", "private"} & _directives(headers.get("Cache-Control", "")):
            headers.set("Cache-Control", "no-store")
        if value:
            left = self._seconds_left(change.new) if change.new is not None else 0
            self._cookie.write(request, response, value, int(left) if self._config.persistent else None)
        else:
            self._cookie.delete(request, response)
        return response


def _add_to_error(request: Request, response: Response) -> None:
    """Add the fields of a response to the response that an exception causes."""
    request.vary = (*request.vary, "Cookie")
    for name, value in response.headers.items():
        if name != "Vary":
            request.error_headers.add(name, value)


def _directives(value: str) -> set[str]:
    return {directive.strip().lower() for directive in value.split(",")}


@final
class CookieSessions(_Sessions):
    """Sessions in a signed cookie. Ended ones are remembered by this process only.

    Args:
        config: the settings of the plugin.
        keys: the secrets.
        clock: returns seconds since the epoch.
    """

    def __init__(self, config: SessionsConfig, keys: tuple[str, ...], clock: Callable[[], float]) -> None:
        super().__init__(config, clock)
        self._signed: Final = SignedCookie(keys, config.cookie)
        self._ended: Final = MemoryStore(_ENDED_BYTES, clock)

    def around(self, next_handler: Handler, setup: object) -> Handler:
        """Return the handler of the middleware, which decodes a session when it is first used."""
        return self._around(next_handler, self._load)

    def _load(self, request: Request) -> Loaded:
        value = self._cookie.read(request)
        record = self._signed.decode(value) if value else None
        if record is None or not self._is_alive(record):
            return None
        return ENDED if record.id in self._ended else record

    async def _save(self, request: Request, response: Response, session: StoredSession) -> Response:
        change = self._change_of(session, response.status)
        before = session.record
        if change is not _NOTHING and before is not None:
            is_first = before.id not in self._ended
            if change.old is not None and is_first:
                await self._ended.set(before.id, b"", _ENDED_SECONDS)
            if not is_first:
                _log_dropped()
                change = _NOTHING
        value = self._signed.encode(change.new) if change.new is not None else ""
        try:
            return self._finish(request, response, change, value)
        except SessionTooLarge as error:
            raise _too_large(str(error), session) from None


@final
class StoreSessions(_Sessions):
    """Sessions in a store.

    Args:
        config: the settings of the plugin.
        get_store: returns the store, while requests are served.
        clock: returns seconds since the epoch.
    """

    def __init__(self, config: SessionsConfig, get_store: Callable[[], Store], clock: Callable[[], float]) -> None:
        super().__init__(config, clock)
        self._get_store: Final = get_store

    def around(self, next_handler: Handler, setup: object) -> Handler:
        """Return the handler of the middleware, which fetches a session before the handler: its use does not wait."""
        return self._around(next_handler, _known, self._load)

    async def _load(self, request: Request) -> Loaded | StoreUnavailable:
        identifier = self._cookie.read(request)
        if not _ID.fullmatch(identifier):
            return None
        key = _key(identifier)
        store = self._get_store()
        try:
            content = await store.get(key)
            if content is None:
                return ENDED if await store.get(_ended(key)) is not None else None
        except StoreUnavailable as error:
            # Requests that do not use the session can be answered all the same.
            return error
        try:
            record = Record.decode(f"{identifier} {content.decode()}")
        except ValueError:
            _log.warning("a value in the store of sessions is no session; it is ignored")
            return None
        return record if self._is_alive(record) else None

    async def _save(self, request: Request, response: Response, session: StoredSession) -> Response:
        change = self._change_of(session, response.status)
        if not await self._write(change, session):
            _log_dropped()
            change = _NOTHING
        return self._finish(request, response, change, change.new.id if change.new is not None else "")

    async def _write(self, change: _Change, session: StoredSession) -> bool:
        """Make a change, and return whether no other request has rotated or ended the session before."""
        store, old, new = self._get_store(), change.old, change.new
        if old is not None:
            key = _key(old.id)
            # Marked before it is removed: a request between both finds one of them.
            await store.set(_ended(key), b"1", _ENDED_SECONDS)
            if not await store.delete(key):
                return False
        if new is None:
            return True
        content, left = new.encode().partition(" ")[2].encode(), self._seconds_left(new)
        if not change.is_update:
            return await store.add(_key(new.id), content, left)
        try:
            return await store.replace(_key(new.id), content, left)
        except StoreUnavailable:
            if session.record is not None and new.text == session.record.text:
                # Nothing is lost but a longer life.
                return False
            raise


def _known(loaded: Loaded | StoreUnavailable) -> Loaded:
    if isinstance(loaded, StoreUnavailable):
        raise loaded
    return loaded


def _key(identifier: str) -> str:
    return hashlib.sha256(identifier.encode()).hexdigest()


def _ended(key: str) -> str:
    return f"{key}:ended"


def _log_dropped() -> None:
    _log.info("a change of a session is dropped: another request has rotated or ended the session")


def _too_large(text: str, session: StoredSession) -> SessionTooLarge:
    name, size = largest_value(session)
    error = SessionTooLarge(f"{text}; its largest value is {name!r} with {size} bytes")
    error.add_note("fix: store less in the session, or only keys of data that the app stores elsewhere")
    error.add_note("fix: a session in a store may be larger: see plugin.sessions.store and plugin.sessions.max_size")
    return error
