"""Suggest the spelling of a command or an option that does not exist where it was written.

Users know names from other servers, write options before the command, or misspell them.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

__all__ = ["misplaced_option", "no_such_command", "no_such_option", "no_such_question"]

# More than difflib's default of 0.6, which finds short options similar that have only two letters in common.
_CUTOFF: Final = 0.7

_COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("run", "runserver", "start", "dev", "server", "up", "start-server", "uvicorn"), "serve"),
        **dict.fromkeys(("init", "create", "startproject", "startapp", "startplugin"), "new"),
        **dict.fromkeys(("urls", "show-urls", "show_urls", "endpoints"), "routes"),
        **dict.fromkeys(("config", "diffsettings", "options"), "settings"),
        **dict.fromkeys(("validate", "lint", "verify"), "check"),
        **dict.fromkeys(("inspect", "show", "info"), "plan"),
        "help": "--help",
        "version": "--version",
    }
)

_BIND: Final = "'--bind HOST:PORT'"
_TARGET: Final = "the app without an option, as in 'turnbuckle serve main:app'"
_OPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("--address", "--addr", "--listen", "--interface"), _BIND),
        **dict.fromkeys(("--hostname", "--ip"), "'--host ADDRESS'"),
        **dict.fromkeys(("-P", "--http-port"), "'--port NUMBER'"),
        **dict.fromkeys(("-w", "--processes", "--worker", "--num-workers", "--nproc"), "'--workers NUMBER'"),
        **dict.fromkeys(("--app", "-A", "--application", "--wsgi-app"), _TARGET),
        "--factory": "the factory with parentheses, as in 'turnbuckle serve \"main:create_app()\"'",
        **dict.fromkeys(("--uds", "--unix-socket", "--socket"), "'--unix PATH'"),
        **dict.fromkeys(("-m", "--umask"), "'--unix-mode MODE'"),
        **dict.fromkeys(("--ssl-certfile", "--certfile", "--cert", "--ssl-cert"), "'--tls-cert FILE'"),
        **dict.fromkeys(("--ssl-keyfile", "--keyfile", "--key", "--ssl-key"), "'--tls-key FILE'"),
        **dict.fromkeys(("--ssl-ca-certs", "--ca-certs"), "'--set tls.client_ca=FILE'"),
        **dict.fromkeys(("-c", "--config", "--config-file", "--conf"), "'--settings FILE'"),
        **dict.fromkeys(("--pid", "--pidfile", "--pid-file"), "'--ready-file PATH'"),
        **dict.fromkeys(("--use-reloader", "--auto-reload", "--watch", "-r"), "'--reload'"),
        **dict.fromkeys(("--reload-dir", "--reload-dirs", "--extra-files"), "'--set reload.folders=PATH'"),
        **dict.fromkeys(("--timeout-keep-alive", "--keep-alive", "--keepalive"), "'--set timeouts.idle=SECONDS'"),
        **dict.fromkeys(("--timeout", "-t", "--request-timeout"), "'--set timeouts.handler=SECONDS'"),
        **dict.fromkeys(
            ("--graceful-timeout", "--timeout-graceful-shutdown", "--shutdown-timeout"),
            "'--set timeouts.shutdown=SECONDS'",
        ),
        **dict.fromkeys(("--limit-concurrency", "--concurrency"), "'--set capacity.concurrent_requests=NUMBER'"),
        **dict.fromkeys(("--worker-connections", "--max-connections"), "'--set capacity.connections=NUMBER'"),
        **dict.fromkeys(("--limit-max-requests", "--max-requests"), "'--set workers.max_requests=NUMBER'"),
        "--backlog": "'--set server.backlog=NUMBER'",
        "--reuse-port": "'--set server.reuse_port=true'",
        **dict.fromkeys(("--access-logfile", "--access-log-file"), "'--access-log'"),
        **dict.fromkeys(("--proxy-headers", "--forwarded-allow-ips"), "'-p proxy_headers', which trusts named proxies"),
        "--proxy-protocol": "'--set proxy.protocol=true'",
        **dict.fromkeys(("-l", "--loglevel"), "'--log-level LEVEL'"),
        "-V": "'--version'",
    }
)

# The settings that options of "serve" set; every command with --set takes them.
_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "--host": "server.host",
        "--port": "server.port",
        "--bind": "server.bind",
        "-b": "server.bind",
        "--unix": "server.unix",
        "--unix-mode": "server.unix_mode",
        "--fd": "server.fds",
        "--ready-file": "server.ready_file",
        "--workers": "workers.count",
        "--access-log": "log.access",
        "--log-level": "log.level",
        "--log-format": "log.format",
        "--tls-cert": "tls.cert",
        "--tls-key": "tls.key",
        "--loop": "server.loop",
    }
)


def no_such_command(name: str, known: Iterable[str]) -> str:
    """Return the message for a command that does not exist."""
    text = f"No such command {name!r}."
    if ":" in name or name.endswith(".py"):
        return f"{text} Did you mean 'turnbuckle serve {name}'?"
    names = tuple(known)
    if near := _COMMANDS.get(name.lower()) or _nearest(name, names, 0.6):
        return f"{text} Did you mean {near!r}?"
    if _is_module(name):
        return f"{text} Did you mean 'turnbuckle serve {name}'?"
    return f"{text} The commands are {', '.join(names)}."


def no_such_question(name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown subcommand of ``why``, which may be the name of the part itself."""
    text = f"No such command {name!r}."
    names = tuple(known)
    if near := _nearest(name, names, 0.6):
        return f"{text} Did you mean {near!r}?"
    if name.startswith("/"):
        return f"{text} Did you mean 'why route {name}'?"
    if ":" in name or name.endswith(".py"):
        return f"{text} The app comes last: 'why route /path {name}'. The kinds of parts are {', '.join(names)}."
    if "." in name:
        return f"{text} Did you mean 'why setting {name}'?"
    return f"{text} Name the kind of the part first: {', '.join(names)}."


