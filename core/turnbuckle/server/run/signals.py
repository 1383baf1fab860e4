"""Call functions on the serving loop when the process gets a stop signal or a reload signal."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

__all__ = ["on_reload_signal", "on_stop_signals"]

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_stop_signals(callback: Callable[[], object]) -> Iterator[None]:
    """Call ``callback`` on the running loop for each SIGINT and SIGTERM; restore the previous handlers afterwards.

    Only the main thread receives signals: in any other thread this does nothing.
    """
    with _on_signals(_STOP_SIGNALS, callback):
        yield


@contextmanager
def on_reload_signal(callback: Callable[[], object] | None) -> Iterator[None]:
    """Call ``callback`` for each SIGHUP; without a callback, SIGHUP keeps its handler."""
    with _on_signals((signal.SIGHUP,) if callback is not None else (), callback or _nothing):
        yield


def _nothing() -> None:
    """Stand in for a missing callback; never called."""


@contextmanager
def _on_signals(numbers: Sequence[signal.Signals], callback: Callable[[], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        for number, handler in previous.items():
            loop.remove_signal_handler(number)
            # None means that the handler was not installed from Python, and cannot be restored from it.
            if handler is not None:
                signal.signal(number, handler)
