"""The TARGET and the options of every command that resolves an app."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from turnbuckle.cli.reporting import verbose_option
from turnbuckle.cli.target import NO_TARGET, TARGET, WRAPPED, AppTarget, load_app

if TYPE_CHECKING:
    from turnbuckle.app import App
    from turnbuckle.diagnostics import Diagnostic
    from turnbuckle.plan import Plan
    from turnbuckle.server.model.application import Application
    from turnbuckle.startup.model.sources import SettingsSources

__all__ = ["AppOptions", "OptionalValue", "OptionalValueCommand", "has_settings", "may_take_target", "takes_target"]


@attrs.frozen(kw_only=True)
class AppOptions:
    """The app and the options that the command line gives.

    Attributes:
        target: the app; ``NO_TARGET`` if a command works without one.
        flags: settings, as pairs of an option and its ``key=value``.
        plugins: ``NAME`` to enable or ``no:NAME`` to disable a plugin.
        no_plugins: whether only built-in plugins are enabled.
        file: the settings file; None to look for one.
    """

    target: AppTarget = NO_TARGET
    flags: tuple[tuple[str, str], ...] = ()
    plugins: tuple[str, ...] = ()
    no_plugins: bool = False
    file: Path | None = None

    def with_setting(self, option: str, key: str, value: object) -> AppOptions:
        """Return the options with the setting of an option added, if the option was given."""
        if value is None:
            return self
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return attrs.evolve(self, flags=(*self.flags, (option, f"{key}={text}")))

    def with_plugin(self, name: str) -> AppOptions:
        """Return the options with a plugin enabled, unless they enable or disable it already."""
        if name in self.plugins or f"no:{name}" in self.plugins:
            return self
        return attrs.evolve(self, plugins=(*self.plugins, name))

    @property
    def folder(self) -> Path:
        """The folder of the app's file if it contains settings, otherwise the current folder."""
        folder = self.target.folder
        return folder if has_settings(folder) else Path()

    def app(self, found: list[Diagnostic] | None = None) -> App:
        """Load the app.

        Args:
            found: a list for warnings about its import.

        Raises:
            CommandFailed: 3; the app cannot be loaded.
            UsageError: 2; there is no TARGET.
        """
        if self.target is NO_TARGET:
            raise click.UsageError(
                "Missing argument 'TARGET'. It names the app, as in main:app.", click.get_current_context(silent=True)
            )
        return load_app(self.target, found)

    def sources(self) -> SettingsSources:
        """Return the settings of the project, the environment and the command line."""
        from turnbuckle.startup.model.sources import Flag, SettingsSources

        return SettingsSources.of_project(
            self.folder,
            file=self.file,
            flags=tuple(Flag(text, option) for option, text in self.flags),
            plugins=self.plugins,
            only_builtin=self.no_plugins,
        )

    def compile(self, *, serves: bool = False) -> tuple[Plan, Application]:
        """Load the app, resolve it as ``resolve`` does, and compile it.

        Args:
            serves: whether this process serves the app itself, even if the target is wrapped for another host.

        Raises:
            CommandFailed: 3; the app cannot be loaded.
            StartupError: with every problem that was found.
        """
        found: list[Diagnostic] = []
        app = self.app(found)
        application = app.compile(self._sources_with(found, serves=serves))
        return app.plan, application

    def resolve(self) -> Plan:
        """Load the app, and resolve it with the settings of the project, the environment and the command line.

        Raises:
            CommandFailed: 3; the app cannot be loaded.
            StartupError: with every problem that was found.
        """
        found: list[Diagnostic] = []
        app = self.app(found)
        return app.resolve(self._sources_with(found))

    def _sources_with(self, found: list[Diagnostic], *, serves: bool = False) -> SettingsSources:
        # An ASGI host carries the messages of WebSockets.
        is_hosted = not serves and any(diagnostic.code == WRAPPED for diagnostic in found)
        return attrs.evolve(self.sources(), found=tuple(found), carries_messages=is_hosted)


def has_settings(folder: Path) -> bool:
    """Return whether a folder contains settings or a plugin of a project."""
    is_home = any((folder / name).is_file() for name in ("turnbuckle.toml", "turnbuckle_plugin.py"))
    return is_home or _has_section(folder / "pyproject.toml")


