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
from turnbuckle.cli.target import NO_TARGET, TARGET, AppTarget, load_app

if TYPE_CHECKING:
    from turnbuckle.app import App
    from turnbuckle.plan import Plan
    from turnbuckle.server.model.application import Application
    from turnbuckle.startup.model.sources import SettingsSources

__all__ = ["AppOptions", "OptionalValue", "OptionalValueCommand", "has_settings", "may_take_target", "takes_target"]


@attrs.frozen(kw_only=True)
class AppOptions:
    """What the command line asks for.

    Attributes:
        target: the app; ``NO_TARGET`` where a command may do without.
        flags: settings, as pairs of the option that gives them and ``key=value``.
        plugins: ``NAME`` or ``no:NAME``.
        no_plugins: enable nothing but what is built in.
        file: the settings file; None to look for one.
    """

    target: AppTarget = NO_TARGET
    flags: tuple[tuple[str, str], ...] = ()
    plugins: tuple[str, ...] = ()
    no_plugins: bool = False
    file: Path | None = None

    def with_setting(self, option: str, key: str, value: object) -> AppOptions:
        """Add the setting that an option stands for, unless the option was not given."""
        if value is None:
            return self
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return attrs.evolve(self, flags=(*self.flags, (option, f"{key}={text}")))

    @property
    def folder(self) -> Path:
        """The folder of the app's file if settings are there, else the current one."""
        folder = self.target.folder
        return folder if has_settings(folder) else Path()

    def app(self) -> App:
        """Load the app.

        Raises:
            CommandFailed: 3; it cannot be loaded.
            UsageError: 2; there is none.
        """
        if self.target is NO_TARGET:
            raise click.UsageError("Missing argument 'TARGET'.", click.get_current_context(silent=True))
        return load_app(self.target)

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

    def compile(self) -> tuple[Plan, Application]:
        """Load the app, resolve it as ``resolve`` does, and compile it.

        Raises:
            CommandFailed: 3; the app cannot be loaded.
            StartupError: with every problem that was found.
        """
        app = self.app()
        application = app.compile(self.sources())
        return app.plan, application

    def resolve(self) -> Plan:
        """Load the app, and resolve it with the settings of the project, the environment and the command line.

        Raises:
            CommandFailed: 3; the app cannot be loaded.
            StartupError: with every problem that was found.
        """
        app = self.app()
        return app.resolve(self.sources())


def has_settings(folder: Path) -> bool:
    """Tell whether a folder holds settings or a plugin of a project."""
    is_home = any((folder / name).is_file() for name in ("turnbuckle.toml", "turnbuckle_plugin.py"))
    return is_home or _has_section(folder / "pyproject.toml")


def _has_section(path: Path) -> bool:
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        # Whoever reads it next says what is wrong with it.
        return True
    return "turnbuckle" in tree.get("tool", {})


_OPTIONS: Final = (
    click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Set one setting; may be repeated."),
    click.option("--parser", metavar="NAME", help="The parser to use."),
    click.option("--debug/--no-debug", default=None, help="Show tracebacks to clients; never in production."),
    click.option("-p", "--plugin", "plugins", multiple=True, metavar="NAME", help="Enable a plugin; no:NAME disables."),
    click.option("--no-plugins", is_flag=True, help="Enable nothing but what is built in."),
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
    """Give a command the TARGET and the options around it, as its first argument."""
    return _decorated(command, click.argument("target", type=TARGET))


def may_take_target(command: Callable[..., None]) -> Callable[..., None]:
    """Do as ``takes_target`` does, for a command that can do without a TARGET."""
    return _decorated(command, click.argument("target", type=TARGET, required=False))


def _decorated(command: Callable[..., None], argument: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(command)
    def with_target(  # noqa: PLR0913  # one argument for each option, as click has it
        *,
        target: AppTarget | None,
        pairs: tuple[str, ...],
        parser: str | None,
        debug: bool | None,
        plugins: tuple[str, ...],
        no_plugins: bool,
        file: Path | None,
        **own: object,
    ) -> None:
        asked = AppOptions(
            target=target or NO_TARGET,
            flags=tuple(("--set", _checked_pair(pair)) for pair in pairs),
            plugins=plugins,
            no_plugins=no_plugins,
            file=file,
        )
        asked = asked.with_setting("--parser", "parser", parser).with_setting("--debug", "debug", debug)
        command(asked, **own)

    decorated: Callable[..., None] = with_target
    for option in reversed((argument, *_OPTIONS)):
        decorated = option(decorated)
    return decorated


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
