"""Models of pydantic as types of parameters and results.

A handler may take and return subclasses of ``pydantic.BaseModel``, lists and unions of them, and dataclasses of
pydantic, beside the types that the core supports. pydantic validates them by its own rules, and writes them in its own
forms, such as ``Z`` for UTC. Its errors become the faults of the core: a JSON pointer and a reason, without the value.

Needs the extra ``pydantic``: ``pip install 'turnbuckle[pydantic]'``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Any, Final, Literal, Union, final, get_args, get_origin

import pydantic
import pydantic_core

from turnbuckle import Fault, Plugin, PluginInfo, SchemaError, SchemaProvider, Setup

__all__ = ["PydanticModelsPlugin"]

_REASONS: Final = {"missing": "missing", "extra_forbidden": "unknown field", "union_tag_invalid": "unknown tag"}

# Their messages have constraints, and no values.
_KINDS_OF_PYDANTIC: Final = set(get_args(pydantic_core.core_schema.ErrorType)) - {"value_error", "assertion_error"}


@final
class PydanticModelsPlugin(Plugin):
    """Provide the schemas of the models of pydantic."""

    info = PluginInfo(name="pydantic_models")

    def provide_schemas(self, setup: Setup) -> Iterable[SchemaProvider]:
        """Return the provider of models."""
        models = _Models()
        return [
            SchemaProvider("pydantic", _is_model, load=models.load, dump=models.dump, json_schema=models.json_schema)
        ]


def _is_model(annotation: Any) -> bool:
    """Return whether pydantic has the schema: of a model, or of a union of models."""
    if get_origin(annotation) in {Union, UnionType}:
        members = [member for member in get_args(annotation) if member is not type(None)]
        return len(members) > 1 and all(map(_is_model, members))
    return isinstance(annotation, type) and hasattr(annotation, "__pydantic_validator__")


@final
class _Models:
    """The models of one app, each with its adapter, which pydantic takes long to build."""

    def __init__(self) -> None:
        self._adapters: Final[dict[object, pydantic.TypeAdapter[Any]]] = {}

    def _adapter(self, annotation: Any) -> pydantic.TypeAdapter[Any]:
        if annotation not in self._adapters:
            self._adapters[annotation] = pydantic.TypeAdapter(annotation)
        return self._adapters[annotation]

    def load(self, annotation: Any, value: object) -> object:
        """Return the model of a value of JSON's own types.

        Raises:
            SchemaError: pydantic refuses it.
        """
        adapter = self._adapter(annotation)
        try:
            return adapter.validate_python(value)
        except pydantic.ValidationError:
            pass
        try:
            # A strict model accepts the text of a date only in JSON.
            return adapter.validate_json(json.dumps(value))
        except pydantic.ValidationError as error:
            raise SchemaError(_faults(error, value)) from None

    def dump(self, annotation: Any, value: object) -> object:
        """Return a model in JSON's own types, by the declared class.

        Raises:
            SchemaError: the value is no instance of the class, or its fields do not fit.
        """
        classes = tuple(_classes(annotation))
        if not isinstance(value, classes):
            expected = " | ".join(kind.__name__ for kind in classes)
            raise SchemaError([Fault("", f"expected {expected}, got {type(value).__name__}")])
        try:
            return self._adapter(annotation).dump_python(value, mode="json", by_alias=True, warnings="error")
        except (pydantic_core.PydanticSerializationError, ValueError):
            raise SchemaError([Fault("", "has fields that do not fit their types")]) from None

    def json_schema(self, annotation: Any, mode: Literal["in", "out"]) -> dict[str, object]:
        """Return the JSON Schema of a model."""
        direction: Literal["validation", "serialization"] = "validation" if mode == "in" else "serialization"
        return self._adapter(annotation).json_schema(mode=direction)


def _classes(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for member in get_args(annotation):
        if not isinstance(annotation, type):
            yield from _classes(member)


def _faults(error: pydantic.ValidationError, value: object) -> Iterator[Fault]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        kind = found["type"]
        reason = _REASONS.get(kind) or found["msg"].removeprefix("Value error, ")
        if kind not in _KINDS_OF_PYDANTIC and any(text in reason for text in _texts(value)):
            # The code of the app has put a value into its message.
            reason = "is not valid"
        yield Fault(_pointer(found["loc"], value, is_missing=kind == "missing"), reason[:1].lower() + reason[1:])


def _texts(value: object) -> Iterator[str]:
    """Yield the texts and numbers in a value that are long enough to be recognized in a message."""
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _texts(member)
    elif isinstance(value, str | int | float) and len(str(value)) > 2:
        yield str(value)


def _pointer(location: tuple[int | str, ...], value: Any, *, is_missing: bool) -> str:
    """Return the JSON pointer for a location of pydantic, which has names of types between the names of fields."""
    pointer = ""
    for place, step in enumerate(location):
        is_last = place == len(location) - 1
        is_name = isinstance(value, dict) and step in value
        is_index = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if is_name or is_index:
            value = value[step]
        elif not (is_last and is_missing):
            continue
        pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
    return pointer
