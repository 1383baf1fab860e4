"""Find signatures that are legal, but hardly what their authors mean; each is a warning."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from turnbuckle.plan import PlannedSignature
from turnbuckle.routing.records import Route
from turnbuckle.startup.model.diagnostics import HandlerFault, nearest
from turnbuckle.web.annotations import show_annotation
from turnbuckle.web.content.codecs import JSON_TYPE
from turnbuckle.web.handlers import describe_handler

__all__ = ["method_faults", "name_faults"]

_WITHOUT_CONTENT: Final = frozenset({"GET", "HEAD"})


def method_faults(route: Route, signature: PlannedSignature) -> Iterator[HandlerFault]:
    """Yield a warning if a route takes content, but only methods whose requests have none."""
    if not route.methods <= _WITHOUT_CONTENT:
        return
    for parameter in signature.parameters:
        if parameter.source not in {"body", "form", "file"}:
            continue
        shown = show_annotation(parameter.annotation)
        is_json = parameter.media_type == JSON_TYPE
        is_flat = is_json and parameter.schema is not None and parameter.schema.is_flat
        method = "@app.post" if parameter.source != "body" or not is_flat else f"Query[{shown}], or @app.post"
        yield HandlerFault(
            f"handler {describe_handler(route.handler)} takes {parameter.name!r} from the content, "
            f"and its route only takes {' and '.join(sorted(route.methods))}",
            "such a request has no content (RFC 9110, section 9.3.1), and many clients and proxies cannot send it",
            f"write {method}",
            code="TB615",
            level="warning",
        )


def name_faults(handler: object, signature: PlannedSignature, path: Collection[str]) -> Iterator[HandlerFault]:
    """Yield a warning if a required parameter of the query has nearly the name of an unused parameter of the path."""
    unused = [name for name in path if all(parameter.name != name for parameter in signature.parameters)]
    for parameter in signature.parameters:
        if not unused or parameter.source != "query" or not parameter.is_required or parameter.is_marked:
            continue
        name = parameter.name
        near = nearest(name, unused) or next((other for other in unused if _share_a_word(name, other)), "")
        if near:
            yield HandlerFault(
                f"handler {describe_handler(handler)} takes {name!r} from the query, and its path has {near!r}",
                "a parameter that is not in the path is read from the query",
                f"use one name in both: name the parameter {near!r}, or write '{{{name}}}' in the path; "
                f"or write Query[{show_annotation(parameter.annotation)}]",
                level="warning",
            )


def _share_a_word(name: str, other: str) -> bool:
    return name in other.split("_") or other in name.split("_")
