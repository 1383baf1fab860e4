"""The type of ``request.state``: values that middleware and handlers share during one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, final

__all__ = ["State"]


@final
class State(SimpleNamespace):
    """Named values of any type: ``state.user`` and ``state["user"]`` are the same value.

    A name that was not set raises ``AttributeError`` as an attribute and ``KeyError`` as a key; ``get`` returns a
    default instead. Iteration and ``len()`` see each name once. ``vars(state)`` has the values that were set or made.
    """

    __slots__ = ("_deferred",)
    _deferred: dict[str, Callable[[], object]]

    def defer(self, name: str, make: Callable[[], object]) -> None:
        """Set a value that is made when it is read for the first time."""
        self._deferred = {**self._pending(), name: make}

    def _pending(self) -> dict[str, Callable[[], object]]:
        # Few states have deferred values. Initializing the slot would cost time on every request.
        return getattr(self, "_deferred", {})

    def __getattr__(self, name: str) -> Any:
        # Python calls this only for a name that has no value.
        make = None if name == "_deferred" else self._pending().get(name)
        if make is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        value = self.__dict__[name] = make()
        return value

    def __getitem__(self, name: str) -> object:
        values = self.__dict__
        if name not in values and name in self._pending():
            return getattr(self, name)
        value: object = values[name]
        return value

    def __setitem__(self, name: str, value: object) -> None:
        self.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        del self.__dict__[name]

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__ or name in self._pending()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self.__dict__, *self._pending())))

    def __len__(self) -> int:
        return len({*self.__dict__, *self._pending()})

    def get(self, name: str, default: object = None) -> object:
        """Return the value of a name, or the default."""
        return self[name] if name in self else default  # noqa: SIM401  # this is that method
