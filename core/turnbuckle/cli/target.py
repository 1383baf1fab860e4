"""Load the app of a TARGET on the command line.

``main:app`` is an attribute of a module, ``main:create_app()`` the result of a factory, ``path/to/file.py:app`` an
attribute of a file. Without an attribute, the app is the attribute ``app``, or the only app of the module. The app may
be wrapped: as an ASGI application, and by middleware for ASGI around it.
"""

from __future__ import annotations

import functools
import inspect
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs
import click

from turnbuckle.cli.reporting import CommandFailed
from turnbuckle.diagnostics import Origin, Sourced

if TYPE_CHECKING:
    from turnbuckle.app import App
    from turnbuckle.diagnostics import Diagnostic

__all__ = ["NO_TARGET", "TARGET", "WRAPPED", "AppKind", "AppTarget", "load_app"]

WRAPPED: Final = "TB702"
"""The code of the hint that the target is an ASGI application around an app."""

_DEFAULT_ATTRIBUTE: Final = "app"
# The attributes in which middleware for ASGI keeps the application that it wraps, and how many of them are followed.
_WRAPPED: Final = ("app", "application", "_app", "inner", "wrapped")
_MAX_DEPTH: Final = 20
AppKind: TypeAlias = Literal["", "asgi", "wsgi"]
"""The interface of an app; "" for a Turnbuckle app."""
# The plugins that carry the WebSockets of an ASGI app.
_SOCKETS: Final = ("websocket",)
# The names that the documentation of other frameworks gives to their apps.
_FOREIGN_ATTRIBUTES: Final = ("app", "application", "asgi", "wsgi")


@attrs.frozen(kw_only=True)
class AppTarget:
    """The name of an app on the command line.

    Attributes:
        module: dotted name of the module; "" for a file.
        file: path of the file; None for a module.
        attribute: dotted name of the attribute; "" if none was given.
        is_call: whether the attribute is called.
        kind: ``"asgi"`` or ``"wsgi"`` for an app of another framework, which is mounted at ``/``; "" for a Turnbuckle
            app.
    """

    module: str = ""
    file: Path | None = None
    attribute: str = ""
    is_call: bool = False
    kind: AppKind = ""

    @property
    def where(self) -> str:
        """The module or file, as given."""
        return self.module or str(self.file)

    @property
    def folder(self) -> Path:
        """The folder of the app."""
        return self.file.parent if self.file is not None else Path()

    def __str__(self) -> str:
        return f"{self.where}:{self.attribute or _DEFAULT_ATTRIBUTE}{'()' if self.is_call else ''}"


NO_TARGET: Final = AppTarget()
"""The target of a command without a TARGET."""


if TYPE_CHECKING:
    _TargetParam = click.ParamType[AppTarget]
else:
    # Only type checkers know the type argument: click 8.1 does not accept one.
    _TargetParam = click.ParamType


