"""Describe the methods as an OpenRPC document, which the method ``rpc.discover`` returns.

Source: OpenRPC Specification 1.3.2.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Final

from turnbuckle import Definitions, Schema
from turnbuckle_contrib.jsonrpc.methods import Method

__all__ = ["describe_methods"]

_VERSION: Final = "1.3.2"


def describe_methods(title: str, methods: Iterable[Method]) -> dict[str, object]:
    """Return the document.

    Args:
        title: title of the API.
        methods: the methods, in the order of the document.
    """
    definitions = Definitions()
    described = [_describe(method, definitions) for method in methods]
    document: dict[str, object] = {
        "openrpc": _VERSION,
        "info": {"title": title, "version": "0.1.0"},
        "methods": described,
    }
    if definitions:
        document["components"] = {"schemas": dict(definitions)}
    return document


def _describe(method: Method, definitions: Definitions) -> dict[str, object]:
    described: dict[str, object] = {"name": method.name}
    summary, _, rest = (inspect.getdoc(method.function) or "").partition("\n")
    if summary:
        described["summary"] = summary
    if rest.strip():
        described["description"] = rest.strip()
    described["params"] = [
        {
            "name": parameter.name,
            "required": parameter.is_required,
            "schema": _json_schema(parameter.schema, definitions, is_input=True),
        }
        for parameter in method.parameters
    ]
    described["result"] = {"name": "result", "schema": _json_schema(method.result, definitions, is_input=False)}
    return described


def _json_schema(schema: Schema | None, definitions: Definitions, *, is_input: bool) -> object:
    if schema is None:
        return True
    return schema.json_schema(definitions, mode="in" if is_input else "out")
