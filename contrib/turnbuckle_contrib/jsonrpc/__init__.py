"""JSON-RPC 2.0 over POST: the plugin ``jsonrpc``."""

from turnbuckle_contrib.jsonrpc.plugin import JSONRPCPlugin
from turnbuckle_contrib.jsonrpc.records import JSONRPCConfig, RPCError

__all__ = ["JSONRPCConfig", "JSONRPCPlugin", "RPCError"]
