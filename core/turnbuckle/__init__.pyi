from turnbuckle._version import __version__ as __version__
from turnbuckle.app import (
    App as App,
)
from turnbuckle.diagnostics import Diagnostic as Diagnostic, Origin as Origin, ResourceKey as ResourceKey
from turnbuckle.errors import (
    AppFrozen as AppFrozen,
    BackgroundTaskError as BackgroundTaskError,
    BadRequest as BadRequest,
    Conflict as Conflict,
    ConnectionLost as ConnectionLost,
    ContentTooLarge as ContentTooLarge,
    Forbidden as Forbidden,
    Gone as Gone,
    HTTPError as HTTPError,
    InputFault as InputFault,
    InternalServerError as InternalServerError,
    InvalidInput as InvalidInput,
    LifespanError as LifespanError,
    ListenError as ListenError,
    MethodNotAllowed as MethodNotAllowed,
    MissingKey as MissingKey,
    NotAcceptable as NotAcceptable,
    NotFound as NotFound,
    NotModified as NotModified,
    PreconditionFailed as PreconditionFailed,
    Problem as Problem,
    ProtocolError as ProtocolError,
    ResourceUnavailable as ResourceUnavailable,
    RouteConflict as RouteConflict,
    RouteError as RouteError,
    ServiceUnavailable as ServiceUnavailable,
    SettingRefused as SettingRefused,
    StartupError as StartupError,
    TLSError as TLSError,
    TooManyRequests as TooManyRequests,
    TurnbuckleError as TurnbuckleError,
    Unauthorized as Unauthorized,
    UnprocessableContent as UnprocessableContent,
    UnsupportedMediaType as UnsupportedMediaType,
)
from turnbuckle.hookspecs import hookimpl as hookimpl, hookspec as hookspec
from turnbuckle.http.encoded_fields import (
    may_be_secret as may_be_secret,
)
from turnbuckle.http.events import (
    NEED_DATA as NEED_DATA,
    Data as Data,
    EndOfMessage as EndOfMessage,
    Event as Event,
    NeedData as NeedData,
    Parser as Parser,
    ParserFactory as ParserFactory,
    RawFields as RawFields,
    RequestHead as RequestHead,
)
from turnbuckle.http.framing import (
    FRAMING_FIELDS as FRAMING_FIELDS,
)
from turnbuckle.http.limits import (
    Limits as Limits,
)
from turnbuckle.http.parser import (
    H1Parser as H1Parser,
    H1ParserFactory as H1ParserFactory,
)
from turnbuckle.http.status import (
    reason_phrase as reason_phrase,
)
from turnbuckle.plan import (
    Plan as Plan,
    PlannedParameter as PlannedParameter,
    PlannedResult as PlannedResult,
    PlannedRoute as PlannedRoute,
    PlannedScope as PlannedScope,
    PlannedSignature as PlannedSignature,
    PlannedSupplier as PlannedSupplier,
)
from turnbuckle.plugin import Plugin as Plugin, PluginInfo as PluginInfo
from turnbuckle.records import (
    Component as Component,
    ErrorHandler as ErrorHandler,
    Lifespan as Lifespan,
    MarkedParameter as MarkedParameter,
    Middleware as Middleware,
    MiddlewareChain as MiddlewareChain,
    Mount as Mount,
    MountedApp as MountedApp,
    MountProvider as MountProvider,
    ParameterProvider as ParameterProvider,
    ParserProvider as ParserProvider,
    ProtocolProvider as ProtocolProvider,
    ResponseType as ResponseType,
    RouterProvider as RouterProvider,
    Zone as Zone,
    middleware as middleware,
)
from turnbuckle.routing.converters import (
    CONVERTERS as CONVERTERS,
    Converter as Converter,
    ConverterFactory as ConverterFactory,
)
from turnbuckle.routing.escapes import (
    decode_path as decode_path,
)
from turnbuckle.routing.methods import (
    allowed_methods as allowed_methods,
    check_methods as check_methods,
)
from turnbuckle.routing.patterns import (
    Pattern as Pattern,
    parse_pattern as parse_pattern,
)
from turnbuckle.routing.records import (
    Match as Match,
    Route as Route,
    RouteDocs as RouteDocs,
    Router as Router,
)
from turnbuckle.routing.segments import (
    Segment as Segment,
)
from turnbuckle.routing.slashes import (
    SlashRedirect as SlashRedirect,
)
from turnbuckle.routing.tree import (
    TreeRouter as TreeRouter,
)
from turnbuckle.routing.unreachable import (
    UnreachableRoute as UnreachableRoute,
    unreachable_routes as unreachable_routes,
)
from turnbuckle.routing.urls import (
    build_path as build_path,
)
from turnbuckle.schema.definitions import Definitions as Definitions
from turnbuckle.schema.faults import (
    Fault as Fault,
    NotJSON as NotJSON,
    SchemaError as SchemaError,
    UnsupportedType as UnsupportedType,
)
from turnbuckle.schema.nodes.provided import SchemaProvider as SchemaProvider
from turnbuckle.schema.schema import Schema as Schema, compile_schema as compile_schema
from turnbuckle.scope import Scope as Scope
from turnbuckle.server.listen.proxied_connection import (
    ProxySettings as ProxySettings,
)
from turnbuckle.server.logs.setup import configured_logging as configured_logging
from turnbuckle.server.model.application import (
    Application as Application,
    BackgroundFunction as BackgroundFunction,
    OnFailure as OnFailure,
)
from turnbuckle.server.model.capacity import Capacity as Capacity
from turnbuckle.server.model.clock import Clock as Clock, SystemClock as SystemClock, Timer as Timer
from turnbuckle.server.model.monitor import ResponseEnd as ResponseEnd, ServerFigures as ServerFigures
from turnbuckle.server.model.timeouts import (
    Timeouts as Timeouts,
)
from turnbuckle.server.run.hosted import HostedApplication as HostedApplication
from turnbuckle.server.run.server import (
    HTTPServer as HTTPServer,
)
from turnbuckle.server.streams.channel import StreamChannel as StreamChannel
from turnbuckle.server.streams.link import ProtocolLink as ProtocolLink
from turnbuckle.server.streams.run import StreamRun as StreamRun
from turnbuckle.server.tls.context import (
    TLS as TLS,
)
from turnbuckle.settings import (
    Settings as Settings,
)
from turnbuckle.setup import (
    Setup as Setup,
)
from turnbuckle.startup.collect.interfaces import AppInterface as AppInterface, interface_of as interface_of
from turnbuckle.startup.model.sources import (
    SettingsSources as SettingsSources,
)
from turnbuckle.startup.report.plan_json import (
    plan_as_json as plan_as_json,
)
from turnbuckle.web.content.codecs import Codec as Codec
from turnbuckle.web.content.forms import FormData as FormData, FormLimits as FormLimits
from turnbuckle.web.content.json import (
    STANDARD_JSON as STANDARD_JSON,
    JSONCodec as JSONCodec,
)
from turnbuckle.web.content.transform import ContentTransform as ContentTransform
from turnbuckle.web.content.uploads import UploadedFile as UploadedFile
from turnbuckle.web.headers import (
    FixedHeaders as FixedHeaders,
    Headers as Headers,
    MutableHeaders as MutableHeaders,
)
from turnbuckle.web.media_type import MediaType as MediaType
from turnbuckle.web.multidict import QueryParams as QueryParams
from turnbuckle.web.parameters.markers import (
    Body as Body,
    Cookie as Cookie,
    Form as Form,
    Header as Header,
    Query as Query,
    Upload as Upload,
)
from turnbuckle.web.peer import LazyEvent as LazyEvent, Peer as Peer
from turnbuckle.web.request.request import (
    Request as Request,
)
from turnbuckle.web.request.request_id import (
    RequestIdFilter as RequestIdFilter,
    current_request_id as current_request_id,
)
from turnbuckle.web.request.session import Flash as Flash, Session as Session
from turnbuckle.web.request.state import State as State
from turnbuckle.web.response.cookies import SameSite as SameSite, SetCookie as SetCookie
from turnbuckle.web.response.file import File as File
from turnbuckle.web.response.file_body import FileBody as FileBody
from turnbuckle.web.response.response import (
    HTML as HTML,
    JSON as JSON,
    Redirect as Redirect,
    Response as Response,
    Stream as Stream,
    Text as Text,
)
from turnbuckle.web.response.upgrade import (
    SwitchedEnd as SwitchedEnd,
    SwitchProtocols as SwitchProtocols,
)
from turnbuckle.web.streams.event_stream import SSE as SSE
from turnbuckle.web.streams.item_streams import CSV as CSV, NDJSON as NDJSON
from turnbuckle.web.streams.server_sent_events import ServerSentEvent as ServerSentEvent
from turnbuckle.web.streams.sweep import Sweep as Sweep, Swept as Swept
from turnbuckle.web.tls import (
    ClientCertificate as ClientCertificate,
    TLSInfo as TLSInfo,
)
from turnbuckle.web.trusted_addresses import (
    TrustedAddresses as TrustedAddresses,
    canonical_address as canonical_address,
)
from turnbuckle.web.types import Handler as Handler, MiddlewareFunction as MiddlewareFunction
from turnbuckle.web.websocket.accept import AcceptWebSocket as AcceptWebSocket
from turnbuckle.web.websocket.channel import MessageChannel as MessageChannel, WebSocketClosed as WebSocketClosed
from turnbuckle.web.websocket.options import WebSocketOptions as WebSocketOptions, is_same_origin as is_same_origin
from turnbuckle.web.websocket.socket import WebSocket as WebSocket
