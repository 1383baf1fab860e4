"""Explain the state of a plugin and the records it provides, and the origin of protocols and commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.plan import Choice, Plan, PlannedPlugin, PlannedScope
from turnbuckle.records import ProtocolProvider
from turnbuckle.startup.collect.builtin import BUILTIN_COMMANDS
from turnbuckle.startup.model.diagnostics import candidates
from turnbuckle.startup.plugins.discovery import LOCAL_FILE, InstalledPlugin, installed_plugins
from turnbuckle.startup.report.formats import counted, milliseconds, type_name
from turnbuckle.startup.report.why import Answer, RejectedEntry

__all__ = ["connection_protocols_of", "why_command", "why_plugin", "why_protocol"]

# The built-in protocol has these names.
_HTTP: Sequence[str] = ("http/1.1", "http/1.0", "http")

_ENABLE = "-p {0}, plugins.enabled in the settings, or App(plugins=[{0!r}])"


def why_plugin(plan: Plan, name: str) -> list[Answer]:
    """Explain why a plugin takes part or not, and the records it provides, in each scope that has it.

    Raises:
        LookupError: no enabled or installed plugin has that name.
    """
    found = [plugin for plugin in plan.plugins if plugin.name == name]
    if found:
        return [_planned(plan, plugin) for plugin in found]
    installed = installed_plugins()
    named = [plugin for plugin in installed if plugin.name == name]
    if not named:
        known = {plugin.name for plugin in plan.plugins} | {plugin.name for plugin in installed}
        raise LookupError(f"no plugin is named {name!r}{candidates(name, known)}")
    return [_installed(plugin) for plugin in named]


def _installed(plugin: InstalledPlugin) -> Answer:
    return Answer(
        kind="plugin",
        name=plugin.name,
        rule="it is installed, but not enabled",
        origin=plugin.origin,
        change=_ENABLE.format(plugin.name),
    )


def _planned(plan: Plan, plugin: PlannedPlugin) -> Answer:
    facts = [("state", plugin.state), *_relations(plan, plugin)]
    if plugin.state in {"builtin", "enabled"}:
        facts += _provided(plan, plugin)
        facts += [("hooks", ", ".join(plugin.hooks) or "none"), ("start-up", milliseconds(plugin.seconds))]
    facts += _problems(plan, plugin)
    return Answer(
        kind="plugin",
        name=plugin.name,
        scope=plugin.scope,
        rule=_rule(plan, plugin),
        origin=plugin.origin,
        facts=tuple(facts),
        rejected=tuple(_rejected(plan, plugin)),
        change=_change(plugin),
    )


def _rule(plan: Plan, plugin: PlannedPlugin) -> str:
    match plugin.state:
        case "builtin":
            return "it is built in"
        case "enabled":
            because = f", because {plugin.note}" if plugin.note else ""
            return f"enabled by {_enabler(plan, plugin)}{because}"
        case "installed":
            return "it is installed, but not enabled"
    return plugin.note


def _enabler(plan: Plan, plugin: PlannedPlugin) -> str:
    requested_by = plugin.requested_by
    if requested_by is not None and requested_by.location and not requested_by.distribution:
        location = requested_by.location
        # A request by a setting names the setting first; -p and $TURNBUCKLE_PLUGINS stand for themselves.
        is_setting = location.startswith(("plugins.", "-p ", "$"))
        if not is_setting and location.endswith(LOCAL_FILE):
            return f"the file {location}, which is beside the settings"
        return location if is_setting else f"the code at {location}"
    for key in ("parser.name", "parser.shadow", "router"):
        name, source = plan.setting_values[key].value, plan.setting_values[key].source
        if name and plugin.name in {name, f"{name}_{key.partition('.')[0]}"}:
            return f"the setting {key} ({source})"
    return f"plugins.autoload ({plan.setting_values['plugins.autoload'].source})"


def _relations(plan: Plan, plugin: PlannedPlugin) -> Iterator[tuple[str, str]]:
    enabled = [other for other in plan.plugins if other.state == "enabled"]
    yield from _joined("requires", plugin.requires)
    yield from _joined("comes after", plugin.after)
    yield from _joined("conflicts with", plugin.conflicts)
    yield from _joined("required by", dict.fromkeys(other.name for other in enabled if plugin.name in other.requires))


def _joined(label: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    text = ", ".join(names)
    if text:
        yield label, text


def _problems(plan: Plan, plugin: PlannedPlugin) -> Iterator[tuple[str, str]]:
    found = [problem for problem in plan.diagnostics if any(at.plugin == plugin.name for at in problem.origins)]
    for number, problem in enumerate(found, 1):
        locations = [at.location for at in problem.origins if at.plugin == plugin.name and at.location]
        location = f" at {locations[0]}" if locations else ""
        label = f"{problem.level} {number}" if len(found) > 1 else problem.level
        yield label, f"{problem.code} {problem.text}{location}"


def _change(plugin: PlannedPlugin) -> str:
    match plugin.state:
        case "builtin":
            return "a plugin, a setting or a passed value for its slot takes precedence"
        case "enabled" if plugin.requested_by is not None:
            return f"-p no:{plugin.name}, or plugins.disabled in the settings, disables it"
        case "disabled":
            return "remove what disables it"
        case "quarantined":
            return "correct it; its failure stops the start unless plugins.optional names it"
    return _ENABLE.format(plugin.name)


# -- the records of a plugin


def _provided(plan: Plan, plugin: PlannedPlugin) -> Iterator[tuple[str, str]]:
    scope = next(scope for scope in plan.root.walk() if scope.prefix == plugin.scope)
    if not plugin.scope:
        yield from _choices(plan, plugin)
    router = scope.router
    if router is not None and router.origin.plugin == plugin.name:
        yield "router", router.name
    yield from _of_scope(scope, plugin)
    if not plugin.scope:
        yield from _joined("protocols", (entry.record.name for entry in plan.protocols if _is_of(plugin, entry.origin)))
        yield from _joined(
            "commands", (entry.record.name or "" for entry in plan.commands if _is_of(plugin, entry.origin))
        )


def _choices(plan: Plan, plugin: PlannedPlugin) -> Iterator[tuple[str, str]]:
    for choice in _slots(plan):
        if _is_of(plugin, choice.origin):
            yield choice.kind, choice.name
    if plan.shadow is not None and _is_of(plugin, plan.shadow.origin):
        yield "shadow parser", plan.shadow.name


def _slots(plan: Plan) -> Sequence[Choice[object]]:
    return (plan.parser, *plan.components.values())


def _of_scope(scope: PlannedScope, plugin: PlannedPlugin) -> Iterator[tuple[str, str]]:
    yield from _joined("middleware", (link.record.name for link in scope.middleware if _is_of(plugin, link.origin)))
    routes = [
        planned.route for planned in scope.routes if planned.route.origin and _is_of(plugin, planned.route.origin)
    ]
    if routes:
        shown = ", ".join(route.path for route in routes[:5])
        yield "routes", f"{counted(len(routes), 'route')}: {shown}" + (", ..." if len(routes) > 5 else "")
    types = (type_name(entry.record.type) for entry in scope.response_types if _is_of(plugin, entry.origin))
    yield from _joined("response types", types)
    errors = (type_name(entry.record.exception) for entry in scope.error_handlers if _is_of(plugin, entry.origin))
    yield from _joined("error handlers", errors)
    yield from _joined("lifespans", (entry.record.name for entry in scope.lifespans if _is_of(plugin, entry.origin)))


def _rejected(plan: Plan, plugin: PlannedPlugin) -> Iterator[RejectedEntry]:
    routers = [scope.router for scope in plan.root.walk() if scope.prefix == plugin.scope and scope.router is not None]
    for choice in (*_slots(plan), *routers):
        for candidate in choice.rejected:
            if _is_of(plugin, candidate.origin):
                reason = f"{choice.name!r} is the {choice.kind}: {choice.rule}"
                yield RejectedEntry(
                    name=f"{choice.kind} {candidate.name}", reason=reason, source=candidate.origin.location
                )


def _is_of(plugin: PlannedPlugin, origin: Origin) -> bool:
    return origin.plugin == plugin.name and origin.scope == plugin.scope


# -- protocols and commands


def why_protocol(plan: Plan, token: str = "") -> list[Answer]:
    """Explain which part of an app serves a protocol, or all protocols.

    Args:
        plan: the plan of the app.
        token: a token of the Upgrade field, an ALPN name, or the name of the protocol; "" for all of them.

    Raises:
        LookupError: no enabled plugin provides the protocol.
    """
    lowered = token.lower()
    if lowered in _HTTP:
        return [_http(plan)]
    known = [(entry, _names(entry.record)) for entry in plan.protocols]
    found = [entry for entry, names in known if not token or lowered in names]
    if not found and token:
        near = candidates(token, {name for _, names in known for name in names} | {"HTTP/1.1"})
        raise LookupError(f"no enabled plugin provides protocol {token!r}{near}")
    answers = [_protocol(entry) for entry in found]
    return answers if token else [_http(plan), *answers]


def _names(record: ProtocolProvider) -> set[str]:
    names = (record.upgrade, record.alpn, record.name, record.version)
    return {name.lower() for name in names if name}


def _http(plan: Plan) -> Answer:
    return Answer(
        kind="protocol",
        name="HTTP/1.1",
        rule="it is built in, and serves each connection that chooses no other protocol",
        facts=(("parser", plan.parser.name),),
    )


def _protocol(entry: Sourced[ProtocolProvider]) -> Answer:
    record = entry.record
    facts = (("version", record.version), ("Upgrade", record.upgrade), ("ALPN", record.alpn), *_first_bytes(record))
    if record.upgrade:
        rule = "all protocols of enabled plugins are available; a client requests one by its token"
    else:
        rule = f"it serves a connection {_how_chosen(record)}"
    return Answer(
        kind="protocol",
        name=record.name,
        rule=rule,
        origin=entry.origin,
        facts=tuple((label, text) for label, text in facts if text),
        change=f"disable its plugin with -p no:{entry.origin.plugin}",
    )


def _first_bytes(record: ProtocolProvider) -> Iterator[tuple[str, str]]:
    if record.preface:
        yield "first bytes", repr(record.preface)[2:-1]


def _how_chosen(record: ProtocolProvider) -> str:
    """Return how a client chooses a protocol of whole connections, in words."""
    ways = [f"whose TLS handshake agrees on {record.alpn!r}"] if record.alpn else []
    if record.preface:
        ways.append("without TLS that begins with its first bytes")
    return ", or ".join(ways)


def connection_protocols_of(plan: Plan, *, is_secured: bool) -> tuple[Sourced[ProtocolProvider], ...]:
    """Return the protocols that may serve a request in place of HTTP/1.1.

    Args:
        plan: the plan of the app.
        is_secured: whether the connection uses TLS.
    """
    return tuple(entry for entry in plan.protocols if (entry.record.alpn if is_secured else entry.record.preface))


def why_command(plan: Plan, name: str) -> list[Answer]:
    """Explain which plugin provides a command of the command line.

    Raises:
        LookupError: there is no such command.
    """
    if name in BUILTIN_COMMANDS:
        return [Answer(kind="command", name=name, rule="it is built in, and plugins cannot replace it")]
    found = [entry for entry in plan.commands if entry.record.name == name]
    if not found:
        known = {entry.record.name or "" for entry in plan.commands} | BUILTIN_COMMANDS
        raise LookupError(f"no command is named {name!r}{candidates(name, known)}")
    return [
        Answer(
            kind="command",
            name=name,
            rule="the commands of enabled plugins are added to the built-in commands",
            origin=entry.origin,
            facts=tuple(_joined("help", [entry.record.get_short_help_str(80)])),
            change=f"disable its plugin with -p no:{entry.origin.plugin}",
        )
        for entry in found
    ]
