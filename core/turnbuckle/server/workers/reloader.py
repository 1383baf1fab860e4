"""Watch the files of a project during development, and report changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from turnbuckle.errors import TurnbuckleError

__all__ = ["Reload", "Watched", "check_watching", "watching"]

_log: Final = logging.getLogger("turnbuckle.server")

# Milliseconds: how long changes are collected, and how soon a stop is noticed.
_COLLECT_MILLISECONDS: Final = 200
_STOP_CHECK_MILLISECONDS: Final = 100
_MAX_NAMED: Final = 3


@attrs.frozen(kw_only=True)
class Reload:
    """The files that ``turnbuckle serve --reload`` watches, besides the current folder and the app's folder.

    Attributes:
        folders: more folders to watch.
        suffixes: of the files to watch.
    """

    folders: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = (".py", ".toml", ".html", ".jinja", ".jinja2", ".j2", ".txt", ".css", ".js")


@attrs.frozen(kw_only=True)
class Watched:
    """The files to watch.

    Attributes:
        folders: watched with all their subfolders.
        suffixes: of the files to watch.
    """

    folders: tuple[str, ...]
    suffixes: tuple[str, ...]


def check_watching() -> None:
    """Check that files can be watched.

    Raises:
        TurnbuckleError: watchfiles is not installed.
    """
    try:
        import watchfiles  # noqa: F401  # only to check that it is there
    except ImportError as error:
        raise TurnbuckleError(
            "--reload needs watchfiles: pip install 'turnbuckle[reload]', or '.[reload]' in a clone"
        ) from error


@contextmanager
def watching(watched: Watched | None, changed: Callable[[], object]) -> Iterator[None]:
    """Call ``changed`` from another thread whenever files have changed; None watches nothing."""
    if watched is None:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(watched, changed, stop), name="turnbuckle watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(watched: Watched, changed: Callable[[], object], stop: threading.Event) -> None:
    from watchfiles import Change, DefaultFilter, watch

    ignored = DefaultFilter()

    def is_watched(change: Change, path: str) -> bool:
        return path.endswith(watched.suffixes) and ignored(change, path)

    folders = [folder for folder in watched.folders if Path(folder).is_dir()]
    _log.info("watching %s", ", ".join(folders))
    for changes in watch(
        *folders,
        watch_filter=is_watched,
        step=_COLLECT_MILLISECONDS,
        rust_timeout=_STOP_CHECK_MILLISECONDS,
        yield_on_timeout=False,
        stop_event=stop,
        raise_interrupt=False,
    ):
        paths = sorted({path for _, path in changes})
        _log.info("changed: %s", ", ".join(paths[:_MAX_NAMED]) + (", ..." if len(paths) > _MAX_NAMED else ""))
        changed()
