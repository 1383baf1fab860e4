"""Build the document of one scope when the plan is reviewed, with the records of other plugins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from turnbuckle import Diagnostic, Plan, PlannedRoute, Setup
from turnbuckle_contrib.openapi.document import build_document
from turnbuckle_contrib.openapi.operations import operations_of
from turnbuckle_contrib.openapi.page import assets_folder
from turnbuckle_contrib.openapi.records import Amend, JSONObject, OpenAPIConfig, SecurityScheme
from turnbuckle_contrib.openapi.security import merge_patch, unique_schemes

__all__ = ["build"]


def build(
    plan: Plan,
    setup: Setup[OpenAPIConfig],
    security: Sequence[SecurityScheme],
    amend: Amend | None,
    found: list[Diagnostic],
) -> JSONObject:
    """Return the document of a scope.

    Args:
        plan: the plan.
        setup: the setup of the plugin in this scope.
        security: the security schemes of the app.
        amend: the amendment of the app.
        found: receives reports of the parts that are missing.
    """
    below = setup.config.below or setup.scope
    operations = operations_of(plan, below, lambda *skipped: found.append(_skipped(*skipped)))
    if not operations and operations_of(plan):
        found.append(_empty(below))
    found += _missing(setup.config)
    provided = setup.ask("provide_security_schemes", plan=plan)
    document = build_document(plan, setup.config, operations, unique_schemes([*security, *provided]))
    patches = setup.ask("amend_openapi", document=document, plan=plan)
    for patch in (*patches, *((amend(document, plan),) if amend is not None else ())):
        document = merge_patch(document, patch)
    return document


def _skipped(planned: PlannedRoute, reason: str) -> Diagnostic:
    route = planned.route
    return Diagnostic(
        level="hint",
        code="TB901",
        text=f"route {route.path!r} is not in the API document: {reason}",
        why="a path template has names in braces, and each path has one operation for a method",
        fix="write in_schema=False in the route, or change its path",
        origins=(route.origin,) if route.origin is not None else (),
    )


def _empty(below: str) -> Diagnostic:
    return Diagnostic(
        level="warning",
        code="TB902",
        text=f"the API document is empty, because no route is below {below!r}",
        why="it has the routes of the scope that the plugin is enabled in, or below the setting 'below'",
        fix="set plugin.openapi.below to '/', or enable the plugin for the whole app",
    )


def _missing(config: OpenAPIConfig) -> Iterator[Diagnostic]:
    if config.docs and config.path and assets_folder(config) is None:
        fix = "pip install 'turnbuckle[openapi]', or '.[openapi]' in a clone; or set plugin.openapi.docs to ''"
        if config.assets is not None:
            fix = "set plugin.openapi.assets to the folder of swagger-ui-dist, or remove the setting"
        yield Diagnostic(
            level="warning",
            code="TB903",
            text=f"there is no page at {config.docs!r}, because the files of Swagger UI are missing",
            why="the page is served from an installed package, and not from another host",
            fix=fix,
        )
