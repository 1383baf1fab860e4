"""Resolve the further parameters of functions that are not handlers: middleware functions and error handlers.

Their first two arguments are passed by position. They are called before a route is found, or after something failed, so
none of their parameters is a parameter of the path. Middleware reads the content of requests only if it declares so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.plan import PlannedParameter, PlannedSignature, PlannedSupplier
from turnbuckle.records import ErrorHandler, Middleware
from turnbuckle.startup.model.diagnostics import Diagnostics, HandlerFault
from turnbuckle.startup.parameters.declared_suppliers import report_fault
from turnbuckle.startup.parameters.signatures import FunctionContext, SignatureResolver, content_parameters
from turnbuckle.startup.parameters.sockets import socket_fault
from turnbuckle.web.handlers import VARIABLE, describe_handler, handler_signatures

__all__ = ["further_signatures"]

_LEAD: Final = 2


def further_signatures(
    middleware: Iterable[Sourced[Middleware]],
    handlers: Iterable[Sourced[ErrorHandler]],
    signatures: SignatureResolver,
    diagnostics: Diagnostics,
) -> Mapping[int, PlannedSignature]:
    """Return the further parameters of the functions of a scope that have some, by the ``id`` of the function.

    Args:
        middleware: the middleware of the scope.
        handlers: the error handlers in effect.
        signatures: finds the suppliers of parameters.
        diagnostics: where parameters are reported that nothing supplies.
    """
    found: dict[int, PlannedSignature] = {}
    for link in middleware:
        function = getattr(link.record.factory, "function", None)
        if function is not None and _has_further(function):
            found[id(function)] = signature = _resolved(function, link.origin, signatures, diagnostics)
            _check_sockets("middleware", function, Sourced(signature, link.origin), diagnostics)
            if not link.record.reads_body:
                _check_content("middleware", function, Sourced(signature, link.origin), diagnostics)
    for entry in handlers:
        if _has_further(entry.record.handler):
            function = entry.record.handler
            found[id(function)] = signature = _resolved(function, entry.origin, signatures, diagnostics)
            _check_sockets("error handler", function, Sourced(signature, entry.origin), diagnostics)
            _check_content("error handler", function, Sourced(signature, entry.origin), diagnostics)
    return found


def _has_further(function: Callable[..., Any]) -> bool:
    """Return whether a function has annotated parameters after the first two."""
    try:
        called = [parameter for parameter in handler_signatures(function)[0] if parameter.kind not in VARIABLE]
    except ValueError:
        return False
    return any(parameter.annotation is not parameter.empty for parameter in called[_LEAD:])


def _resolved(
    function: Callable[..., Any], origin: Origin, signatures: SignatureResolver, diagnostics: Diagnostics
) -> PlannedSignature:
    resolved = signatures.resolve(function, FunctionContext(lead=_LEAD))
    for fault in resolved.faults:
        report_fault(fault, origin, diagnostics)
    for parameter in resolved.unfilled:
        fault = HandlerFault(
            f"{describe_handler(function)} takes {parameter.name!r} without an annotation",
            "the annotation of a parameter decides its supplier",
            f"write its type, such as '{parameter.name}: str'",
            code="TB612",
        )
        report_fault(fault, origin, diagnostics)
    return resolved.signature


def _check_sockets(noun: str, function: object, signature: Sourced[PlannedSignature], diagnostics: Diagnostics) -> None:
    """Report a parameter that is a WebSocket, for the function itself or for a supplier."""
    fault = socket_fault(noun, function, signature.record, "take it in the handler; the request has its fields")
    if fault is not None:
        report_fault(fault, signature.origin, diagnostics)


def _check_content(noun: str, function: object, signature: Sourced[PlannedSignature], diagnostics: Diagnostics) -> None:
    """Report a parameter that is read from the content, for the function itself or for a supplier."""
    for parameter, supplier in content_parameters(signature.record):
        report_fault(_content_fault(noun, function, parameter, supplier), signature.origin, diagnostics)
        return


def _content_fault(
    noun: str, function: object, parameter: PlannedParameter, supplier: PlannedSupplier | None
) -> HandlerFault:
    is_middleware = noun == "middleware"
    needs = "" if supplier is None else f"needs the supplier {supplier.name} ({supplier.origin.location}), which "
    return HandlerFault(
        f"{noun} {describe_handler(function)} {needs}takes {parameter.name!r} from the content",
        "middleware runs for all requests, and loads their content only if it declares so"
        if is_middleware
        else "an error handler also answers requests whose content cannot be read",
        "take it in the handler, or decorate the function with @turnbuckle.middleware(reads_body=True)"
        if is_middleware
        else "take it in the handler, or read it with 'await request.json()' where that may fail",
        code="TB624",
    )
