"""Call something on the serving loop when the process is asked to stop, or to read its files again."""

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
    """Call ``callback`` on the running loop for each SIGINT and SIGTERM, then restore what they did before.

    Only the main thread hears signals: in any other thread this does nothing.
    """
    with _on_signals(_STOP_SIGNALS, callback):
        yield


@contextmanager
def on_reload_signal(callback: Callable[[], object] | None) -> Iterator[None]:
    """Do the same for SIGHUP; without a callback it is left as it is."""
    with _on_signals((signal.SIGHUP,) if callback is not None else (), callback or _nothing):
        yield


def _nothing() -> None:
    """Be called by nobody."""


@contextmanager
def _on_signals(numbers: Sequence[signal.Signals], callback: Callable[[], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, callback)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            # None is a handler that was not set from Python, and cannot be set from it.
            if handler is not None:
                signal.signal(number, handler)
