"""The plugin: a route for all paths below a prefix, and a lifespan with the client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, final

from turnbuckle import Lifespan, Plugin, PluginInfo, Request, ResourceKey, Response, Route, RouteDocs, Setup, WebSocket
from turnbuckle_contrib.proxy.config import ProxyConfig
from turnbuckle_contrib.proxy.upstreams import Upstream, Upstreams

if TYPE_CHECKING:
    import aiohttp

    from turnbuckle_contrib.proxy.forward import Forwarder

__all__ = ["ProxyPlugin"]

_HIDDEN: Final = RouteDocs(in_schema=False)


class _Client:
    """The client of the upstreams, as a resource: its class belongs to a package that is not always installed."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session: Final = session


_CLIENT: Final = ResourceKey("proxy", _Client)


@final
class ProxyPlugin(Plugin[ProxyConfig]):
    """Pass requests below a prefix on to other servers.

    Args:
        upstreams: URLs of the servers; they replace the upstreams of the settings.
    """

    info = PluginInfo(name="proxy", after=("websocket",))

    def __init__(self, *upstreams: str) -> None:
        self._upstreams: Final = upstreams

    def provide_lifespans(self, setup: Setup[ProxyConfig]) -> list[Lifespan]:
        """Return the lifespan of the client."""
        name = f"proxy of {setup.scope}" if setup.scope else "proxy"
        return [Lifespan(name, _open_client, provides=_CLIENT)]

    def provide_routes(self, setup: Setup[ProxyConfig]) -> list[Route]:
        """Return the routes.

        Raises:
            ValueError: there is no upstream.
            LookupError: the package ``aiohttp`` is not installed.
        """
        config = setup.config
        urls = self._upstreams or config.upstreams
        if not urls:
            error = ValueError("there is no upstream")
            error.add_note('fix: set plugin.proxy.upstreams, such as ["http://127.0.0.1:9000"]')
            raise error
        # URLs in code are checked like URLs in settings.
        ProxyConfig(upstreams=urls)
        from turnbuckle_contrib.proxy.forward import Forwarder

        prefix = "" if setup.is_scoped else config.prefix
        upstreams = Upstreams([Upstream.of(url) for url in urls], config.fail_seconds)
        endpoint = _Endpoint(Forwarder(config, setup.scope + prefix, upstreams))
        limits = {} if config.max_content is None else {"content": config.max_content}
        routes = [
            Route(
                path=f"{prefix}/{{path:path}}",
                handler=endpoint.answer,
                methods=config.methods,
                streams_body=True,
                streams_response=True,
                limits=limits,
                # The upstream decides about the method, and the content is streamed.
                without=("method_override",),
                docs=_HIDDEN,
            )
        ]
        if config.websockets:
            routes.append(
                Route(path=f"{prefix}/{{path:path}}", handler=endpoint.carry, methods=["WEBSOCKET"], docs=_HIDDEN)
            )
        return routes


class _Endpoint:
    """The handlers of one prefix."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder: Final = forwarder

    async def answer(self, request: Request, path: str) -> Response:
        """Pass on a request."""
        return await self._forwarder.forward(request, request.resource(_CLIENT).session)

    async def carry(self, socket: WebSocket, path: str) -> Response | None:
        """Pass on a WebSocket."""
        from turnbuckle_contrib.proxy.sockets import forward_socket

        return await forward_socket(self._forwarder, socket, socket.request.resource(_CLIENT).session)


@asynccontextmanager
async def _open_client(setup: Setup[ProxyConfig]) -> AsyncIterator[_Client]:
    from turnbuckle_contrib.proxy.forward import make_session

    async with make_session(setup.config) as session:
        yield _Client(session)
