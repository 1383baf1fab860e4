"""Recognize the interface of an app of another framework by the parameters that it is called with.

Sources: the ASGI specification 3.0, section "Applications"; PEP 3333, section "The Application/Framework Side".
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast

__all__ = ["AppInterface", "interface_of"]

AppInterface: TypeAlias = Literal["asgi", "asgi2", "wsgi", "factory", "turnbuckle", ""]
"""ASGI 3, ASGI 1 or 2, WSGI, a function that makes an app, an app or scope of Turnbuckle; "" for anything else."""

_BY_COUNT: Final[Mapping[int, AppInterface]] = MappingProxyType({0: "factory", 1: "asgi2", 2: "wsgi", 3: "asgi"})
_OWN: Final = "turnbuckle.scope_parts"


def interface_of(app: object) -> AppInterface:
    """Return the interface of an app: ``"asgi"`` for ``app(scope, receive, send)``, ``"wsgi"`` for
    ``app(environ, start_response)``.
    """
    if any(base.__module__ == _OWN for base in type(app).__mro__):
        return "turnbuckle"
    if not callable(app):
        return ""
    try:
        parameters = inspect.signature(cast("Callable[..., object]", app)).parameters.values()
    except (TypeError, ValueError):
        return "asgi" if _is_async(app) else ""
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    positional = [parameter for parameter in parameters if parameter.kind in kinds]
    required = [parameter for parameter in positional if parameter.default is parameter.empty]
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        # A wrapper takes what its app takes, which only its kind of function shows.
        return "asgi" if _is_async(app) else ""
    if _is_async(app) and len(required) <= len(_ASGI) <= len(positional):
        return "asgi"
    return _BY_COUNT.get(len(required), "")


_ASGI: Final = ("scope", "receive", "send")


def _is_async(app: object) -> bool:
    call = getattr(app, "__call__", None)  # noqa: B004  # the question is whether __call__ is an async def
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call)
