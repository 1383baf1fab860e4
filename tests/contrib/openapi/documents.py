"""Helpers for tests of documents."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from turnbuckle import App, Plan


def document_of(app: App) -> dict[str, Any]:
    """Return the document of an app with the plugin, which must be valid."""
    plan = app.resolve()
    document = document_in(plan)
    OpenAPIV31SpecValidator(document).validate()
    return document


def document_in(plan: Plan) -> dict[str, Any]:
    """Return the document of a plan."""
    made: Any = plan.components["openapi"].provider.factory(None)  # type: ignore[arg-type]  # the setup is not used
    document: dict[str, Any] = made.document
    return document
