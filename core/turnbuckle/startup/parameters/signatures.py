"""Find a supplier for each parameter of a function, and for the parameters of the functions that supply them.

The parameters of wrapped functions (``functools.wraps``) count as far as their wrappers pass on all keyword arguments.
A wrapper may fill them itself, so a parameter there that nothing supplies is a warning.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

import attrs

from turnbuckle.diagnostics import Origin, ResourceKey, Sourced
from turnbuckle.plan import PlannedParameter, PlannedSignature, PlannedSupplier
from turnbuckle.records import ParameterProvider
from turnbuckle.routing.converters import Converter
from turnbuckle.schema.schema import SchemaCompiler
from turnbuckle.startup.model.diagnostics import HandlerFault
from turnbuckle.startup.model.locations import location_of
from turnbuckle.startup.parameters.declared import ParameterProblem, read_parameter
from turnbuckle.startup.parameters.path import path_parameter
from turnbuckle.startup.parameters.rules import supply_parameter
from turnbuckle.startup.parameters.sources import binds_a_name, is_named_in_wrapper
from turnbuckle.startup.parameters.suppliers import Suppliers, form_of, result_without_none
from turnbuckle.web.annotations import show_annotation
from turnbuckle.web.handlers import (
    VARIABLE,
    Parameters,
    describe_handler,
    handler_signatures,
    passes_names_on,
    request_parameter,
)

__all__ = ["FunctionContext", "PathParameters", "ResolvedSignature", "SignatureResolver", "is_plain"]

PathParameters = Mapping[str, Converter | None]
"""The parameters of a path and host, each with its converter; None if the converter is not known."""

_EMPTY: Final = inspect.Parameter.empty


@attrs.frozen(kw_only=True)
class FunctionContext:
    """What the caller of a function gives it.

    Attributes:
        path: the parameters of its path; None if they are not known, as in the syntax of another router.
        is_complete: whether the path has no other parameters.
        others: returns the path parameters of all routes of a handler; one route may fill what another does not.
        lead: number of arguments that the caller passes by position, such as ``call_next`` for middleware.
        takes_request: whether the first parameter receives the request, whatever its name is.
        takes_socket: whether a first parameter without annotation receives the WebSocket, or else one named ``socket``.
    """

    path: PathParameters | None = attrs.field(factory=dict)
    is_complete: bool = True
    others: Callable[[], Collection[str]] = frozenset
    lead: int = 0
    takes_request: bool = False
    takes_socket: bool = False


@attrs.frozen(kw_only=True)
class ResolvedSignature:
    """The result of resolving a function.

    Attributes:
        signature: its parameters; those without a supplier are missing.
        faults: the mistakes in its declaration.
        unfilled: required parameters without an annotation that its path does not have.
        behind_wrapper: the same parameters of functions that it wraps.
    """

    signature: PlannedSignature
    faults: tuple[HandlerFault, ...] = ()
    unfilled: tuple[inspect.Parameter, ...] = ()
    behind_wrapper: tuple[inspect.Parameter, ...] = ()


def is_plain(signature: PlannedSignature) -> bool:
    """Return whether a function takes only the request and parameters of the path, as their converters make them."""
    return not signature.guards and all(
        parameter.source == "request" or (parameter.source == "path" and parameter.schema is None)
        for parameter in signature.parameters
    )


@attrs.define(eq=False)
class SignatureResolver:
    """Resolves the functions of one scope.

    Attributes:
        suppliers: the suppliers in the scope.
        schemas: compiles the schemas of the scope.
        keys: the keys of suppliers in all scopes of the app. In different scopes, one function may have different
            suppliers for its own parameters, and then it has different keys.
    """

    suppliers: Suppliers = attrs.field(factory=Suppliers)
    schemas: SchemaCompiler = attrs.field(factory=SchemaCompiler)
    keys: dict[object, int] = attrs.field(factory=dict)
    _known: dict[object, PlannedSupplier] = attrs.field(factory=dict, init=False)
    _route: PathParameters = attrs.field(factory=dict, init=False)
    _path: list[Callable[..., object]] = attrs.field(factory=list, init=False)

    def resolve(
        self,
        function: Callable[..., object],
        context: FunctionContext | None = None,
        signatures: Sequence[Parameters] = (),
    ) -> ResolvedSignature:
        """Return the parameters of a function with their suppliers.

        Args:
            function: the function.
            context: what its caller gives it; by default nothing.
            signatures: the result of ``handler_signatures``, if the caller has it.
        """
        context = context or FunctionContext()
        if context.takes_request or context.takes_socket:
            self._route = context.path or {}
        return _FunctionResolver(self, function, context).resolve(signatures or handler_signatures(function))

    def supplier(
        self, function: Callable[..., object], provider: Sourced[ParameterProvider], key: object
    ) -> PlannedSupplier:
        """Return the supplier for a function.

        Its parameters without a marker may be parameters of the path of the route that is being resolved.

        Args:
            function: supplies the value; its own parameters are resolved.
            provider: its record.
            key: identifies the record in this scope.

        Raises:
            ParameterProblem: its own parameters cannot be supplied, or it needs itself.
        """
        if function in self._path:
            raise _cycle([*self._path[self._path.index(function) :], function])
        path, self._route = self._route, {}
        try:
            supplier = self._known_supplier(function, provider, (key, ()), {})
            open_names = _names_from_query(supplier.signature)
            taken = {name: converter for name, converter in path.items() if name in open_names}
            if taken:
                self._route = taken
                signed = tuple((name, id(converter)) for name, converter in taken.items())
                own = {parameter.name for parameter in supplier.signature.parameters if is_open(parameter)}
                of_path = {name: converter for name, converter in taken.items() if name in own}
                supplier = self._known_supplier(function, provider, (key, signed), of_path)
        finally:
            self._route = path
        return supplier

    def ignore(self, function: Callable[..., object], provider: Sourced[ParameterProvider], key: object) -> None:
        """Resolve a function without its parameters from now on, because its mistakes are reported already.

        See ``supplier`` for the arguments.
        """
        self._known[key, ()] = PlannedSupplier(
            function=function,
            form=form_of(function),
            signature=PlannedSignature(),
            key=key,
            origin=provider.origin,
            name=describe_handler(function),
        )

    def _known_supplier(
        self,
        function: Callable[..., object],
        provider: Sourced[ParameterProvider],
        key: tuple[object, object],
        path: PathParameters,
    ) -> PlannedSupplier:
        if key in self._known:
            return self._known[key]
        self._path.append(function)
        try:
            resolved = self.resolve(function, FunctionContext(path=path))
        finally:
            self._path.pop()
        for fault in (*resolved.faults, *_unfilled_faults(function, resolved.unfilled)):
            origins = () if fault.code == "TB618" else (*fault.origins, provider.origin)
            raise ParameterProblem(attrs.evolve(fault, origins=origins))
        supplier = self._planned_supplier(function, provider, key[0], resolved.signature)
        self._known[key] = supplier
        return supplier

    def _planned_supplier(
        self,
        function: Callable[..., object],
        provider: Sourced[ParameterProvider],
        key: object,
        signature: PlannedSignature,
    ) -> PlannedSupplier:
        record, name, form = provider.record, describe_handler(function), form_of(function)
        parts = (key, id(function), *map(_identity, signature.parameters))
        number = self.keys.setdefault(parts, len(self.keys))
        if record.per == "app":
            for parameter in signature.parameters:
                if not _is_of_app(parameter):
                    raise _of_request(function, parameter, provider.origin)
        return PlannedSupplier(
            function=function,
            form=form,
            signature=signature,
            key=number,
            origin=provider.origin,
            name=name,
            in_thread=form == "context" if record.in_thread is None else record.in_thread,
            shared=ResourceKey(f"{name} ({number})", object) if record.per == "app" else None,
            result=result_without_none(function),
            rejected=provider.rejected,
        )


def content_parameters(
    signature: PlannedSignature, owner: PlannedSupplier | None = None
) -> Iterator[tuple[PlannedParameter, PlannedSupplier | None]]:
    """Yield the parameters of a function, and of its suppliers, that are read from the content.

    Args:
        signature: the parameters of the function.
        owner: the supplier that the function is, if it is one; it is yielded with its own parameters.
    """
    for parameter in signature.parameters:
        if parameter.source in {"body", "form", "file"}:
            yield parameter, owner
        elif isinstance(parameter.given, PlannedSupplier):
            yield from content_parameters(parameter.given.signature, parameter.given)


def is_open(parameter: PlannedParameter) -> bool:
    """Return whether a parameter of a supplier is read from the query, but from the path if that has its name."""
    return parameter.source == "query" and not parameter.is_marked


def _names_from_query(signature: PlannedSignature) -> frozenset[str]:
    """Return the names of the parameters of a function, and of its suppliers, that may be in the path of a route."""
    names: set[str] = set()
    for parameter in signature.parameters:
        if is_open(parameter):
            names.add(parameter.name)
        if isinstance(parameter.given, PlannedSupplier):
            names |= _names_from_query(parameter.given.signature)
    return frozenset(names)


def _identity(parameter: PlannedParameter) -> object:
    """Return the difference that a parameter makes to the value of a supplier in different scopes and routes."""
    if isinstance(parameter.given, PlannedSupplier):
        return parameter.given.key
    return parameter.given, parameter.origin, parameter.source


def _is_of_app(parameter: PlannedParameter) -> bool:
    given = parameter.given
    return isinstance(given, ResourceKey) or (isinstance(given, PlannedSupplier) and given.shared is not None)


def _unfilled_faults(function: object, unfilled: Sequence[inspect.Parameter]) -> Iterator[HandlerFault]:
    for parameter in unfilled:
        yield HandlerFault(
            f"supplier {describe_handler(function)} ({location_of(function)}) takes {parameter.name!r} "
            "without an annotation",
            "the annotation of a parameter decides its supplier",
            f"write its type, such as '{parameter.name}: Request'",
            code="TB612",
        )


def _cycle(path: Sequence[Callable[..., object]]) -> ParameterProblem:
    shown = " -> ".join(f"{describe_handler(function)} ({location_of(function)})" for function in path)
    return ParameterProblem(
        HandlerFault(
            f"suppliers need each other in a cycle: {shown}",
            "each of them needs a value that another one of them supplies, so none can be called first",
            f"remove a parameter from one of them, such as from {describe_handler(path[0])}",
            code="TB618",
        )
    )


def _of_request(function: Callable[..., object], parameter: PlannedParameter, origin: Origin) -> ParameterProblem:
    shown = f"{parameter.name}: {show_annotation(parameter.annotation)}"
    return ParameterProblem(
        HandlerFault(
            f"supplier {describe_handler(function)} makes one value for the app, but takes {shown!r}, "
            f"which a request has ({parameter.supplier})",
            "the value is made when the server starts, and all requests share it",
            'remove per="app" to make a value for each request, or remove the parameter',
            code="TB622",
            origins=(origin,),
        )
    )


@attrs.define(eq=False)
class _FunctionResolver:
    """Resolves one function."""

    resolver: SignatureResolver
    function: Callable[..., object]
    context: FunctionContext
    faults: list[HandlerFault] = attrs.field(factory=list)
    unfilled: list[inspect.Parameter] = attrs.field(factory=list)
    behind_wrapper: list[inspect.Parameter] = attrs.field(factory=list)
    found: dict[str, PlannedParameter] = attrs.field(factory=dict)

    def resolve(self, signatures: Sequence[Parameters]) -> ResolvedSignature:
        path = self.context.path or {}
        taker, for_request = self._request_parameter(signatures)
        for depth, parameters in enumerate(signatures):
            skipped = False
            for number, parameter in enumerate(parameters):
                if depth == 0 and number < self.context.lead:
                    continue
                if parameter is for_request and parameter.kind not in VARIABLE:
                    # Behind it are parameters that are passed by position.
                    in_place = parameter is taker[0] or (depth == 0 and not skipped)
                    self._add(_request(parameter, in_place=in_place), by_name=depth > 0 or skipped)
                elif parameter is for_request and depth == 0:
                    continue
                elif parameter.kind not in VARIABLE and parameter.name not in self.found:
                    planned = self._planned(parameter, depth)
                    if planned is not None:
                        self._add(planned, by_name=depth > 0 or skipped)
                    else:
                        skipped = True
            if not passes_names_on(parameters):
                break
        else:
            self._pass_on(path)
        self._check_content()
        return ResolvedSignature(
            signature=PlannedSignature(parameters=tuple(self.found.values())),
            faults=tuple(self.faults),
            unfilled=tuple(self.unfilled),
            behind_wrapper=tuple(self.behind_wrapper),
        )

    def _request_parameter(self, signatures: Sequence[Parameters]) -> tuple[Parameters, inspect.Parameter | None]:
        if not self.context.takes_request:
            return signatures[0], None
        return request_parameter(signatures, self.context.path or (), self.function)

    def _add(self, planned: PlannedParameter, *, by_name: bool) -> None:
        # The request is the first argument of a wrapper that takes any.
        is_named = by_name and not (planned.source == "request" and not planned.is_keyword and not self.found)
        self.found[planned.name] = attrs.evolve(planned, is_keyword=True) if is_named else planned

    def _planned(self, parameter: inspect.Parameter, depth: int) -> PlannedParameter | None:
        name, context = parameter.name, self.context
        if isinstance(self.function, functools.partial) and name in self.function.keywords:
            return None
        is_passed = name == "request" and (context.takes_request or context.lead)
        if depth > 0 and (is_passed or is_named_in_wrapper(self.function, name)):
            return None
        try:
            if context.path is not None and name in context.path:
                return path_parameter(self.function, parameter, context.path[name], self.resolver.schemas)
            if parameter.annotation is _EMPTY:
                return self._unannotated(parameter, depth)
            if parameter.default is not _EMPTY and name in context.others():
                return None
            declared = read_parameter(self.function, parameter, self.resolver.suppliers.markers)
            planned = supply_parameter(declared, self.resolver.suppliers, self.resolver.supplier, self.resolver.schemas)
        except ParameterProblem as problem:
            fault = problem.fault
            if context.path is None and fault.code == "TB611":
                return _of_path(name)
            self.faults.append(attrs.evolve(fault, level="warning") if depth > 0 else fault)
            return None
        may_be_path = context.path is None or not context.is_complete
        return attrs.evolve(planned, may_be_path=True) if may_be_path and planned.source == "query" else planned

    def _unannotated(self, parameter: inspect.Parameter, depth: int) -> PlannedParameter | None:
        name = parameter.name
        if self.context.takes_socket and self._is_socket(parameter):
            return _socket(parameter)
        if name == "request" and not self.context.takes_request:
            return _request(parameter, in_place=True)
        if parameter.default is _EMPTY:
            if self.context.path is None:
                return _of_path(name)
            (self.unfilled if depth == 0 else self.behind_wrapper).append(parameter)
            return None
        if binds_a_name(self.function, name) or name in self.context.others():
            return None
        read_parameter(self.function, parameter)
        default = parameter.default
        kind = type(default).__name__ if isinstance(default, bool | int | float | str) else "str | None"
        raise ParameterProblem(
            HandlerFault(
                f"handler {describe_handler(self.function)} takes {name!r} without an annotation, "
                "which its path does not give, so it always has its default",
                "the annotation of a parameter decides its supplier",
                f"write '{name}: {kind} = {default!r}' to read it from the query; "
                "to bind a value, use functools.partial",
                code="TB612",
            )
        )

    def _is_socket(self, parameter: inspect.Parameter) -> bool:
        if any(planned.source == "websocket" for planned in self.found.values()):
            return False
        return parameter.name == "socket" or (not self.found and parameter.name != "request")

    def _pass_on(self, path: PathParameters) -> None:
        """Add the parameters of the path that no function names, because the innermost one takes all."""
        for name in path:
            if name not in self.found:
                self.found[name] = attrs.evolve(_of_path(name), is_keyword=True)

    def _check_content(self) -> None:
        bodies = [parameter for parameter in self.found.values() if parameter.source == "body"]
        fields = [parameter for parameter in self.found.values() if parameter.source in {"form", "file"}]
        if len(bodies) < 2 and not (bodies and fields):
            # The suppliers of the others may take the content as well.
            own = PlannedSignature(parameters=tuple(self.found.values()))
            below = [parameter for parameter, _ in content_parameters(own)]
            bodies = [parameter for parameter in below if parameter.source == "body"]
            fields = [parameter for parameter in below if parameter.source != "body"]
            if not (bodies and fields):
                return
        names = " and ".join(repr(parameter.name) for parameter in [*bodies, *fields][:2])
        is_form = bool(fields)
        self.faults.append(
            HandlerFault(
                f"handler {describe_handler(self.function)} takes {names} from the content",
                "a request has one content, which is JSON or a form" if is_form else "a request has one content",
                "write one class with both as attributes"
                if not is_form
                else f"read {bodies[0].name!r} from the form as well, with Form[...]",
                code="TB615",
            )
        )


def _of_path(name: str) -> PlannedParameter:
    return PlannedParameter(name=name, source="path", alias=name, supplier=f"path parameter {name!r}")


def _socket(parameter: inspect.Parameter) -> PlannedParameter:
    is_keyword = parameter.kind is parameter.KEYWORD_ONLY
    return PlannedParameter(name=parameter.name, source="websocket", supplier="the WebSocket", is_keyword=is_keyword)


def _request(parameter: inspect.Parameter, *, in_place: bool) -> PlannedParameter:
    is_keyword = parameter.kind is parameter.KEYWORD_ONLY or not in_place
    return PlannedParameter(name=parameter.name, source="request", supplier="the request", is_keyword=is_keyword)
