"""Make the Jinja environment of an app, with the globals that need the request that is being served."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Final, final

import jinja2

from turnbuckle import Request
from turnbuckle_plugins.jinja_templates.config import JinjaTemplatesConfig, is_escaped
from turnbuckle_plugins.jinja_templates.loader import FolderLoader
from turnbuckle_plugins.jinja_templates.template import TemplateParts

__all__ = ["REQUEST", "current_request", "make_environment"]

REQUEST: Final[ContextVar[Request | None]] = ContextVar("request of the template", default=None)
"""The request that a template is rendered for. Macros of imported templates see no variables, but do see this."""


class _StrictUndefined(jinja2.StrictUndefined):
    """A variable that does not exist. Jinja's own class is an empty list to loops in async rendering."""

    __slots__ = ()
    __aiter__ = jinja2.Undefined._fail_with_undefined_error


_UNDEFINED: Final[Mapping[str, type[jinja2.Undefined]]] = {
    "strict": _StrictUndefined,
    "lenient": jinja2.Undefined,
}


def make_environment(
    loader: FolderLoader, config: JinjaTemplatesConfig, parts: Sequence[TemplateParts], *, debug: bool
) -> jinja2.Environment:
    """Return an environment with the globals, filters and tests of some parts; later parts take precedence.

    Raises:
        ImportError: an extension does not exist.
    """
    environment = jinja2.Environment(
        loader=loader,
        autoescape=lambda name: is_escaped(name, config),
        undefined=_UNDEFINED[config.undefined],
        enable_async=config.asynchronous,
        auto_reload=debug if config.auto_reload is None else config.auto_reload,
        # All templates of the folders are compiled at startup, and none is made from input.
        cache_size=-1,
        trim_blocks=config.trim_blocks,
        lstrip_blocks=config.lstrip_blocks,
        extensions=config.extensions,
    )
    environment.globals.update(url_for=_url_for, static_url=_static_url, csp_nonce=_Nonce())
    for part in parts:
        environment.globals.update(part.globals)
        environment.filters.update(_functions(part.filters))
        environment.tests.update(_functions(part.tests))
    return environment


def _functions(values: Mapping[str, object]) -> dict[str, Callable[..., object]]:
    return {name: value for name, value in values.items() if callable(value)}


def current_request(caller: str) -> Request:
    """Return the request that a template is rendered for; for globals and filters of plugins, also in macros.

    Args:
        caller: name of the global or filter, for the message.

    Raises:
        LookupError: the template is rendered without a request.
    """
    request = REQUEST.get()
    if request is None:
        error = LookupError(f"{caller} needs a request, which this template is rendered without")
        error.add_note(
            "fix: pass the request, as in render_text(name, request=request), or pass the value as a variable"
        )
        raise error
    return request


def _url_for(name: str, /, **params: object) -> str:
    return current_request(f"url_for({name!r})").url_for(name, **params)


def _static_url(path: str, /, name: str = "static") -> str:
    """Return the URL of a file of the plugin ``static``."""
    return _url_for(name, path=path)


@final
class _Nonce:
    """The global ``csp_nonce``: the nonce of the response's content security policy, as text and as a function."""

    __slots__ = ()

    def __str__(self) -> str:
        nonce = self._find()
        if not nonce:
            error = LookupError("csp_nonce: the response has no nonce")
            error.add_note(
                "fix: enable the plugin security_headers, with a nonce in its policy: "
                "content_security_policy = \"script-src 'nonce-{nonce}'\""
            )
            raise error
        return nonce

    def __call__(self) -> str:
        return str(self)

    def __bool__(self) -> bool:
        return bool(self._find())

    def _find(self) -> str:
        request = REQUEST.get()
        return "" if request is None else str(request.state.get("csp_nonce", ""))
