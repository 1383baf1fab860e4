"""Merge the tables of response types and error handlers of a scope with the tables of the scope around it.

A table has one record per type. Which record wins is decided in ``precedence.py``; the winner replaces the record of
the outer scope.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, TypeVar

import attrs

from turnbuckle import errors
from turnbuckle.diagnostics import RejectedCandidate, Sourced
from turnbuckle.records import ErrorHandler, ParameterProvider, ResponseType
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.parameters.declared_suppliers import report_fault, supplied_type_fault
from turnbuckle.startup.plugins.validate import fault_of_handler, fault_of_render, fault_of_type, shown
from turnbuckle.startup.resolve.handler_check import return_fault
from turnbuckle.startup.resolve.precedence import report_duplicates, strongest

__all__ = ["ResponseTables"]

RecordT = TypeVar("RecordT")

# Other frameworks name the status of an error.
_CLASSES: Final = {
    cls.default_status: cls.__name__
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.HTTPError) and cls.__bases__ != (errors.BadRequest, KeyError)
}


@attrs.frozen
class ResponseTables:
    """Merges the tables of one app.

    Attributes:
        builtin: names of the built-in plugins.
        diagnostics: where conflicts and unusable records are reported.
    """

    builtin: Collection[str]
    diagnostics: Diagnostics

    def response_types(
        self, outer: Iterable[Sourced[ResponseType]], own: Iterable[Sourced[ResponseType]]
    ) -> tuple[Sourced[ResponseType], ...]:
        """Return the response types in effect in a scope, one per type.

        Args:
            outer: the response types in effect around the scope.
            own: the response types that the scope and its plugins add.
        """
        usable = [entry for entry in own if self._is_usable_type(entry)]
        return self._merged(outer, usable, lambda record: record.type, ("TB404", "response type for"))

    def error_handlers(
        self, outer: Iterable[Sourced[ErrorHandler]], own: Iterable[Sourced[ErrorHandler]]
    ) -> tuple[Sourced[ErrorHandler], ...]:
        """Return the error handlers in effect in a scope, one per exception class.

        Args:
            outer: the error handlers in effect around the scope.
            own: the error handlers that the scope and its plugins add.
        """
        usable = [entry for entry in own if self._is_usable_handler(entry)]
        return self._merged(outer, usable, lambda record: record.exception, ("TB414", "error handler for"))

    def parameters(
        self, outer: Iterable[Sourced[ParameterProvider]], own: Iterable[Sourced[ParameterProvider]]
    ) -> tuple[Sourced[ParameterProvider], ...]:
        """Return the providers of parameters in effect in a scope, one per type.

        Args:
            outer: the providers in effect around the scope.
            own: the providers that the scope and its plugins add.
        """
        usable = [entry for entry in own if self._is_usable_provider(entry)]
        return self._merged(outer, usable, lambda record: record.type, ("TB610", "parameter provider for"))

    def _is_usable_provider(self, entry: Sourced[ParameterProvider]) -> bool:
        record = entry.record
        fault = ""
        if (record.value is None) == (record.factory is None):
            fault = "it has both a value and a factory" if record.value is not None else "it has no value"
        elif not callable(record.value or record.factory):
            fault = f"{shown(record.value or record.factory)} cannot be called"
        elif record.factory is not None and not isinstance(record.type, type):
            fault = f"{shown(record.type)} is not the class of a marker"
        if fault:
            self.diagnostics.add(
                "TB619",
                f"parameter provider for {_type_name(record.type)} cannot be used: {fault}",
                entry.origin,
                why="a value is supplied by a function, and the parameters of a marker by the functions of its factory",
                fix="write ParameterProvider(Type, function), or ParameterProvider(Marker, factory=function)",
            )
        elif record.value is not None and (wrong := supplied_type_fault(record.type, record.value)):
            report_fault(wrong, entry.origin, self.diagnostics)
            return False
        return not fault

    def check_returns(self, handlers: Iterable[Sourced[ErrorHandler]], types: Iterable[Sourced[ResponseType]]) -> None:
        """Report error handlers whose annotations allow only values without a response.

        Args:
            handlers: the error handlers that a scope and its plugins add.
            types: the response types in effect in the scope.
        """
        renderable = [entry.record.type for entry in types]
        for entry in handlers:
            if fault := return_fault(entry.record.handler, renderable):
                text = f"error handler for {shown(entry.record.exception)}: {fault.text}"
                self.diagnostics.add(fault.code, text, entry.origin, why=fault.why, fix=fault.fix)

    def _merged(
        self,
        outer: Iterable[Sourced[RecordT]],
        own: Iterable[Sourced[RecordT]],
        key: Callable[[RecordT], object],
        conflict: tuple[str, str],
    ) -> tuple[Sourced[RecordT], ...]:
        code, noun = conflict
        merged = {key(entry.record): entry for entry in outer}
        rivals_by_type: dict[object, list[Sourced[RecordT]]] = {}
        for entry in own:
            rivals_by_type.setdefault(key(entry.record), []).append(entry)
        for kind, rivals in rivals_by_type.items():
            winner = self._winner(rivals, code, f"{noun} {_type_name(kind)}")
            beaten = [entry for entry in (*rivals, merged.get(kind)) if entry is not None and entry is not winner]
            name = getattr(kind, "__qualname__", str(kind))
            rejected = tuple(RejectedCandidate(name, entry.origin) for entry in beaten)
            merged[kind] = attrs.evolve(winner, rejected=rejected)
        return tuple(merged.values())

    def _winner(self, rivals: list[Sourced[RecordT]], code: str, what: str) -> Sourced[RecordT]:
        _, best = strongest(rivals, self.builtin)
        report_duplicates(best, lambda record: what, code, "", self.diagnostics)
        return best[0]

    def _is_usable_type(self, entry: Sourced[ResponseType]) -> bool:
        kind: object = entry.record.type
        fault = fault_of_type(kind) or fault_of_render(entry.record)
        why = "a value is turned into a response by its class, with a function that takes the value"
        record, form = f"response type for {shown(kind)}", "takes (value) and returns a Response"
        return self._report_fault(entry, record, fault, key="a class", form=form, why=why)

    def _is_usable_handler(self, entry: Sourced[ErrorHandler]) -> bool:
        kind: object = entry.record.exception
        is_exception = isinstance(kind, type) and issubclass(kind, Exception)
        fault = fault_of_handler(entry.record) if is_exception else f"{shown(kind)} is not an exception class"
        key = _CLASSES.get(kind, "an exception class") if isinstance(kind, int) else "an exception class"
        why = "an exception is answered by its class, with a function that takes the request and the exception"
        if kind in _CLASSES:
            why = f"an exception is answered by its class; {key} is the class of errors with status {kind}"
        record = f"error handler for {shown(kind)}"
        return self._report_fault(entry, record, fault, key=key, form="takes (request, error)", why=why)

    def _report_fault(self, entry: Sourced[Any], record: str, fault: str, *, key: str, form: str, why: str) -> bool:
        if fault:
            self.diagnostics.add(
                "TB504",
                f"{record} cannot be used: {fault}",
                entry.origin,
                why=why,
                fix=f"write it with {key} and a function that {form}",
            )
        return not fault


def _type_name(kind: object) -> str:
    return getattr(kind, "__name__", str(kind))
