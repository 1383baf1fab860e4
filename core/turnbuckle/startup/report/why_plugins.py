"""Answer why a plugin stands as it does and what it brings, and whose a protocol or a command is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from turnbuckle.diagnostics import Origin
from turnbuckle.plan import Choice, Plan, PlannedPlugin, PlannedScope
from turnbuckle.startup.model.core_commands import BUILTIN_COMMANDS
from turnbuckle.startup.model.diagnostics import did_you_mean
from turnbuckle.startup.plugins.discovery import InstalledPlugin, installed_plugins
from turnbuckle.startup.report.formats import counted, milliseconds, type_name
from turnbuckle.startup.report.why import Answer, RejectedEntry

__all__ = ["why_command", "why_plugin", "why_protocol"]

_ENABLE = "-p {0}, plugins.enabled in the settings, or App(plugins=[{0!r}])"


def why_plugin(plan: Plan, name: str) -> list[Answer]:
    """Answer why a plugin takes part or does not, and what it brings, in each scope that has it.

    Raises:
        LookupError: there is none of that name, enabled or installed.
    """
    found = [each for each in plan.plugins if each.name == name]
    if found:
        return [_planned(plan, each) for each in found]
    installed = installed_plugins()
    named = [each for each in installed if each.name == name]
    if not named:
        known = {each.name for each in plan.plugins} | {each.name for each in installed}
        raise LookupError(f"no plugin is named {name!r}{did_you_mean(name, known)}")
    return [_installed(each) for each in named]


def _installed(plugin: InstalledPlugin) -> Answer:
    return Answer(
        kind="plugin",
        name=plugin.name,
        rule="it is installed, and nobody enables it",
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
        losers=tuple(_passed_over(plan, plugin)),
        change=_change(plugin),
    )


def _rule(plan: Plan, plugin: PlannedPlugin) -> str:
    match plugin.state:
        case "builtin":
            return "it is a part of the core"
        case "enabled":
            return f"enabled by {_enabler(plan, plugin)}"
        case "installed":
            return "it is installed, and nobody enables it"
    return plugin.note


def _enabler(plan: Plan, plugin: PlannedPlugin) -> str:
    asked_by = plugin.asked_by
    if asked_by is not None and ":" in asked_by.location and not asked_by.distribution:
        return f"the code at {asked_by.location}"
    if asked_by is not None and asked_by.location and not asked_by.distribution:
        return asked_by.location
    for key in ("parser.name", "parser.shadow", "router"):
        name, source = plan.setting_values[key].value, plan.setting_values[key].source
        if name and plugin.name in {name, f"{name}_{key.partition('.')[0]}"}:
            return f"the setting {key} ({source})"
    return f"plugins.autoload ({plan.setting_values['plugins.autoload'].source})"


def _relations(plan: Plan, plugin: PlannedPlugin) -> Iterator[tuple[str, str]]:
    enabled = [each for each in plan.plugins if each.state == "enabled"]
    yield from _joined("requires", plugin.requires)
    yield from _joined("comes after", plugin.after)
    yield from _joined("conflicts with", plugin.conflicts)
    yield from _joined("required by", dict.fromkeys(each.name for each in enabled if plugin.name in each.requires))


def _joined(label: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    text = ", ".join(names)
    if text:
        yield label, text


def _problems(plan: Plan, plugin: PlannedPlugin) -> Iterator[tuple[str, str]]:
    found = [each for each in plan.diagnostics if any(origin.plugin == plugin.name for origin in each.origins)]
    for number, each in enumerate(found, 1):
        place = next((f" at {at.location}" for at in each.origins if at.plugin == plugin.name and at.location), "")
        yield f"{each.level} {number}" if len(found) > 1 else each.level, f"{each.code} {each.text}{place}"


def _change(plugin: PlannedPlugin) -> str:
    match plugin.state:
        case "builtin":
            return "a plugin, a setting or a value that fills its slot goes before it"
        case "enabled" if plugin.asked_by is not None:
            return f"-p no:{plugin.name}, or plugins.disabled in the settings, leaves it out"
        case "disabled":
            return "remove what disables it"
        case "quarantined":
            return "correct it; without plugins.optional its failure would stop the start"
    return _ENABLE.format(plugin.name)


# -- what a plugin brings


def _provided(plan: Plan, plugin: PlannedPlugin) -> Iterator[tuple[str, str]]:
    scope = next(each for each in plan.root.walk() if each.prefix == plugin.scope)
    if not plugin.scope:
        yield from _choices(plan, plugin)
    router = scope.router
    if router is not None and router.origin.plugin == plugin.name:
        yield "router", router.name
    yield from _of_scope(scope, plugin)
    if not plugin.scope:
        yield from _joined("protocols", (each.record.name for each in plan.protocols if _is_of(plugin, each.origin)))
        yield from _joined(
            "commands", (each.record.name or "" for each in plan.commands if _is_of(plugin, each.origin))
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
    yield from _joined("middleware", (each.record.name for each in scope.middleware if _is_of(plugin, each.origin)))
    routes = [each.route for each in scope.routes if each.route.origin and _is_of(plugin, each.route.origin)]
    if routes:
        shown = ", ".join(route.path for route in routes[:5])
        yield "routes", f"{counted(len(routes), 'route')}: {shown}" + (", ..." if len(routes) > 5 else "")
    types = (type_name(each.record.type) for each in scope.response_types if _is_of(plugin, each.origin))
    yield from _joined("response types", types)
    errors = (type_name(each.record.exception) for each in scope.error_handlers if _is_of(plugin, each.origin))
    yield from _joined("error handlers", errors)
    yield from _joined("lifespans", (each.record.name for each in scope.lifespans if _is_of(plugin, each.origin)))


def _passed_over(plan: Plan, plugin: PlannedPlugin) -> Iterator[RejectedEntry]:
    routers = [scope.router for scope in plan.root.walk() if scope.prefix == plugin.scope and scope.router is not None]
    for choice in (*_slots(plan), *routers):
        for each in choice.rejected:
            if _is_of(plugin, each.origin):
                reason = f"{choice.name!r} is the {choice.kind}: {choice.rule}"
                yield RejectedEntry(name=f"{choice.kind} {each.name}", reason=reason, source=each.origin.location)


def _is_of(plugin: PlannedPlugin, origin: Origin) -> bool:
    return origin.plugin == plugin.name and origin.scope == plugin.scope


# -- protocols and commands


def why_protocol(plan: Plan, token: str) -> list[Answer]:
    """Answer who speaks a protocol.

    Args:
        plan: of the app.
        token: of the Upgrade field, of ALPN, or the name of the protocol.

    Raises:
        LookupError: nobody does.
    """
    wanted = token.lower()
    known = [
        (each, (each.record.upgrade.lower(), each.record.alpn.lower(), each.record.name)) for each in plan.protocols
    ]
    found = [each for each, names in known if wanted in names or token in names]
    if not found:
        near = did_you_mean(token, {name for _, names in known for name in names if name})
        raise LookupError(f"no enabled plugin speaks protocol {token!r}{near}")
    return [
        Answer(
            kind="protocol",
            name=each.record.name,
            rule="all protocols of enabled plugins are spoken; a client asks for one by its token",
            origin=each.origin,
            facts=tuple(
                (label, text) for label, text in (("Upgrade", each.record.upgrade), ("ALPN", each.record.alpn)) if text
            ),
            change=f"disable its plugin with -p no:{each.origin.plugin}",
        )
        for each in found
    ]


def why_command(plan: Plan, name: str) -> list[Answer]:
    """Answer who brings a command of the command line.

    Raises:
        LookupError: nobody does.
    """
    if name in BUILTIN_COMMANDS:
        return [Answer(kind="command", name=name, rule="it is a part of the core, which no plugin can replace")]
    found = [each for each in plan.commands if each.record.name == name]
    if not found:
        known = {each.record.name or "" for each in plan.commands} | BUILTIN_COMMANDS
        raise LookupError(f"no command is named {name!r}{did_you_mean(name, known)}")
    return [
        Answer(
            kind="command",
            name=name,
            rule="commands of enabled plugins stand beside those of the core",
            origin=each.origin,
            facts=tuple(_joined("does", [each.record.get_short_help_str(80)])),
            change=f"disable its plugin with -p no:{each.origin.plugin}",
        )
        for each in found
    ]