def no_such_option(option: str, command: str, options: Mapping[str, Collection[str]]) -> str:
    """Return the message for an option that a command does not have.

    Args:
        option: the option, with its dashes.
        command: name of the command.
        options: all options of each command of the core.
    """
    text = f"No such option {option!r}."
    if suggestion := _OPTIONS.get(option):
        return f"{text} Did you mean {suggestion}?"
    own = options.get(command, ())
    if near := _nearest(option, own):
        return f"{text} Did you mean {near!r}?"
    if option in options.get("serve", ()):
        setting = _SETTINGS.get(option)
        instead = f"; elsewhere, write '--set {setting}=VALUE'" if setting and "--set" in own else ""
        return f"{text} It is an option of 'serve'{instead}."
    others = [name for name, theirs in options.items() if option in theirs]
    return f"{text} {_having(others)} it." if others else text


def misplaced_option(option: str, args: Sequence[str], options: Mapping[str, Collection[str]]) -> str:
    """Return the message for an unknown option before the command.

    Args:
        option: the option, with its dashes.
        args: all arguments of the command line.
        options: all options of each command of the core.
    """
    at = next((index for index, arg in enumerate(args) if arg in options), None)
    command = args[at] if at is not None else "serve"
    own = options.get(command, ())
    if option not in own:
        if at is None and not _nearest(option, own) and option not in _OPTIONS:
            return no_such_option(option, command, {})
        return no_such_option(option, command, options) + f" Options of {command!r} follow it."
    rest = [*args[:at], *args[at + 1 :]] if at is not None else list(args)
    line = shlex.join(["turnbuckle", command, *rest])
    return f"No such option {option!r} before the command. Did you mean {line!r}?"


def _having(commands: Sequence[str]) -> str:
    names = [repr(name) for name in commands]
    return f"Only {names[0]} has" if len(names) == 1 else f"Only {', '.join(names[:-1])} and {names[-1]} have"


def _nearest(name: str, known: Iterable[str], cutoff: float = _CUTOFF) -> str:
    from turnbuckle.startup.model.diagnostics import nearest

    return nearest(name, known, cutoff)


def _is_module(name: str) -> bool:
    path = Path(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
