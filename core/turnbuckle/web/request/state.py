"""The type of ``request.state``: values that middleware and handlers share during one request."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import final

__all__ = ["State"]


@final
class State(SimpleNamespace):
    """Named values of any type: ``state.user`` and ``state["user"]`` are the same value.

    A name that was not set raises ``AttributeError`` as an attribute and ``KeyError`` as a key; ``get`` returns a
    default instead. Iteration and ``len()`` see each name once.
    """

    def __getitem__(self, name: str) -> object:
        value: object = self.__dict__[name]
        return value

    def __setitem__(self, name: str, value: object) -> None:
        self.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        del self.__dict__[name]

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def get(self, name: str, default: object = None) -> object:
        """Return the value of a name, or the default."""
        return self.__dict__.get(name, default)
