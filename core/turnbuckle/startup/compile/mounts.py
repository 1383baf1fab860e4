"""Adapt the mounted apps of a plan, and find the mount of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.plan import Plan, PlannedMount, PlannedParameter, PlannedScope, PlannedSignature
from turnbuckle.records import Lifespan, MountedApp
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converters
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.runtime.dispatch import CompiledRoute
from turnbuckle.runtime.mounts import MountEntry, compile_mount_lookup
from turnbuckle.runtime.scope_match import ScopeMatcher
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.builtin import BUILTIN_PLUGINS
from turnbuckle.startup.model.diagnostics import Diagnostics, format_error
from turnbuckle.web.request.request import Request
from turnbuckle.web.websocket.options import WebSocketOptions

__all__ = [
    "AdaptedMount",
    "adapt_mounts",
    "find_mount",
    "for_websocket",
    "may_have_routes",
    "mount_options",
    "with_mounts",
]

_BUILTIN_NAMES: Final = frozenset(plugin.info.name for plugin in BUILTIN_PLUGINS)
_WHY: Final = "'adapt' takes the mount and the setup, and returns a MountedApp"


@attrs.frozen(eq=False)
class AdaptedMount:
    """A mount with the functions that serve it.

    Attributes:
        planned: the mount.
        scope: the scope of the mount.
        app: the functions.
        lifespans: the contexts of the app, with the origin of the provider.
    """

    planned: PlannedMount
    scope: PlannedScope
    app: MountedApp
    lifespans: tuple[Sourced[Lifespan], ...]


def adapt_mounts(
    plan: Plan, setup_of: Callable[[PlannedScope, str], Setup], diagnostics: Diagnostics
) -> list[AdaptedMount]:
    """Return the functions that serve the mounts of an app.

    Args:
        plan: the plan of the app.
        setup_of: returns the setup of a plugin in a scope.
        diagnostics: where providers that fail are reported.
    """
    adapted = []
    for planned, scope in plan.mounts():
        provider, origin = planned.provider.record, planned.provider.origin
        try:
            app: object = provider.adapt(planned.mount, _with_config(setup_of(scope, origin.plugin), plan, origin))
            if not isinstance(app, MountedApp) or not callable(app.handler):
                raise TypeError(f"it returned {app!r:.80}, which is no MountedApp with a handler")
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            diagnostics.add(
                "TB509",
                f"the app mounted at {planned.mount.host}{planned.route.path} cannot be adapted: {format_error(error)}",
                *(place for place in (planned.mount.origin, origin) if place is not None),
                why=_WHY,
                fix=f"correct 'adapt' of mount provider {provider.name!r}, or remove the mount",
            )
            continue
        here = attrs.evolve(origin, location=planned.mount.origin.location if planned.mount.origin else "")
        adapted.append(AdaptedMount(planned, scope, app, tuple(Sourced(lifespan, here) for lifespan in app.lifespans)))
    return adapted


def with_mounts(
    find: Callable[[Request], MatchParts] | None,
    plan: Plan,
    mounts: Sequence[AdaptedMount],
    call_of: Callable[[AdaptedMount], Callable[..., Any]],
) -> Callable[[Request], MatchParts]:
    """Return the function that finds the handler of a request in the routers of an app, and then among its mounts.

    Args:
        find: finds the handler of a route; None for no routes.
        plan: the plan of the app.
        mounts: the mounts.
        call_of: returns the compiled handler of a mount.
    """
    by_plan = {id(mount.planned): mount for mount in mounts}
    entries = []
    for matcher, planned, _ in _matched([(mount.planned, mount.scope) for mount in mounts], plan.converters):
        entries.append(MountEntry(matcher, CompiledRoute(planned.route, call_of(by_plan[id(planned)]))))
    return compile_mount_lookup(find, entries)


def may_have_routes(plan: Plan) -> bool:
    """Return whether a router of an app may have routes, so that it has to be searched before the mounts."""
    routers = [scope.router for scope in plan.root.walk() if scope.router is not None]
    # A router of a plugin may have its own routes.
    return any(True for _ in plan.routes()) or any(router.origin.plugin not in _BUILTIN_NAMES for router in routers)


def for_websocket(planned: PlannedMount) -> PlannedSignature:
    """Return the signature of the handler of WebSockets of a mount: the guards, and the WebSocket."""
    return attrs.evolve(planned.signature, parameters=(PlannedParameter(name="socket", source="websocket"),))


def mount_options(plan: Plan, options: WebSocketOptions) -> WebSocketOptions:
    """Return the options of the WebSockets of mounted apps: any origin, unless the settings name the origins.

    The app may decide about origins itself, and would do so on another server.
    """
    origins = plan.setting_values.get("plugin.websocket.origins")
    return options if origins is not None and origins.source != "default" else attrs.evolve(options, origins=("*",))


def _with_config(setup: Setup, plan: Plan, origin: Origin) -> Setup:
    """Return the setup with the settings of the plugin, which may be enabled in a scope around the mount."""
    configs = (scope.configs for scope in plan.root.walk() if scope.prefix == origin.scope)
    found: Mapping[str, object] = next((config for config in configs if origin.plugin in config), {})
    return attrs.evolve(setup, config=found.get(origin.plugin))


def _matched(
    mounts: Sequence[tuple[PlannedMount, PlannedScope]], converters: Converters = BUILTIN_CONVERTERS
) -> list[tuple[ScopeMatcher, PlannedMount, PlannedScope]]:
    """Return mounts with the matchers of their requests, narrower mounts first."""
    found = ((ScopeMatcher.of(entry.mount.path, entry.mount.host, converters), entry, scope) for entry, scope in mounts)
    known = [(matcher, entry, scope) for matcher, entry, scope in found if matcher is not None]
    return sorted(known, key=lambda match: match[0].order)


def find_mount(plan: Plan, request: Request) -> tuple[PlannedMount, PlannedScope, Mapping[str, object]] | None:
    """Return the mount that serves a request, its scope, and the parameters in its path and host; None for none."""
    if not request.raw_path.startswith("/"):
        return None
    for matcher, planned, scope in _matched(list(plan.mounts()), plan.converters):
        params = matcher.read(request)
        if params is not None:
            return planned, scope, params
    return None
