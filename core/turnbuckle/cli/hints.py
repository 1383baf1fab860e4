"""Suggest this command line's spelling for commands and options that users know from other servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["no_such_command", "suggested_option"]

_COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("run", "runserver", "start", "dev", "server", "up", "start-server", "uvicorn"), "serve"),
        **dict.fromkeys(("init", "create", "startproject", "startapp", "startplugin"), "new"),
        **dict.fromkeys(("urls", "show-urls", "show_urls", "endpoints"), "routes"),
        **dict.fromkeys(("config", "diffsettings", "options"), "settings"),
        **dict.fromkeys(("validate", "lint", "verify"), "check"),
        **dict.fromkeys(("inspect", "show", "info"), "plan"),
    }
)

_HOST_AND_PORT: Final = "'--host ADDRESS' and '--port NUMBER'"
_TARGET: Final = "the app without an option, as in 'turnbuckle serve main:app'"
_OPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("--bind", "-b", "--address", "--addr", "--listen", "--interface"), _HOST_AND_PORT),
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
    }
)


def no_such_command(name: str, known: Iterable[str]) -> str:
    """Return the message for a command that does not exist."""
    from turnbuckle.startup.model.diagnostics import nearest

    text = f"No such command {name!r}."
    if ":" in name or name.endswith(".py"):
        return f"{text} Did you mean 'turnbuckle serve {name}'?"
    near = _COMMANDS.get(name.lower()) or nearest(name, known)
    return f"{text} Did you mean {near!r}?" if near else f"{text} The commands are {', '.join(known)}."


def suggested_option(option: str) -> str:
    """Return what to write instead of an option of another server; "" if the option is not known from one."""
    return _OPTIONS.get(option, "")
