"""Hold what middleware and handlers leave for each other on one request."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TypeVar, final

__all__ = ["State"]

D = TypeVar("D")


@final
class State(SimpleNamespace):
    """Named values of any kind: ``state.user`` and ``state["user"]`` are the same."""

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
