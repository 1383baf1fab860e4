"""Describe the parameters of functions with their suppliers, and which part supplies a type."""

from __future__ import annotations

from collections.abc import Iterator

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import Plan, PlannedParameter, PlannedScope, PlannedSignature, PlannedSupplier
from turnbuckle.records import ParameterProvider
from turnbuckle.startup.model.diagnostics import candidates
from turnbuckle.startup.parameters.signatures import is_plain
from turnbuckle.startup.report.formats import Json, columns, name_of, origin_as_json, source_of, value_as_json
from turnbuckle.startup.report.why import Answer, rejected_entries
from turnbuckle.web.annotations import show_annotation

__all__ = ["describe_parameter", "parameter_lines", "signature_as_json", "signature_lines", "why_parameter"]


def describe_parameter(parameter: PlannedParameter) -> str:
    """Return a parameter with its type and its default, as it is written in code."""
    shown = f"{parameter.name}: {show_annotation(parameter.annotation)}" if parameter.annotation else parameter.name
    if parameter.is_required:
        return shown
    default = f"{name_of(parameter.default_factory)}()" if parameter.default_factory else repr(parameter.default)
    return f"{shown} = {default:.60}"


def signature_lines(signature: PlannedSignature) -> Iterator[str]:
    """Yield a line for each parameter, its supplier and the place of the supplier; for a plain signature nothing."""
    result = signature.result
    if not is_plain(signature):
        yield "parameters"
        yield from columns(list(_rows(signature, 2)))
    if result.schema is not None:
        yield f"result: {show_annotation(result.annotation)}, status {result.status or 200}"
    elif result.status is not None:
        yield f"result: status {result.status}"


def parameter_lines(signature: PlannedSignature, indent: int) -> Iterator[str]:
    """Yield a line for each parameter of a middleware function, as ``signature_lines`` does for a handler."""
    if signature.parameters:
        yield from columns(list(_rows(signature, indent)))


def _rows(signature: PlannedSignature, indent: int) -> Iterator[tuple[str, ...]]:
    for guard in signature.guards:
        yield " " * indent + "guard", guard.name, *source_of(guard.origin)
        yield from _rows(guard.signature, indent + 2)
    for parameter in signature.parameters:
        yield " " * indent + describe_parameter(parameter), parameter.supplier, *source_of(parameter.origin)
        if isinstance(parameter.given, PlannedSupplier):
            yield from _rows(parameter.given.signature, indent + 2)


def signature_as_json(signature: PlannedSignature) -> dict[str, Json]:
    """Return a signature as plain data."""
    result = signature.result
    return {
        "parameters": [_parameter_as_json(parameter) for parameter in signature.parameters],
        "guards": [_supplier_as_json(guard) for guard in signature.guards],
        "result": {
            "annotation": show_annotation(result.annotation) if result.schema is not None else "",
            "status": result.status,
        },
    }


def _parameter_as_json(parameter: PlannedParameter) -> dict[str, Json]:
    given = parameter.given
    return {
        "name": parameter.name,
        "source": parameter.source,
        "alias": parameter.alias,
        "annotation": show_annotation(parameter.annotation) if parameter.annotation else "",
        "required": parameter.is_required,
        "default": None if parameter.is_required else value_as_json(parameter.default),
        "title": parameter.title,
        "description": parameter.description,
        "deprecated": parameter.deprecated,
        "supplier": parameter.supplier,
        "function": _supplier_as_json(given) if isinstance(given, PlannedSupplier) else None,
        "origin": origin_as_json(parameter.origin),
    }


def _supplier_as_json(supplier: PlannedSupplier) -> dict[str, Json]:
    return {
        "name": supplier.name,
        "form": supplier.form,
        "per": "request" if supplier.shared is None else "app",
        "in_thread": supplier.in_thread,
        "parameters": [_parameter_as_json(parameter) for parameter in supplier.signature.parameters],
        "origin": origin_as_json(supplier.origin),
    }


def why_parameter(plan: Plan, name: str) -> list[Answer]:
    """Explain which function supplies parameters of a type, in the app and in scopes with another supplier.

    Args:
        plan: the plan of the app.
        name: name of the type or of the class of a marker.

    Raises:
        LookupError: no provider supplies such a type; the message has the nearest names.
    """
    answers: list[Answer] = []
    seen: list[Sourced[ParameterProvider]] = []
    for scope in plan.root.walk():
        for entry in scope.parameters:
            if show_annotation(entry.record.type) == name and entry not in seen:
                seen.append(entry)
                answers.append(_explained_provider(entry, scope))
    if not answers:
        known = {show_annotation(entry.record.type) for scope in plan.root.walk() for entry in scope.parameters}
        raise LookupError(f"no function supplies the type {name!r}{candidates(name, known)}")
    return answers


def _explained_provider(entry: Sourced[ParameterProvider], scope: PlannedScope) -> Answer:
    record = entry.record
    kind = show_annotation(record.type)
    facts = [
        ("function", name_of(record.value or record.factory)),
        ("lifetime", "one value for the app" if record.per == "app" else ""),
        ("description", record.description),
    ]
    reason = "an inner scope takes precedence over the scopes around it, the app over plugins"
    return Answer(
        kind="parameter",
        name=kind,
        scope=scope.prefix,
        rule="it is for the type itself" if record.factory is None else "it is for parameters with this marker",
        origin=entry.origin,
        facts=tuple((label, text) for label, text in facts if text),
        rejected=rejected_entries(entry.rejected, reason),
        change="provide_parameters of a plugin, or @app.supply",
    )
