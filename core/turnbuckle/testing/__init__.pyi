from turnbuckle.testing.client.client import (
    Client as Client,
)
from turnbuckle.testing.client.connection import (
    Connection as Connection,
)
from turnbuckle.testing.client.cookie_jar import (
    CookieJar as CookieJar,
    StoredCookie as StoredCookie,
)
from turnbuckle.testing.client.raw_exchange import (
    RawExchange as RawExchange,
)
from turnbuckle.testing.client.request_encoder import (
    RequestOptions as RequestOptions,
)
from turnbuckle.testing.client.response import (
    BaseResponse as BaseResponse,
    ClientResponse as ClientResponse,
    StreamedResponse as StreamedResponse,
)
from turnbuckle.testing.client.response_reader import (
    IncompleteResponse as IncompleteResponse,
    MalformedResponse as MalformedResponse,
)
from turnbuckle.testing.conformance import (
    LifespanConformance as LifespanConformance,
    MiddlewareConformance as MiddlewareConformance,
    ParserConformance as ParserConformance,
    PluginConformance as PluginConformance,
    ResponseTypeConformance as ResponseTypeConformance,
    RouterConformance as RouterConformance,
)
from turnbuckle.testing.hot_hooks import (
    assert_no_hot_hooks as assert_no_hot_hooks,
)
from turnbuckle.testing.problems import (
    expect_problems as expect_problems,
)
from turnbuckle.testing.project import (
    Finished as Finished,
    Project as Project,
)
from turnbuckle.testing.snapshots import (
    PlanSnapshot as PlanSnapshot,
)
from turnbuckle.testing.transport.activity import (
    ServerFault as ServerFault,
)
from turnbuckle.testing.transport.fake_clock import (
    FakeClock as FakeClock,
)
from turnbuckle.testing.transport.memory_peer import (
    MemoryPeer as MemoryPeer,
)
from turnbuckle.testing.transport.memory_transport import (
    MemoryTransport as MemoryTransport,
)
from turnbuckle.testing.websocket.client_socket import (
    ClientWebSocket as ClientWebSocket,
)
from turnbuckle.testing.websocket.frames import (
    Frame as Frame,
    MalformedFrame as MalformedFrame,
)
from turnbuckle.testing.websocket.handshake import (
    WebSocketRefused as WebSocketRefused,
)
