"""Errors for names that other frameworks use: each error says what the name is called here.

The names are descriptors on the class, and not ``__getattr__``, because a class with ``__getattr__`` has slower
attributes: these cost nothing until such a name is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, final

__all__ = [
    "APP_NAMES",
    "HEADER_NAMES",
    "IMPORTED_NAMES",
    "KEYWORDS",
    "MULTIDICT_NAMES",
    "REQUEST_NAMES",
    "RESPONSE_NAMES",
    "SOCKET_NAMES",
    "SYNC_NAMES",
    "UPLOAD_NAMES",
    "add_foreign_names",
    "foreign_name_message",
    "keyword_hint",
]


def _table(text: str) -> Mapping[str, str]:
    """Return the hint for each name; a line of the text has names, an arrow and their hint."""
    lines = [line.partition(" -> ") for line in text.strip().splitlines()]
    return {name: hint.strip() for names, _, hint in lines for name in names.split()}


REQUEST_NAMES: Final = _table("""
args GET query_string rel_url query_args -> request.query_params has the parameters, request.query the text
values -> request.query_params and (await request.form()) have the parameters
POST forms post -> (await request.form()) has the fields
files FILES -> (await request.form()).files has the uploaded files
data body content raw_body get_data raw_data -> await request.read() returns the content, request.stream() its pieces
get_json json_body is_json -> await request.json() returns the decoded content
media get_media -> await request.decode() returns the content, decoded by its media type
user auth current_user -> request.state.user, once middleware has set it
ctx g context extensions -> request.state has the values that middleware and handlers share
app application -> request.config(cls) returns settings, request.resource(KEY) a resource, request.url_for(name) a path
scope environ META -> request.headers, request.client, request.scheme and request.path have its values
remote_addr remote ip client_ip -> request.client has address and port
COOKIES -> request.cookies
params view_args match_info path_parameters -> request.path_params
mimetype -> request.content_type
charset encoding -> request.media_type.charset
is_secure secure -> request.scheme == 'https'
base_url url_root host_url full_path build_absolute_uri absolute_url -> request.url, or request.url_for(name)
if_match if_none_match if_modified_since if_unmodified_since -> request.check_preconditions(etag=..., last_modified=...)
if_range range http_range -> the server answers ranges of File(path), and of headers={'Accept-Ranges': 'bytes'}
referrer referer -> request.headers.get('referer')
accept accept_mimetypes client_accepts client_prefers get_preferred_type best_match -> request.accepts('text/html', ...)
accept_languages accept_language accepted_languages languages -> request.accepts_language('en', ...)
accept_charsets -> request.accepts_charset('utf-8', ...)
accept_encodings -> request.accepts_encoding('gzip', ...)
respond_to -> request.negotiate({'text/html': function, ...})
user_agent -> request.headers.get('user-agent')
authorization -> request.headers.get('authorization')
endpoint url_rule matched_route -> request.route
header get_header -> request.headers.get(name)
cookie get_cookie -> request.cookies.get(name)
receive -> request.stream() yields the content
send -> return a Response, or an async generator
background background_tasks add_task add_background_task call_on_close -> request.after_response(function, *args)
send_push_promise send_early_hints write_early_hints -> await request.early_hints(links)
""")
SYNC_NAMES: Final = _table("""
body data content raw_body get_data -> request.sync.read() returns the content
get_json json_body -> request.sync.json() returns the decoded content
post POST forms -> request.sync.form() has the fields
files FILES -> request.sync.form().files has the uploaded files
""")
RESPONSE_NAMES: Final = _table("""
status_code code -> response.status
mimetype media_type -> response.content_type
data content text raw_body -> response.body
set_header add_header header append_header -> response.headers.set(name, value), or add
set_data write set_body -> make a Response with the body
cookies -> response.set_cookie(name, value)
unset_cookie del_cookie clear_cookie -> response.delete_cookie(name)
json get_json -> make JSON(value)
set_etag add_etag get_etag -> response.etag(value) sets the ETag, response.headers.get('etag') returns it
make_conditional conditional_response -> the server answers preconditions of responses with an ETag or Last-Modified
range ranges content_range partial -> File(path), or headers={'Accept-Ranges': 'bytes'}; the server answers ranges
background call_on_close on_close -> request.after_response(function, *args)
""")
MULTIDICT_NAMES: Final = _table("""
getlist getall get_all getone getfirst multi_items allitems -> get_list(name) returns all values, items() all pairs
to_dict dict -> dict(mapping.items()) has the last value of each name
""")
HEADER_NAMES: Final = _table("""
getlist getall get_all getone getfirst -> get_list(name) returns all values
append appendlist -> add(name, value)
extend update -> set(name, value) for each of them
""")
UPLOAD_NAMES: Final = _table("""
filename file_name raw_filename client_filename -> file.name
mimetype mime_type type media_type -> file.content_type
stream body raw fp -> file.file is a binary file; await file.read() returns the content
chunks iter_chunked iter_content -> async for piece in file.pieces()
seek tell readline readlines readinto getvalue -> file.file has the methods of files
length content_length -> file.size
save_to store move move_to copy_to -> await file.save(path)
""")
SOCKET_NAMES: Final = _table("""
send_text send_bytes send_str send_message -> await socket.send(message), of str or bytes
recv receive_message get_message -> await socket.receive()
receive_str receive_data -> await socket.receive_text()
iter_text iter_bytes iter_json iter_data -> async for message in socket
scope environ app application -> socket.request has the request
url path method state user host -> socket.request has it, such as socket.request.url
close_code close_reason application_state client_state -> socket.closed, which has code and reason
send_denial_response prepare -> return a Response, or raise Forbidden(), before socket.accept()
""")
APP_NAMES: Final = _table("""
include_router register_blueprint include add_routes blueprint group -> app.scope(prefix) opens a part of the app
register register_plugin add_plugin -> app.install(plugin, at=prefix)
on_event on_startup on_shutdown add_event_handler before_serving after_serving cleanup_ctx -> @app.lifespan
before_request after_request teardown_request before_app_request use add_middlewares -> @app.middleware
errorhandler exception_handler exception add_exception_handler register_error_handler -> @app.error_handler(Exception)
add_url_rule add_api_route add_get add_post add_view api_route all any -> app.add_route(path, handler, methods=[...])
websocket_route ws add_websocket add_api_websocket_route -> @app.websocket(path)
static add_static mount_static -> app.install("static", at="/static", settings={"folders": ...})
config conf -> App(config=cls) declares settings; request.config(cls) and the setup.config of lifespans have them
state extensions g -> a lifespan that provides a resource: request.resource(KEY)
logger log -> logging.getLogger(__name__)
test_client test_cli_runner -> turnbuckle.testing.Client(app)
routes url_map router -> app.plan.routes()
url_path_for reverse url_path -> app.url_for(name)
listen serve start run_app -> app.run(), or 'turnbuckle serve'
dependency_overrides -> Client(app, supply={Type: value}) in tests
depends dependency provide provider injector -> @app.supply above a function that is annotated with the supplied type
trace connect -> app.route(path, methods=['TRACE'])
""")
IMPORTED_NAMES: Final = _table("""
JSONResponse ORJSONResponse UJSONResponse jsonify json_response -> import JSON
HTMLResponse -> import HTML
PlainTextResponse TextResponse -> import Text
RedirectResponse redirect -> import Redirect
FileResponse send_file send_from_directory -> import File
StreamingResponse StreamResponse -> import Stream
EventSourceResponse ServerSentEvents -> import SSE
HTTPException abort -> import HTTPError, or a subclass such as NotFound
RequestValidationError ValidationError -> import InvalidInput
Depends Security Provide Inject -> write the type as annotation, and supply it with @app.supply
BackgroundTasks BackgroundTask -> call request.after_response(function)
APIRouter Blueprint Controller -> open a part of the app with app.scope(prefix)
UploadFile FileStorage -> import UploadedFile
TestClient AsyncTestClient -> write 'from turnbuckle.testing import Client'
FastAPI Starlette Flask Litestar Quart Sanic Falcon Application -> import App
Path PathParam -> a parameter in the path needs no marker
Param Parameter -> import Query, Header or Cookie
render_template Jinja2Templates -> write 'from turnbuckle_plugins.jinja_templates import Template'
WebSocketDisconnect WebSocketException ConnectionClosed -> import WebSocketClosed
""")
KEYWORDS: Final = _table("""
status_code code status_int -> status
content data text html json payload -> body, the first argument
media_type mimetype mime_type -> content_type
httponly -> http_only
samesite -> same_site
max_age_seconds maxage ttl -> max_age
url -> location, the first argument
filename attachment_filename download_name -> download_as
as_attachment -> download_as
inline -> display_as
key -> name
message description reason -> detail
background background_tasks -> request.after_response(function, *args)
""")

_UNEXPECTED: Final = re.compile(r"^([\w.]+)\(\) got an unexpected keyword argument '(\w+)'")

# The classes whose calls have these keywords.
_CALLED: Final = frozenset(
    [
        "Response",
        "Text",
        "HTML",
        "JSON",
        "Redirect",
        "Stream",
        "File",
        "SetCookie",
        "HTTPError",
        "_StatusError",
        "MethodNotAllowed",
        "NotAcceptable",
        "UnsupportedMediaType",
    ]
)


def foreign_name_message(cls: type, name: str, hint: str) -> str:
    """Return the message for a foreign name of a class."""
    return f"{cls.__name__!r} object has no attribute {name!r}; instead: {hint}"


def keyword_hint(error: TypeError) -> str:
    """Return the hint for a call with a keyword of another framework; "" if it is none."""
    found = _UNEXPECTED.match(str(error))
    if found is None or found[1].partition(".")[0] not in _CALLED:
        return ""
    hint = KEYWORDS.get(found[2])
    return f"{found[2]!r} is called {hint} here" if hint is not None else ""


@final
class _ForeignName:
    """An attribute that does not exist here. A subclass may have an attribute of this name."""

    __slots__ = ("_hint", "_name", "_owner")

    def __init__(self, owner: type, name: str, hint: str) -> None:
        self._owner: Final = owner
        self._name: Final = name
        self._hint: Final = hint

    def __get__(self, instance: object, owner: type) -> object:
        values = getattr(instance, "__dict__", {}) if instance is not None else {}
        if self._name in values:
            return values[self._name]
        raise self._error(instance)

    def __set__(self, instance: object, value: object) -> None:
        if not hasattr(instance, "__dict__"):
            raise self._error(instance)
        vars(instance)[self._name] = value

    def _error(self, instance: object) -> AttributeError:
        cls = type(instance) if instance is not None else self._owner
        return AttributeError(foreign_name_message(cls, self._name, self._hint), name=self._name, obj=instance)

    def __delete__(self, instance: object) -> None:
        vars(instance).pop(self._name, None)


def add_foreign_names(cls: type, names: Mapping[str, str]) -> None:
    """Add names that raise ``AttributeError`` with a hint to a class, except for names that it has."""
    for name, hint in names.items():
        if not hasattr(cls, name):
            setattr(cls, name, _ForeignName(cls, name, hint))