class _TargetType(_TargetParam):
    name = "target"

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Return the hint for a command line without a target."""
        return "It names the app, as in main:app or path/to/file.py"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> AppTarget:
        where, colon, attribute = str(value).rpartition(":")
        if not colon:
            where, attribute = attribute, ""
        name = attribute.removesuffix("()")
        if colon and not _is_dotted(name):
            self.fail(f"{value!r} does not end in the name of an app, as in main:app", param, ctx)
        if where.endswith(".py") or "/" in where:
            return AppTarget(file=Path(where), attribute=name, is_call=name != attribute)
        if not _is_dotted(where):
            self.fail(f"{value!r} is neither of the form main:app nor path/to/file.py:app", param, ctx)
        return AppTarget(module=where, attribute=name, is_call=name != attribute)


TARGET: Final = _TargetType()


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def load_app(target: AppTarget, found: list[Diagnostic] | None = None) -> App:
    """Import the module or file of a target, and return the app.

    Args:
        target: the name of the app.
        found: a list for warnings about the import.

    Raises:
        CommandFailed: 3; with the reason in one line.
    """
    from turnbuckle.cli.importing import import_file, import_module
    from turnbuckle.startup.plugins.event_loops import noting_event_loops

    with noting_event_loops([] if found is None else found):
        module = import_module(target.module) if target.file is None else import_file(target.file)
        if target.kind:
            return _mounted(module, target, target.kind)
        value = _attribute(module, target) if target.attribute else _default(module, target)
        if _is_factory(value, target):
            value = _call(value, target)
            if _unwrapped(value) is None:
                raise CommandFailed(f"error: {str(target)!r} returned {_describe(value)}, not a turnbuckle.App")
        app = _unwrapped(value)
        if app is None:
            raise CommandFailed(
                f"error: {str(target)!r} is {_describe(value)}, not a turnbuckle.App{_kind_hint(value)}"
            )
    if app is not value and found is not None:
        found.append(_hint_for_wrapped(app, target))
    return app


def _mounted(module: ModuleType, target: AppTarget, kind: Literal["asgi", "wsgi"]) -> App:
    """Return an app with the app of another framework at ``/``."""
    from turnbuckle.app import App
    from turnbuckle.startup.collect.interfaces import interface_of

    value = _attribute(module, target) if target.attribute else _foreign_default(module, target)
    if target.is_call or interface_of(value) == "factory":
        value = _call(value, target)
    interface = interface_of(value)
    if interface == "turnbuckle":
        raise CommandFailed(f"error: {str(target)!r} is a Turnbuckle app; leave out --{kind}")
    if interface in {"asgi", "wsgi"} and interface != kind:
        raise CommandFailed(
            f"error: {str(target)!r} is {_describe(value)}, which has the parameters of {interface.upper()}; "
            f"write --{interface}"
        )
    plugins = [kind, *_SOCKETS] if kind == "asgi" and find_spec("websockets") is not None else [kind]
    app = App(str(target))
    app.mount("/", value, kind=kind)
    # They were declared on the command line, and not in a file.
    origin = Origin(plugin="app", location=f"--{kind} {target}")
    app._origin = origin
    app._plugins = [Sourced(plugin, origin) for plugin in plugins]
    app._mounts = [attrs.evolve(mount, origin=origin) for mount in app._mounts]
    return app


def _foreign_default(module: ModuleType, target: AppTarget) -> object:
    for name in _FOREIGN_ATTRIBUTES:
        if hasattr(module, name):
            return getattr(module, name)
    names = ", ".join(map(repr, _FOREIGN_ATTRIBUTES))
    raise CommandFailed(f"error: {target.where!r} has none of {names}; name the app, as in {target.where}:NAME")


def _attribute(module: ModuleType, target: AppTarget) -> object:
    from turnbuckle.startup.model.diagnostics import did_you_mean

    value: object = module
    within = target.where
    for part in target.attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            known = [name for name in dir(value) if not name.startswith("__")]
            hint = did_you_mean(part, known) if value is not module else _other_apps(part, module, target)
            raise CommandFailed(f"error: {within!r} has no attribute {part!r}{hint}") from error
        within = f"{within}:{part}" if within == target.where else f"{within}.{part}"
    return value


def _other_apps(name: str, module: ModuleType, target: AppTarget) -> str:
    """Return a hint for an unknown name of a module: its apps, or else a name of the module itself."""
    from turnbuckle.app import App
    from turnbuckle.startup.model.diagnostics import did_you_mean

    apps = [f"{target.where}:{known}" for known, value in vars(module).items() if isinstance(value, App)]
    if apps:
        return f"; did you mean {' or '.join(map(repr, apps))}?"
    own = [known for known, value in vars(module).items() if not (isinstance(value, type) or known.startswith("__"))]
    return did_you_mean(name, own) or "; make an app at the top level of the module: 'app = App()'"


def _default(module: ModuleType, target: AppTarget) -> object:
    from turnbuckle.app import App

    apps = {name: value for name, value in vars(module).items() if isinstance(value, App)}
    if _DEFAULT_ATTRIBUTE in apps or len({id(app) for app in apps.values()}) == 1:
        return apps.get(_DEFAULT_ATTRIBUTE) or next(iter(apps.values()))
    if not apps:
        if hasattr(module, _DEFAULT_ATTRIBUTE):
            return getattr(module, _DEFAULT_ATTRIBUTE)
        if _unwrapped(getattr(module, "application", None)) is not None:
            return vars(module)["application"]
        raise CommandFailed(f"error: {target.where!r} has no app; make one with 'app = App()', or name a factory")
    names = ", ".join(f"{target.where}:{name}" for name in apps)
    raise CommandFailed(f"error: {target.where!r} has several apps; name one of them: {names}")


def _is_factory(value: object, target: AppTarget) -> bool:
    is_function = inspect.isroutine(value) or isinstance(value, functools.partial)
    return target.is_call or (is_function and not _kind_hint(value))


def _unwrapped(value: object) -> App | None:
    """Return an app, or the app that an ASGI application wraps; None if there is none."""
    from turnbuckle.app import App

    for _ in range(_MAX_DEPTH):
        if isinstance(value, App):
            return value
        attributes = getattr(value, "__dict__", {}) if callable(value) and not isinstance(value, type) else {}
        value = next((attributes[name] for name in _WRAPPED if name in attributes), None)
    return None


def _hint_for_wrapped(app: App, target: AppTarget) -> Diagnostic:
    from turnbuckle.diagnostics import Diagnostic

    return Diagnostic(
        level="hint",
        code=WRAPPED,
        text=f"{str(target)!r} is an ASGI application around app {app.name!r}",
        why=(
            "an ASGI host serves it, and takes over HTTP, TLS, the limits and idle time of connections, processes and "
            "the access log; the settings of these have no effect there"
        ),
        fix="name the app itself if 'turnbuckle serve' serves it; on an ASGI host, there is nothing to change",
        origins=(app.declaration().origin,),
    )


def _kind_hint(value: object) -> str:
    from turnbuckle.startup.collect.interfaces import interface_of

    kind = interface_of(value)
    return f"; write --{kind} to serve it" if kind in {"asgi", "wsgi"} and not isinstance(value, type) else ""


def _call(factory: object, target: AppTarget) -> object:
    from turnbuckle.app import App
    from turnbuckle.cli.importing import reporting_app_errors

    if not callable(factory) or isinstance(factory, App):
        raise CommandFailed(f"error: {str(target)!r} is {_describe(factory)}, which cannot be called")
    try:
        inspect.signature(factory).bind()
    except (TypeError, ValueError) as error:
        raise CommandFailed(f"error: {str(target)!r} cannot be called without arguments: {error}") from error
    with reporting_app_errors(f"{str(target)!r} failed"):
        made = factory()
    if inspect.iscoroutine(made):
        made.close()
    return made


def _describe(value: object) -> str:
    if inspect.ismodule(value):
        return f"module {value.__name__!r}"
    if isinstance(value, type):
        return f"class {value.__name__!r}"
    kind = type(value)
    name = (
        kind.__qualname__
        if kind.__module__ in {"builtins", "turnbuckle.app", "turnbuckle.scope"}
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
