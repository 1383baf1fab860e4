"""Keep what lifespans yield, and find it by its typed key.

One ``Resources`` belongs to a compiled application. Lifespans put values in when they are entered and take them out
when they are left; requests and setups look them up. What a scope provides is found in that scope and in those within.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar, cast, final

from turnbuckle.diagnostics import ResourceKey
from turnbuckle.errors import ResourceUnavailable

__all__ = ["Phase", "Providers", "Resources"]

T = TypeVar("T")

Phase: TypeAlias = Literal["not started", "starting", "serving", "stopping", "stopped"]
"""How far the application is."""

Providers: TypeAlias = Mapping[tuple[str, ResourceKey[object]], str]
"""Who provides a key in the scope of a prefix, in words."""

_NOWHERE: Final[Providers] = MappingProxyType({})
_ROOT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"": ("",)})


@final
class Resources:
    """The resources of one application.

    Args:
        providers: who provides what.
        layers: for the prefix of a scope, the prefixes to look under: its own first, "" for the app last.

    Attributes:
        phase: how far the application is.
    """

    __slots__ = ("_layers", "_providers", "_values", "phase")

    def __init__(self, providers: Providers = _NOWHERE, layers: Mapping[str, tuple[str, ...]] = _ROOT) -> None:
        self.phase: Phase = "not started"
        self._providers: Final = providers
        self._layers: Final = layers
        self._values: Final[dict[tuple[str, ResourceKey[object]], object]] = {}

    def get(self, key: ResourceKey[T], scope: str = "") -> T:
        """Return the resource of a key, as the scope of a prefix sees it.

        Raises:
            ResourceUnavailable: nothing provides it, or what does is not entered.
        """
        for prefix in self._layers.get(scope, ("",)):
            if (prefix, key) in self._values:
                # Looked at when it was put there.
                return cast("T", self._values[prefix, key])
            if (prefix, key) in self._providers:
                break
        raise ResourceUnavailable(self._complaint(key, scope), key.name, self.phase)

    def put(self, key: ResourceKey[object], value: object, scope: str = "") -> None:
        """Let a resource be found.

        Raises:
            TypeError: the value is no instance of the type of its key.
            RuntimeError: there is one already.
        """
        if not _fits(value, key.type):
            raise TypeError(f"{key} is a {key.type.__qualname__}, but {value!r:.80} was yielded")
        if (scope, key) in self._values:
            raise RuntimeError(f"{key} is there already: two servers at once need an application each")
        self._values[scope, key] = value

    def remove(self, key: ResourceKey[object], scope: str = "") -> None:
        """Let a resource be found no more."""
        self._values.pop((scope, key), None)

    def _complaint(self, key: ResourceKey[object], scope: str) -> str:
        layers = self._layers.get(scope, ("",))
        provider = next((self._providers[at, key] for at in layers if (at, key) in self._providers), "")
        if provider:
            return f"{key} is not there while the app is {self.phase}: {provider} provides it as long as it is entered"
        elsewhere = [f"{who} in scope {at!r}" for (at, each), who in self._providers.items() if each == key]
        hint = f"; {elsewhere[0]} keeps its own" if elsewhere else ""
        return f"nothing provides {key}{hint}"


def _fits(value: object, kind: type) -> bool:
    try:
        return isinstance(value, kind)
    except TypeError:
        # A protocol that cannot be looked at when the program runs; type checkers have done so.
        return True
