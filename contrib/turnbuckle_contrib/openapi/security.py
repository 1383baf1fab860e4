"""Decide which operations require which security schemes, and change a document by merge patches (RFC 7396)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from turnbuckle_contrib.openapi.inputs import suppliers_of
from turnbuckle_contrib.openapi.operations import Operation
from turnbuckle_contrib.openapi.records import JSONObject, SecurityScheme

__all__ = ["is_required", "merge_patch", "unique_schemes"]


def is_required(scheme: SecurityScheme, operation: Operation) -> bool:
    """Return whether an operation requires a security scheme."""
    if scheme.everywhere or operation.middleware.intersection(scheme.middleware):
        return True
    signature = operation.planned.signature
    suppliers = list(suppliers_of(signature))
    signatures = [signature, *(supplier.signature for supplier in suppliers)]
    annotations = [parameter.annotation for found in signatures for parameter in found.parameters]
    return any(annotation in scheme.types for annotation in annotations) or any(
        supplier.function in scheme.guards for supplier in suppliers
    )


def unique_schemes(schemes: Iterable[object]) -> list[SecurityScheme]:
    """Return the security schemes that plugins returned.

    Raises:
        TypeError: a record is no security scheme.
        ValueError: two security schemes with one name have different definitions.
    """
    found: list[SecurityScheme] = []
    definitions: dict[str, Mapping[str, object]] = {}
    for scheme in schemes:
        if not isinstance(scheme, SecurityScheme):
            raise TypeError(f"provide_security_schemes returns SecurityScheme records, not {scheme!r:.80}")
        if definitions.setdefault(scheme.name, scheme.definition) != scheme.definition:
            raise ValueError(f"two security schemes named {scheme.name!r} have different definitions")
        found.append(scheme)
    return found


def merge_patch(target: object, patch: object) -> Any:
    """Return a value changed by a merge patch: members of objects are added or replaced, and None removes a member."""
    if not isinstance(patch, Mapping):
        return patch
    merged: JSONObject = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
