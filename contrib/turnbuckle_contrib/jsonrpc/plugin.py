"""Answer calls and batches of calls: the plugin and its route."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, final, overload

import attrs

from turnbuckle import (
    BadRequest,
    HTTPError,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Route,
    RouteDocs,
    SchemaError,
    Setup,
)
from turnbuckle_contrib.jsonrpc.methods import Method, compile_method
from turnbuckle_contrib.jsonrpc.openrpc import describe_methods
from turnbuckle_contrib.jsonrpc.records import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    Call,
    JSONRPCConfig,
    RPCError,
    error_content,
    invalid_request,
    parse_call,
    result_content,
    standard_error,
)

__all__ = ["JSONRPCPlugin"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_log: Final = logging.getLogger("turnbuckle.jsonrpc")
_RESERVED: Final = "rpc."
_HEADERS: Final = {"Cache-Control": "no-store"}


@final
class JSONRPCPlugin(Plugin[JSONRPCConfig]):
    """Serve functions as methods of JSON-RPC 2.0.

    The instance has the methods: ``rpc = JSONRPCPlugin()``, ``@rpc.method``, ``app.install(rpc, at="/api")``.
    """

    info = PluginInfo(name="jsonrpc")

    def __init__(self) -> None:
        self._functions: Final[dict[str, Callable[..., Any]]] = {}

    @overload
    def method(self, function: FunctionT, /) -> FunctionT: ...
    @overload
    def method(self, name: str = "", /) -> Callable[[FunctionT], FunctionT]: ...
    def method(self, function: FunctionT | str = "", /) -> FunctionT | Callable[[FunctionT], FunctionT]:
        """Serve the decorated function; ``@rpc.method("notes.add")`` gives it another name than its own.

        Its parameters are decoded by their annotations. A parameter with the type ``Request`` gets the request.
        """
        if isinstance(function, str):
            name = function
            return lambda decorated: self._add(name or decorated.__name__, decorated)
        return self._add(function.__name__, function)

    def add_object(self, prefix: str, thing: object) -> None:
        """Serve the public methods of an object, with a prefix such as ``"notes."``."""
        for name, function in inspect.getmembers(thing, callable):
            if not name.startswith("_"):
                self._add(prefix + name, function)

    def _add(self, name: str, function: FunctionT) -> FunctionT:
        if name.startswith(_RESERVED):
            raise ValueError(f"the name {name!r} is reserved: names of methods must not start with {_RESERVED!r}")
        if name in self._functions:
            raise ValueError(f"there are two methods named {name!r}: {self._functions[name]!r} and {function!r}")
        self._functions[name] = function
        return function

    def provide_routes(self, setup: Setup[JSONRPCConfig]) -> list[Route]:
        """Return the route.

        Raises:
            TypeError: a method cannot be served.
        """
        config = setup.config
        methods = {name: compile_method(name, function) for name, function in self._functions.items()}
        if config.discover:
            document = describe_methods(setup.app_name, methods.values())

            async def discover() -> Mapping[str, object]:
                return document

            methods["rpc.discover"] = compile_method("rpc.discover", discover)
        endpoint = _Endpoint(methods, config)
        # In a scope, the prefix is the path.
        path = "/" if setup.is_scoped else config.path
        return [Route(path=path, methods=["POST"], handler=endpoint.answer, docs=RouteDocs(in_schema=False))]


@attrs.frozen(eq=False)
class _Endpoint:
    """The methods of one route.

    Attributes:
        methods: the methods by name.
        config: the settings.
    """

    methods: Mapping[str, Method]
    config: JSONRPCConfig

    async def answer(self, request: Request) -> Response:
        """Return the response to a call or a batch; 204 if there are only notifications."""
        try:
            value = await request.json()
        except BadRequest:
            return _response(error_content(None, standard_error(PARSE_ERROR)))
        if not isinstance(value, list):
            content = await self._run(request, value)
            return _response(content) if content is not None else Response(b"", 204)
        if not value:
            return _response(invalid_request(None, "a batch has at least one call"))
        if len(value) > self.config.max_batch:
            return _response(invalid_request(None, f"a batch of {len(value)} calls exceeds {self.config.max_batch}"))
        contents = [content for content in await self._run_batch(request, value) if content is not None]
        return _response(b"[%b]" % b",".join(contents)) if contents else Response(b"", 204)

    async def _run_batch(self, request: Request, values: Sequence[object]) -> list[bytes | None]:
        """Return the responses in the order of the calls, which run concurrently."""
        contents: list[bytes | None] = [None] * len(values)
        pending = iter(enumerate(values))

        async def work() -> None:
            for position, value in pending:
                contents[position] = await self._run(request, value)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.config.concurrency, len(values))):
                group.create_task(work())
        return contents

    async def _run(self, request: Request, value: object) -> bytes | None:
        """Return the response to one call, or None for a notification."""
        call = parse_call(value)
        if isinstance(call, tuple):
            return invalid_request(*call)
        try:
            content = result_content(call.call_id, await self._call(request, call))
        except RPCError as error:
            content = self._error_content(call, error)
        return None if call.is_notification else content

    async def _call(self, request: Request, call: Call) -> bytes:
        method = self.methods.get(call.method)
        if method is None:
            raise standard_error(METHOD_NOT_FOUND)
        try:
            arguments = method.arguments(call.params)
        except SchemaError as error:
            faults = [{"pointer": fault.pointer, "reason": fault.reason} for fault in error.faults]
            raise standard_error(INVALID_PARAMS, faults) from error
        try:
            return await method.call(request, arguments)
        except RPCError:
            raise
        except HTTPError as error:
            raise RPCError.of_http(error) from error
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            _log.exception("method %r failed", call.method)
            raise standard_error(INTERNAL_ERROR) from error

    def _error_content(self, call: Call, error: RPCError) -> bytes:
        try:
            return error_content(call.call_id, error)
        except (TypeError, ValueError, RecursionError):
            _log.exception("the error of method %r has data that JSON cannot express", call.method)
            return error_content(call.call_id, RPCError(error.code, error.message))


def _response(content: bytes) -> Response:
    return Response(content, 200, _HEADERS, "application/json")
