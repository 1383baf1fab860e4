"""Build the OpenAPI document of an app from its plan.

The order of paths is the order of the routes in the plan, and classes are in the order of their names, so that the
document of an app is always the same text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Final

from turnbuckle import Plan, PlannedScope
from turnbuckle_contrib.openapi.inputs import describe_inputs
from turnbuckle_contrib.openapi.naming import description_of, operation_ids, summary_of
from turnbuckle_contrib.openapi.operations import Operation
from turnbuckle_contrib.openapi.records import JSONObject, OpenAPIConfig, SecurityScheme
from turnbuckle_contrib.openapi.responses import ResponseWriter
from turnbuckle_contrib.openapi.schemas import Schemas
from turnbuckle_contrib.openapi.security import is_required

__all__ = ["build_document"]

_HOST_PARAMETER: Final = re.compile(r"\{(\w+)[^}]*\}")


def build_document(
    plan: Plan, config: OpenAPIConfig, operations: Sequence[Operation], security: Sequence[SecurityScheme]
) -> JSONObject:
    """Return the document.

    Args:
        plan: the plan.
        config: the settings of the plugin.
        operations: the operations of the document.
        security: the security schemes of all plugins.
    """
    schemas = Schemas()
    for operation in operations:
        # A class that differs as input and output has its plain name as output, wherever it occurs first.
        if (result := operation.planned.signature.result.schema) is not None:
            schemas.of(result, "out")
    paths: JSONObject = {}
    used: dict[str, SecurityScheme] = {}
    ids = operation_ids([(found.planned.route, found.method, found.first.text) for found in operations])
    for operation, operation_id in zip(operations, ids, strict=True):
        schemes = [scheme for scheme in security if is_required(scheme, operation)]
        used |= {scheme.name: scheme for scheme in schemes}
        path = paths.setdefault(operation.first.text, {})
        path[operation.method.lower()] = _operation(operation, operation_id, schemes, schemas)
    components: JSONObject = {}
    if schemas.definitions:
        components["schemas"] = schemas.components()
    if used:
        components["securitySchemes"] = {name: dict(used[name].definition) for name in sorted(used)}
    document: JSONObject = {
        "openapi": "3.1.0",
        "info": _info(plan, config),
        "servers": [{"url": url} for url in config.servers],
        "tags": _tags(config, paths),
        "paths": paths,
        "components": components,
    }
    return {name: value for name, value in document.items() if value or name == "paths"}


def _operation(
    operation: Operation, operation_id: str, security: Sequence[SecurityScheme], schemas: Schemas
) -> JSONObject:
    planned, route = operation.planned, operation.planned.route
    inputs = describe_inputs(planned.signature, operation.template, operation.first, schemas)
    refusals = [error for scheme in security for error in scheme.errors]
    found: JSONObject = {
        "tags": list(route.docs.tags) or _scope_tag(operation.scope),
        "summary": summary_of(route),
        "description": description_of(route),
        "operationId": operation_id,
        "parameters": inputs.parameters,
        "requestBody": inputs.content,
        "responses": ResponseWriter(operation.scope, schemas).responses(planned, inputs, refusals),
        "deprecated": route.docs.deprecated,
        "security": _requirements(security),
        "servers": _servers(route.host),
    }
    return {name: value for name, value in found.items() if value}


def _scope_tag(scope: PlannedScope) -> list[str]:
    name = scope.prefix.strip("/")
    return [name] if name else []


def _requirements(schemes: Sequence[SecurityScheme]) -> list[JSONObject]:
    """Return the Security Requirement Objects of an operation, of which a request needs one."""
    groups: dict[object, list[SecurityScheme]] = {}
    for scheme in schemes:
        groups.setdefault(scheme.group or id(scheme), []).append(scheme)
    return [_requirement(chosen) for chosen in itertools.product(*groups.values()) if chosen]


def _requirement(schemes: Sequence[SecurityScheme]) -> JSONObject:
    """Return one Security Requirement Object: all of its schemes are required together."""
    scopes: dict[str, list[str]] = {}
    for scheme in schemes:
        known = scopes.setdefault(scheme.name, [])
        known += [name for name in scheme.scopes if name not in known]
    return scopes


def _servers(host: str) -> list[JSONObject]:
    """Return the server of a route that answers for one host only."""
    names = _HOST_PARAMETER.findall(host)
    if not host:
        return []
    server: JSONObject = {"url": "//" + _HOST_PARAMETER.sub(r"{\1}", host)}
    return [server | ({"variables": {name: {"default": name} for name in names}} if names else {})]


def _info(plan: Plan, config: OpenAPIConfig) -> JSONObject:
    info: JSONObject = {"title": config.title or plan.app_name, "version": config.version}
    if config.description:
        info["description"] = config.description
    return {**info, **config.info}


def _tags(config: OpenAPIConfig, paths: Mapping[str, Mapping[str, JSONObject]]) -> list[JSONObject]:
    used = dict.fromkeys(
        tag for item in paths.values() for operation in item.values() for tag in operation.get("tags", ())
    )
    names = [*(name for name in config.tags if name in used), *(name for name in used if name not in config.tags)]
    return [{"name": name} | ({"description": config.tags[name]} if name in config.tags else {}) for name in names]
