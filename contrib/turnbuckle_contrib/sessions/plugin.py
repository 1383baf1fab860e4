"""The plugin: its middleware sets ``request.session``, and saves the session once the handler has made the response."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final, final

import attrs

from turnbuckle import Handler, Middleware, ParameterProvider, Plugin, PluginInfo, Request, Response, Session, Setup
from turnbuckle_contrib.secret_keys import secrets_of
from turnbuckle_contrib.sessions.config import SessionsConfig
from turnbuckle_contrib.sessions.cookies import SessionCookie, SignedCookie
from turnbuckle_contrib.sessions.session import Record, StoredSession

__all__ = ["SessionsPlugin"]

_ID_BYTES: Final = 32
# A session is written again, to extend its life, once this part of its idle time has passed.
_REFRESH: Final = 0.1


@final
class SessionsPlugin(Plugin[SessionsConfig]):
    """Provide the middleware ``sessions`` in the session zone, and parameters of the type ``Session``.

    Args:
        clock: returns seconds since the epoch.
    """

    info = PluginInfo(name="sessions")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock: Final = clock

    def provide_middleware(self, setup: Setup[SessionsConfig]) -> list[Middleware]:
        """Return the middleware."""
        backend = _CookieSessions(setup.config, secrets_of(setup, setup.config.secrets), self._clock)
        return [Middleware("sessions", backend.around, zone="session", provides=("session",))]

    def provide_parameters(self, setup: Setup[SessionsConfig]) -> list[ParameterProvider]:
        """Supply ``session: Session``."""
        return [ParameterProvider(Session, _session_of, description="the session of the client")]


def _session_of(request: Request) -> Session:
    return request.session


@final
class _CookieSessions:
    """Sessions in a signed cookie."""

    def __init__(self, config: SessionsConfig, keys: tuple[str, ...], clock: Callable[[], float]) -> None:
        self._config: Final = config
        self._cookie: Final = SessionCookie(config)
        self._signed: Final = SignedCookie(keys)
        self._clock: Final = clock

    def around(self, next_handler: Handler, setup: object) -> Handler:
        """Return the middleware's handler."""

        async def serve(request: Request) -> Response:
            session = request.session = StoredSession(lambda: self._load(request))
            response = await next_handler(request)
            if session.is_used:
                self._save(request, response, session)
            else:
                session.close()
            return response

        return serve

    def _load(self, request: Request) -> Record | None:
        value = self._cookie.read(request)
        record = self._signed.decode(value) if value else None
        return record if record is not None and self._is_alive(record) else None

    def _is_alive(self, record: Record) -> bool:
        now, config = self._clock(), self._config
        return now < record.used + config.idle and now < record.created + config.lifetime

    def _save(self, request: Request, response: Response, session: StoredSession) -> None:
        before, text = session.record, session.finish()
        response.headers.add_vary("Cookie")
        is_failed = response.status >= 500
        if is_failed and not session.is_ended:
            return
        now = int(self._clock())
        if text == "{}" or is_failed:
            if before is not None:
                self._cookie.delete(request, response)
            return
        is_fresh = before is not None and now < before.used + self._config.idle * _REFRESH
        if before is None or session.is_ended or session.is_rotated:
            record = Record(secrets.token_urlsafe(_ID_BYTES), now, now, text)
        elif text == before.text and is_fresh:
            return
        else:
            record = attrs.evolve(before, used=now, text=text)
        response.headers.set("Cache-Control", "no-store")
        max_age = int(self._config.idle) if self._config.persistent else None
        self._cookie.write(request, response, self._signed.encode(record), max_age)
