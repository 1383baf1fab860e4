"""The type of ``request.state``: values that middleware and handlers share during one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final, final

__all__ = ["State"]

# No attribute has this name. A slot would have to be initialized in each request, or raise an error when it is read.
_DEFERRED: Final = " deferred"
_NOTHING: Final[Mapping[str, Callable[[], object]]] = MappingProxyType({})


@final
class State(SimpleNamespace):
    """Named values of any type: ``state.user`` and ``state["user"]`` are the same value.

    A name that was not set raises ``AttributeError`` as an attribute and ``KeyError`` as a key; ``get`` returns a
    default instead. Iteration and ``len()`` see each name once.
    """

    def defer(self, name: str, make: Callable[[], object]) -> None:
        """Set a value that is made when it is read for the first time; until then, ``vars(state)`` lacks its name."""
        values = self.__dict__
        deferred = values.get(_DEFERRED)
        if deferred is None:
            values[_DEFERRED] = {name: make}
        else:
            deferred[name] = make

    def __getattr__(self, name: str) -> Any:
        # Python calls this only for a name that has no value.
        make = self.__dict__.get(_DEFERRED, _NOTHING).get(name)
        if make is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        value = self.__dict__[name] = make()
        return value

    def __getitem__(self, name: str) -> object:
        values = self.__dict__
        if name not in values and name in values.get(_DEFERRED, _NOTHING):
            return getattr(self, name)
        value: object = values[name]
        return value

    def __setitem__(self, name: str, value: object) -> None:
        self.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        del self.__dict__[name]

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__ or name in self.__dict__.get(_DEFERRED, _NOTHING)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> Mapping[str, object]:
        names = dict.fromkeys((*self.__dict__, *self.__dict__.get(_DEFERRED, ())))
        names.pop(_DEFERRED, None)
        return names

    def get(self, name: str, default: object = None) -> object:
        """Return the value of a name, or the default."""
        values = self.__dict__
        if name in values:
            return values[name]
        deferred = values.get(_DEFERRED)
        return getattr(self, name) if deferred is not None and name in deferred else default
