"""Store the values that lifespans yield, and look them up by typed keys.

Each compiled application has one ``Resources``. A lifespan adds its values when it is entered and removes them when it
is left; requests and setups look them up. A resource of a scope is visible in that scope and in the scopes inside it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import FrameType, MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar, cast, final

from turnbuckle.diagnostics import ResourceKey, file_location, not_a_key
from turnbuckle.errors import ResourceUnavailable

__all__ = ["Phase", "Providers", "Resources"]

T = TypeVar("T")

Phase: TypeAlias = Literal["not started", "starting", "serving", "stopping", "stopped"]
"""The phases of an application."""

Providers: TypeAlias = Mapping[tuple[str, ResourceKey[object]], str]
"""A description of the provider, by scope prefix and key."""

_NOWHERE: Final[Providers] = MappingProxyType({})
_MAX_LISTED: Final = 20
_ROOT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"": ("",)})


@final
class Resources:
    """The resources of one application.

    Args:
        providers: descriptions of all providers, for messages.
        layers: by the prefix of a scope, the prefixes to search: its own first, "" for the app last.

    Attributes:
        phase: the current phase of the application.
        server: the server of the application, for ``setup.monitor``; None before it starts.
    """

    __slots__ = ("_layers", "_providers", "_values", "phase", "server")

    def __init__(self, providers: Providers = _NOWHERE, layers: Mapping[str, tuple[str, ...]] = _ROOT) -> None:
        self.phase: Phase = "not started"
        self.server: object = None
        self._providers: Final = providers
        self._layers: Final = layers
        self._values: Final[dict[tuple[str, ResourceKey[object]], object]] = {}

    def get(self, key: ResourceKey[T], scope: str = "") -> T:
        """Return the resource of a key, as seen from the scope of a prefix.

        Raises:
            ResourceUnavailable: no lifespan provides the key, or the lifespan is not active.
        """
        for prefix in self._layers.get(scope, ("",)):
            if (prefix, key) in self._values:
                # The type was checked when the value was added.
                return cast("T", self._values[prefix, key])
            if (prefix, key) in self._providers:
                break
        if not isinstance(key, ResourceKey):
            raise not_a_key(key)
        raise ResourceUnavailable(self._unavailable(key, scope), key.name, self.phase)

    def put(self, key: ResourceKey[object], value: object, scope: str = "") -> None:
        """Add a resource.

        Raises:
            TypeError: the value is not an instance of the type of its key.
            RuntimeError: the scope already has a resource of this key.
        """
        if not _is_instance(value, key.type):
            raise TypeError(f"{key} is a {key.type.__qualname__}, but {value!r:.80} was yielded")
        if (scope, key) in self._values:
            raise RuntimeError(f"{key} exists already: each running server needs its own application")
        self._values[scope, key] = value

    def remove(self, key: ResourceKey[object], scope: str = "") -> None:
        """Remove a resource."""
        self._values.pop((scope, key), None)

    def _unavailable(self, key: ResourceKey[object], scope: str) -> str:
        layers = self._layers.get(scope, ("",))
        provider = next((self._providers[prefix, key] for prefix in layers if (prefix, key) in self._providers), "")
        if provider:
            return f"{key} is not available while the app is {self.phase}: {provider} provides it while it is active"
        elsewhere = [
            f"{provider} in scope {prefix!r}"
            for (prefix, provided), provider in self._providers.items()
            if provided == key
        ]
        hint = f"{elsewhere[0]} provides it there only" if elsewhere else self._provided(layers)
        return f"nothing provides {key} of type {key.type.__qualname__}, requested at {_place_of_request()}; {hint}"

    def _provided(self, layers: Sequence[str]) -> str:
        keys = [key for prefix, key in self._providers if prefix in layers][:_MAX_LISTED]
        listed = ", ".join(f"{key.name!r} of type {key.type.__qualname__}" for key in keys)
        return f"provided are {listed}" if listed else "no lifespan provides a resource here"


def _place_of_request() -> str:
    """Return ``file:line`` of the nearest caller outside of the core."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and f"{frame.f_globals.get('__name__')}.".startswith("turnbuckle."):
        frame = frame.f_back
    if frame is None:
        return "an unknown place"
    return file_location(frame.f_code.co_filename, frame.f_lineno)


def _is_instance(value: object, kind: type) -> bool:
    try:
        return isinstance(value, kind)
    except TypeError:
        # The type is a protocol that cannot be checked at run time; type checkers check it.
        return True
