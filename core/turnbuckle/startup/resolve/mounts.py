"""Choose the provider that serves each mounted app, and report mounts that nothing serves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, cast

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.http.limits import Limits
from turnbuckle.plan import Overruled, PlannedMount, PlannedParameter, PlannedScope, PlannedSignature, SettingValue
from turnbuckle.records import Mount, MountProvider
from turnbuckle.routing.converters import Converters
from turnbuckle.routing.records import Route
from turnbuckle.runtime.scope_match import ScopeMatcher
from turnbuckle.startup.collect.interfaces import interface_of
from turnbuckle.startup.model.diagnostics import Diagnostics, did_you_mean, format_error
from turnbuckle.startup.parameters.declared_suppliers import planned_guards
from turnbuckle.startup.parameters.signatures import SignatureResolver
from turnbuckle.startup.plugins.bundled import FIRST_PARTY
from turnbuckle.startup.resolve.route_options import OptionReader
from turnbuckle.startup.resolve.route_overrides import OverrideReader, RouteOverrides
from turnbuckle.web.handlers import describe_handler

__all__ = ["UNLIMITED_CONTENT", "MountPlanner", "check_mounts"]


class _NoLimit(int):
    """A number beyond any size, which reports show as "none"."""

    def __repr__(self) -> str:
        return "none"


UNLIMITED_CONTENT: Final = _NoLimit(1 << 62)
"""The content limit in bytes of a mount without a limit."""

_WHY: Final = "a mounted app is served by the plugin for its interface"
_CONTENT: Final = "limits.content"
_INTERFACES: Final = frozenset({"asgi", "wsgi"})


@attrs.frozen(kw_only=True)
class MountPlanner:
    """Plans the mounts of one scope.

    Attributes:
        providers: the providers of the scope and of the scopes around it.
        converters: the converters that paths may name.
        overrides: reads the limits and deadlines of mounts.
        options: reads the options of mounts that plugins declare.
        diagnostics: where mounts that cannot be used are reported.
        signatures: finds the suppliers of the parameters of guards.
        guards: the guards of the scope and of the scopes around it, outermost first.
        failed: names of the enabled plugins that could not be loaded; a mount that needs one of them is not reported.
    """

    providers: Sequence[Sourced[MountProvider]]
    converters: Converters
    overrides: OverrideReader
    options: OptionReader
    diagnostics: Diagnostics
    signatures: SignatureResolver
    guards: Sequence[Sourced[Callable[..., object]]]
    failed: Collection[str] = ()

    def mounts(
        self, declared: Sequence[Mount], overrides: RouteOverrides, options: Mapping[str, object]
    ) -> list[PlannedMount]:
        """Return the mounts of a scope that can be served, in the order of their declaration.

        Args:
            declared: the mounts.
            overrides: the limits and deadlines of the scope.
            options: the options of the scope for plugins.
        """
        planned = (self._planned(mount, overrides, options) for mount in declared)
        return [mount for mount in planned if mount is not None]

    def _planned(self, mount: Mount, overrides: RouteOverrides, options: Mapping[str, object]) -> PlannedMount | None:
        if ScopeMatcher.of(mount.path, mount.host, self.converters) is None:
            self._report(
                "TB435",
                f"an app cannot be mounted at {mount.host}{mount.path}",
                mount,
                "requests belong to a mount by the first segments of their path and by their host, and this path or"
                " host cannot be compared with them",
                "mount it at a path of plain segments and parameters of one segment each, and a valid host",
            )
            return None
        chosen = self._provider(mount)
        if chosen is None:
            return None
        provider, rule = chosen
        route = Route(
            path=mount.path or "/",
            handler=mount.app,  # type: ignore[arg-type]  # the provider accepts it
            methods=(),
            name=mount.name,
            host=mount.host,
            limits=mount.limits,
            timeouts=mount.timeouts,
            options=mount.options,
            origin=mount.origin,
        )
        route = self.options.of_route(options, route)
        return PlannedMount(
            mount=mount,
            route=route,
            provider=provider,
            rule=rule,
            signature=PlannedSignature(
                parameters=(PlannedParameter(name="request", source="request"),),
                guards=planned_guards(self.guards, self.signatures, self.diagnostics),
            ),
            overrides=self._limited(self.overrides.of_route(overrides, route)),
        )

    def _limited(self, overrides: RouteOverrides) -> RouteOverrides:
        """Return the overrides without the default of the content limit, which is meant for handlers that store it."""
        setting = self.overrides.values[_CONTENT]
        if _CONTENT in overrides or setting.source != "default":
            return overrides
        default = Overruled(Limits().content, "default")
        unlimited = SettingValue(
            key=_CONTENT, value=UNLIMITED_CONTENT, source="default of mounted apps", overruled=(default,)
        )
        return {**overrides, _CONTENT: unlimited}

    def _provider(self, mount: Mount) -> tuple[Sourced[MountProvider], str] | None:
        if _is_contradiction(mount):
            self._report_unfit(mount)
            return None
        if mount.kind:
            named = [entry for entry in self.providers if entry.record.name == mount.kind]
            if named:
                return named[-1], f"kind={mount.kind!r} names it"
            if not self._has_failed(mount.kind):
                self._report_kind(mount)
            return None
        answers = [(entry, self._accepts(entry, mount)) for entry in self.providers]
        accepting = [entry for entry, accepts in answers if accepts]
        if len(accepting) == 1:
            return accepting[0], "it accepts the app"
        if any(accepts is None for _, accepts in answers):
            return None
        if accepting:
            names = " and ".join(repr(entry.record.name) for entry in accepting)
            fix = f"name one of them, as in app.mount({mount.path or '/'!r}, ..., kind={accepting[0].record.name!r})"
            self._report(
                "TB433", f"{names} both accept the app mounted at {_place(mount)}", mount, _WHY, fix, entries=accepting
            )
        elif not self._report_unfit(mount) and not self._has_failed(interface_of(mount.app)):
            self._report_unserved(mount)
        return None

    def _has_failed(self, kind: str) -> bool:
        """Return whether the plugin for a kind of apps is enabled, and could not be loaded."""
        first_party = FIRST_PARTY["mount"].get(kind)
        return first_party is not None and first_party.plugin in self.failed

    def _report_unfit(self, mount: Mount) -> bool:
        """Report an app that no usual provider could serve; return whether it is one."""
        interface = interface_of(mount.app)
        reasons = {
            "turnbuckle": (
                "a Turnbuckle app",
                "only one app has the parser, the connections and the settings of a server",
                "open a scope with app.scope(prefix), and add the routes and plugins to it",
            ),
            "factory": (
                f"{describe_handler(mount.app)}, which takes no arguments",
                "a function without parameters makes an app, and is no app",
                "call it: app.mount(path, create_app())",
            ),
            "asgi2": (
                f"{describe_handler(mount.app)}, which takes one argument, as apps of ASGI 2 do",
                "in ASGI 3, an app is called once, with (scope, receive, send)",
                "wrap it: asgiref.compatibility.guarantee_single_callable(app)",
            ),
        }
        if interface in _INTERFACES - {mount.kind} and mount.kind:
            what = f"{describe_handler(mount.app)}, which has the parameters of {interface.upper()}"
            fix = f"write kind={interface!r}, or leave it out"
            self._report("TB435", f"the app mounted at {_place(mount)} is {what}", mount, _WHY, fix)
            return True
        if interface not in reasons and (interface or callable(mount.app)):
            return False
        what, why, fix = reasons.get(
            interface, (f"{describe_handler(mount.app)}, which cannot be called", _WHY, "mount an ASGI or WSGI app")
        )
        self._report("TB435", f"the app mounted at {_place(mount)} is {what}", mount, why, fix)
        return True

    def _accepts(self, entry: Sourced[MountProvider], mount: Mount) -> bool | None:
        """Return whether a provider accepts an app; None if it failed, which is reported."""
        try:
            return bool(entry.record.accepts(mount.app))
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            what = f"mount provider {entry.record.name!r} cannot decide about {describe_handler(mount.app)}"
            text = f"{what}: {format_error(error)}"
            self._report("TB433", text, mount, _WHY, "correct its function 'accepts'", entries=[entry])
            return None

    def _report_kind(self, mount: Mount) -> None:
        known = {entry.record.name for entry in self.providers}
        first_party = FIRST_PARTY["mount"].get(mount.kind)
        near = "" if first_party else did_you_mean(mount.kind, {*known, *FIRST_PARTY["mount"]})
        fix = first_party.remedy if first_party else f"name one of {', '.join(sorted(known)) or 'asgi, wsgi'}"
        self._report("TB433", f"no plugin serves mounts of the kind {mount.kind!r}{near}", mount, _WHY, fix)

    def _report_unserved(self, mount: Mount) -> None:
        interface = interface_of(mount.app)
        what = {"asgi": "an ASGI app", "wsgi": "a WSGI app"}.get(interface, "an app of an unknown interface")
        first_party = FIRST_PARTY["mount"].get(interface)
        fix = first_party.remedy if first_party else "name its interface, as in app.mount(..., kind='asgi')"
        text = f"no plugin serves the app mounted at {_place(mount)}: {describe_handler(mount.app)} is {what}"
        self._report("TB433", text, mount, _WHY, fix)

    def _report(  # the parts of a diagnostic
        self,
        code: str,
        text: str,
        mount: Mount,
        why: str,
        fix: str,
        *,
        entries: Sequence[Sourced[MountProvider]] = (),
    ) -> None:
        origin = mount.origin or Origin(plugin="app")
        self.diagnostics.add(code, text, origin, *(entry.origin for entry in entries), why=why, fix=fix)


def check_mounts(root: PlannedScope, converters: Converters, diagnostics: Diagnostics) -> None:
    """Report mounts that claim the same requests."""
    first: dict[object, PlannedMount] = {}
    for planned in (mount for scope in root.walk() for mount in scope.mounts):
        mount = planned.mount
        matcher = ScopeMatcher.of(mount.path, mount.host, converters)
        before = first.setdefault(matcher.key if matcher is not None else mount, planned)
        if before is not planned:
            diagnostics.add(
                "TB434",
                f"two apps are mounted at {_place(mount)}",
                *(origin for origin in (mount.origin, before.mount.origin) if origin is not None),
                why="requests go to a mount by their path and host, so the second app would never be called",
                fix="mount one of them at another path",
            )


def _is_contradiction(mount: Mount) -> bool:
    """Return whether no provider of the kind that a mount names could call its app."""
    interface = interface_of(mount.app)
    if interface == "turnbuckle":
        return True
    if mount.kind not in _INTERFACES:
        return False
    is_other = interface in _INTERFACES - {mount.kind}
    return is_other or not callable(mount.app) or (mount.kind == "asgi" and _takes_only_the_scope(mount.app))


def _takes_only_the_scope(app: object) -> bool:
    """Return whether an app has the parameters of ASGI 2, and cannot be called as ASGI 3 asks for."""
    if interface_of(app) != "asgi2":
        return False
    try:
        inspect.signature(cast("Callable[..., object]", app)).bind(None, None, None)
    except TypeError:
        return True
    return False


def _place(mount: Mount) -> str:
    return f"{mount.host}{mount.path or '/'}"
