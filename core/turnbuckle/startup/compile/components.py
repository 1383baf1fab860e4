"""Make each component once: when it is first requested, or else at the end of the compilation.

The core uses five kinds itself: ``json`` reads and writes JSON, ``codec:TYPE`` reads and writes content of a media
type, ``loop`` makes the event loop, ``shadow_parser`` combines the factories of two parsers into one that compares
them, ``websocket`` has the options of WebSockets. The command ``turnbuckle openapi`` uses ``openapi``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import attrs

from turnbuckle.errors import ResourceUnavailable
from turnbuckle.http.events import ParserFactory
from turnbuckle.plan import Choice, Plan
from turnbuckle.records import Component
from turnbuckle.server.model.application import LoopFactory
from turnbuckle.setup import Setup
from turnbuckle.startup.model.diagnostics import Diagnostics, candidates, format_error, nearest
from turnbuckle.startup.plugins.validate import fault_of_component, fault_of_made
from turnbuckle.startup.settings.toml_lines import dotted_key
from turnbuckle.web.content.codecs import CODEC_KIND, Codec
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec
from turnbuckle.web.websocket.options import WebSocketOptions

__all__ = [
    "Components",
    "ShadowCombiner",
    "check_factories",
    "check_kinds",
    "codecs_of",
    "json_codec_of",
    "loop_factory_of",
    "make_others",
    "shadow_combiner",
    "websocket_options_of",
]

# The kinds that the core uses, and other names for them.
_KINDS: Final = frozenset({"json", "loop", "openapi", "shadow_parser", "websocket"})
_OTHER_NAMES: Final = {"event_loop": "loop", "json_codec": "json"}
_SIMILAR: Final = 0.7
_CODEC_METHODS: Final = ("encode", "decode")


class ShadowCombiner(Protocol):
    """The component of the kind ``shadow_parser``."""

    def __call__(self, first: ParserFactory, second: ParserFactory, /, *, name: str, sample: float) -> ParserFactory:
        """Return a factory of parsers that decide like the parsers of ``first``.

        Args:
            first: makes the parsers that decide.
            second: makes the parsers that are compared with them.
            name: name of the second parser.
            sample: the share of connections on which they are compared, from 0 to 1.
        """


@attrs.define(eq=False)
class Components:
    """The components of one application.

    Attributes:
        plan: has the choice for each kind.
        setup: the setup for factories, without the settings of their plugins.
    """

    plan: Plan
    setup: Setup
    _made: dict[str, object] = attrs.field(factory=dict, init=False)
    _requested: set[str] = attrs.field(factory=set, init=False)

    def get(self, kind: str) -> object:
        """Return the component of a kind, and make it at the first call.

        Raises:
            LookupError: no enabled plugin provides that kind, or its factory requests the same kind.
        """
        self._requested.add(kind)
        return self.make(kind)

    def make(self, kind: str) -> object:
        """Return the component of a kind like ``get``, but without a note that the kind was requested."""
        if kind in self._made:
            return self._made[kind]
        choice = self.plan.components.get(kind)
        if choice is None:
            hint = candidates(kind, self.plan.components)
            raise LookupError(f"no enabled plugin provides a component of kind {kind!r}{hint}")
        plugin = choice.origin.plugin
        setup = attrs.evolve(self.setup, plugin=plugin, config=self.plan.root.configs.get(plugin))
        made = choice.provider.factory(setup)
        if fault := fault_of_made(kind, made):
            raise TypeError(f"{kind} component {choice.name!r} of {choice.origin}: {fault}")
        self._made[kind] = made
        return made

    def misspelt(self) -> Iterator[tuple[Choice[Component], str]]:
        """Yield the components that nothing has requested so far, and whose kind is similar to a kind that is used."""
        used = _KINDS | self._requested
        for kind, choice in self.plan.components.items():
            name = kind.lower().replace("-", "_")
            near = _OTHER_NAMES.get(name) or nearest(name, used, _SIMILAR)
            if kind not in used and near:
                yield choice, near

    def unrequested(self) -> list[Choice[Component]]:
        """Return the components that nothing has requested yet."""
        return [choice for kind, choice in self.plan.components.items() if kind not in self._requested]


def check_factories(plan: Plan, diagnostics: Diagnostics) -> None:
    """Report the components whose factories could not be called, including components that nothing uses yet."""
    for choice in plan.components.values():
        if fault := fault_of_component(choice.provider.factory):
            _report(choice, fault, diagnostics)


def make_others(components: Components, diagnostics: Diagnostics) -> None:
    """Make the components that nothing has requested, so that their mistakes are found at startup."""
    for choice in components.unrequested():
        if fault_of_component(choice.provider.factory):
            continue  # check_factories() reports the fault
        try:
            components.make(choice.provider.kind)
        except ResourceUnavailable:
            continue  # a lifespan will request it, once the resource is there
        except Exception as error:  # noqa: BLE001  # a factory may raise anything
            _report(choice, format_error(error), diagnostics)


def check_kinds(components: Components, diagnostics: Diagnostics) -> None:
    """Report the components whose kind nothing has requested, and is similar to a kind that is used."""
    for choice, near in components.misspelt():
        kind = choice.provider.kind
        diagnostics.add(
            "TB508",
            f"nothing uses {choice.kind} {choice.name!r}; did you mean the kind {near!r}?",
            choice.origin,
            why=f"a component is requested by its kind; {kind!r} is similar to a kind that is used",
            fix=f"write Component({near!r}, {choice.name!r}, ...), or ignore this if a lifespan requests {kind!r}",
            level="warning",
        )


def json_codec_of(components: Components, diagnostics: Diagnostics) -> JSONCodec:
    """Return the JSON codec of an app: the component ``json``, or the codec of the core."""
    made: JSONCodec | None = _checked(components, "json", _check_codec, diagnostics)
    if made is not None:
        return made
    STANDARD_JSON.use_fast_decoder()
    return STANDARD_JSON


def codecs_of(components: Components, diagnostics: Diagnostics) -> dict[str, Codec]:
    """Return the components ``codec:TYPE`` by media type, in the order of their kinds."""
    found: dict[str, Codec] = {}
    for kind in sorted(kind for kind in components.plan.components if kind.startswith(CODEC_KIND)):
        codec: Codec | None = _checked(components, kind, _check_codec, diagnostics)
        if codec is not None:
            found[kind.removeprefix(CODEC_KIND)] = codec
    return found


def loop_factory_of(components: Components, diagnostics: Diagnostics) -> LoopFactory | None:
    """Return the component ``loop``, which makes the event loop, or None if there is none."""
    made: LoopFactory | None = _checked(components, "loop", _check_callable, diagnostics)
    return made


def shadow_combiner(components: Components, diagnostics: Diagnostics) -> ShadowCombiner | None:
    """Return the component ``shadow_parser``, or None if there is none."""
    made: ShadowCombiner | None = _checked(components, "shadow_parser", _check_callable, diagnostics)
    return made


def websocket_options_of(components: Components, diagnostics: Diagnostics) -> WebSocketOptions:
    """Return the component ``websocket``, or the default options."""
    made: WebSocketOptions | None = _checked(components, "websocket", _check_options, diagnostics)
    return WebSocketOptions() if made is None else made


def _check_options(made: object) -> None:
    if not isinstance(made, WebSocketOptions):
        raise TypeError(f"{made!r:.80} is no WebSocketOptions")


def _check_codec(made: object) -> None:
    missing = [name for name in _CODEC_METHODS if not callable(getattr(made, name, None))]
    if missing:
        raise TypeError(f"{made!r:.80} has no {', '.join(missing)}")


def _check_callable(made: object) -> None:
    if not callable(made):
        raise TypeError(f"{made!r:.80} cannot be called")


def _checked(components: Components, kind: str, check: Callable[[object], None], diagnostics: Diagnostics) -> Any:
    choice = components.plan.components.get(kind)
    if choice is None or fault_of_component(choice.provider.factory):
        return None  # check_factories() reports the fault
    try:
        made = components.get(kind)
        check(made)
    except Exception as error:  # noqa: BLE001  # a factory may raise anything
        _report(choice, format_error(error), diagnostics)
        return None
    return made


def _report(choice: Choice[Component], fault: str, diagnostics: Diagnostics) -> None:
    diagnostics.add(
        "TB507",
        f"{choice.kind} {choice.name!r} cannot be made: {fault}",
        choice.origin,
        why="its factory takes the setup; json and codecs have encode and decode, loop and shadow_parser are functions",
        fix="write 'def factory(setup)' that returns an instance of the component"
        f", or choose another with the setting {dotted_key('components', choice.provider.kind)}",
    )