def _has_section(path: Path) -> bool:
    from turnbuckle.startup.model.sources import read_text_file

    try:
        tree = tomllib.loads(read_text_file(path))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        # The code that reads the settings reports the error.
        return True
    return "turnbuckle" in tree.get("tool", {})


def _checked_plugins(context: click.Context, option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    # In other programs, -p is the port.
    for name in names:
        if name.isdecimal():
            raise click.BadParameter(f"{name!r} is not the name of a plugin; did you mean '--port {name}'?")
    return names


_OPTIONS: Final = (
    click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Set one setting; may be repeated."),
    click.option("--asgi", "is_asgi", is_flag=True, help="TARGET is an ASGI app of another framework."),
    click.option("--wsgi", "is_wsgi", is_flag=True, help="TARGET is a WSGI app of another framework."),
    click.option("--parser", metavar="NAME", help="The parser to use."),
    click.option("--debug/--no-debug", default=None, help="Show tracebacks to clients; never in production."),
    click.option(
        "-p",
        "--plugin",
        "plugins",
        multiple=True,
        metavar="NAME",
        callback=_checked_plugins,
        help="Enable a plugin; no:NAME disables.",
    ),
    click.option("--no-plugins", is_flag=True, help="Enable built-in plugins only."),
    click.option(
        "--settings",
        "file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Read this settings file instead of turnbuckle.toml or pyproject.toml.",
    ),
    verbose_option,
)


def takes_target(command: Callable[..., None]) -> Callable[..., None]:
    """Add the TARGET and its options to a command, whose first argument they become."""
    return _decorated(command, click.argument("target", type=TARGET))


def may_take_target(command: Callable[..., None]) -> Callable[..., None]:
    """Do the same as ``takes_target`` for a command with an optional TARGET."""
    return _decorated(command, click.argument("target", type=TARGET, required=False))


def _decorated(command: Callable[..., None], argument: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(command)
    def with_target(  # noqa: PLR0913  # click passes one argument for each option
        *,
        target: AppTarget | None,
        is_asgi: bool,
        is_wsgi: bool,
        pairs: tuple[str, ...],
        parser: str | None,
        debug: bool | None,
        plugins: tuple[str, ...],
        no_plugins: bool,
        file: Path | None,
        **own: object,
    ) -> None:
        options = AppOptions(
            target=_with_kind(target, is_asgi=is_asgi, is_wsgi=is_wsgi),
            flags=tuple(("--set", _checked_pair(pair)) for pair in pairs),
            plugins=plugins,
            no_plugins=no_plugins,
            file=file,
        )
        options = options.with_setting("--parser", "parser", parser).with_setting("--debug", "debug", debug)
        command(options, **own)

    decorated: Callable[..., None] = with_target
    for option in reversed((argument, *_OPTIONS)):
        decorated = option(decorated)
    return decorated


def _with_kind(target: AppTarget | None, *, is_asgi: bool, is_wsgi: bool) -> AppTarget:
    if is_asgi and is_wsgi:
        raise click.UsageError("--asgi and --wsgi cannot be combined: an app has one interface.")
    if target is None or not (is_asgi or is_wsgi):
        return target or NO_TARGET
    return attrs.evolve(target, kind="asgi" if is_asgi else "wsgi")


def _checked_pair(pair: str) -> str:
    key, equals, _ = pair.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"{pair!r} is not KEY=VALUE, as in limits.content=1000000", param_hint="--set")
    return pair


class OptionalValue(click.Option):
    """An option whose value may be left out, as in ``--lock`` and ``--lock=FILE``.

    It is None if it was not given, and "" if it was given without a value. The value needs the equals sign, because
    click would take the next word as the value, and the next word is usually the TARGET.
    """


class OptionalValueCommand(click.Command):
    """A command that may have options of the class ``OptionalValue``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the equals sign to each such option without a value."""
        names = {name for param in self.params if isinstance(param, OptionalValue) for name in param.opts}
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [f"{arg}=" if arg in names else arg for arg in args[:end]] + args[end:])
