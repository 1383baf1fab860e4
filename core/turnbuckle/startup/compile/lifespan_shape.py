"""Say what is wrong with the factory of a lifespan, as far as that can be known before it is entered."""

from __future__ import annotations

import inspect

__all__ = ["fault_of"]


def fault_of(factory: object) -> str:
    """Return why a factory cannot make an async context manager from a setup; "" if nothing is known against it."""
    if not callable(factory):
        return f"{factory!r} cannot be called"
    written = inspect.unwrap(factory)
    if inspect.isasyncgenfunction(factory):
        return "an 'async def' that yields is no context manager yet"
    if inspect.iscoroutinefunction(written):
        return "an 'async def' that does not yield is no context manager"
    if inspect.isgeneratorfunction(written):
        return "a 'def' that yields makes no async context manager"
    return "" if _takes_one(factory) else "it does not take the setup as its one argument"


def _takes_one(factory: object) -> bool:
    try:
        inspect.signature(factory).bind(None)  # type: ignore[arg-type]  # known to be callable
    except TypeError:
        return False
    except ValueError:
        # Written in C: nothing is known.
        return True
    return True
