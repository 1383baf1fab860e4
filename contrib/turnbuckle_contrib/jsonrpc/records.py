"""The settings of the plugin, the errors of JSON-RPC 2.0, and the parts of a call.

Source: JSON-RPC 2.0 Specification, sections 4 and 5.1.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

from turnbuckle import JSON, HTTPError, reason_phrase

__all__ = [
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "Call",
    "CallId",
    "JSONRPCConfig",
    "RPCError",
    "error_content",
    "invalid_request",
    "parse_call",
    "result_content",
    "standard_error",
]

CallId: TypeAlias = str | int | float | None

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
_SERVER_ERROR: Final = -32000
_RESERVED: Final = range(-32768, -31999)
_SERVER_ERRORS: Final = range(-32099, -31999)
_MESSAGES: Final = {
    PARSE_ERROR: "Parse error",
    INVALID_REQUEST: "Invalid Request",
    METHOD_NOT_FOUND: "Method not found",
    INVALID_PARAMS: "Invalid params",
    INTERNAL_ERROR: "Internal error",
}


@attrs.frozen(kw_only=True)
class JSONRPCConfig:
    """Settings of the plugin.

    Attributes:
        path: path of the route if the plugin is enabled for the whole app; in a scope, the prefix is the path.
        max_batch: the number of calls in a batch; more are refused.
        concurrency: the number of calls of a batch that run at a time.
        discover: whether the method ``rpc.discover`` describes all methods as an OpenRPC document.
    """

    path: str = attrs.field(default="/rpc", validator=attrs.validators.matches_re(r"(?:/[^{}?#/]+)+"))
    max_batch: int = attrs.field(default=50, validator=attrs.validators.ge(0))
    concurrency: int = attrs.field(default=8, validator=attrs.validators.ge(1))
    discover: bool = False


class RPCError(Exception):
    """An error that a method answers a call with.

    Args:
        code: a number of the application, or from -32099 to -32000.
        message: a short sentence for the client.
        data: further facts for the client; any value that JSON can express.

    Raises:
        ValueError: the code is reserved.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        if code in _RESERVED and code not in _SERVER_ERRORS and code not in _MESSAGES:
            raise ValueError(f"code {code} is reserved by JSON-RPC; use -32099 to -32000, or a code above -32000")
        super().__init__(code, message)
        self.code: Final = code
        self.message: Final = message
        self.data: Final = data

    @classmethod
    def of_http(cls, error: HTTPError) -> RPCError:
        """Return the error for an exception such as ``NotFound``, which a method may raise as a handler does."""
        message = str(error.detail or reason_phrase(error.status))
        return cls(_SERVER_ERROR, message, {"status": error.status})


@attrs.frozen
class Call:
    """One call.

    Attributes:
        method: name of the method.
        params: its parameters, by position or by name.
        call_id: the id that the response repeats.
        is_notification: whether there is no response.
    """

    method: str
    params: list[object] | dict[str, object]
    call_id: CallId
    is_notification: bool


def parse_call(value: object) -> Call | tuple[CallId, str]:
    """Return the call that a JSON value is, or the id and the reason why it is none."""
    if not isinstance(value, dict):
        return None, "a call is an object"
    call_id: object = value.get("id")
    # Booleans are numbers in Python only.
    if isinstance(call_id, bool) or not isinstance(call_id, str | int | float | None):
        return None, "id is a string, a number or null"
    if value.get("jsonrpc") != "2.0":
        return call_id, 'jsonrpc is "2.0"'
    method, params = value.get("method"), value.get("params", [])
    if not isinstance(method, str):
        return call_id, "method is a string"
    if not isinstance(params, list | dict):
        return call_id, "params is an array or an object"
    return Call(method, params, call_id, "id" not in value)


def invalid_request(call_id: CallId, reason: str) -> bytes:
    """Return the response to a value that is no call."""
    return error_content(call_id, RPCError(INVALID_REQUEST, _MESSAGES[INVALID_REQUEST], reason))


def standard_error(code: int, data: object = None) -> RPCError:
    """Return an error of the specification with its message."""
    return RPCError(code, _MESSAGES[code], data)


def error_content(call_id: CallId, error: RPCError) -> bytes:
    """Return the response with an error, as JSON.

    Raises:
        TypeError: JSON cannot express its data.
        ValueError: likewise.
    """
    content: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        content["data"] = error.data
    return _body({"jsonrpc": "2.0", "error": content, "id": call_id})


def result_content(call_id: CallId, result: bytes) -> bytes:
    """Return the response with a result that is JSON already."""
    return b'{"jsonrpc":"2.0","result":%b,"id":%b}' % (result, _body(call_id))


def _body(value: object) -> bytes:
    body = JSON(value).body
    if not isinstance(body, bytes):
        raise TypeError("a JSON response has its content in memory (a bug in the core)")
    return body
