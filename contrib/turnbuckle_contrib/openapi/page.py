"""Serve the document, and a page to read and try it: Swagger UI from an installed package or from a folder.

The page loads scripts and styles from this server only, and its content security policy permits nothing else. There is
no inline script: the script that starts Swagger UI is the file ``start.js`` of this plugin.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs

from turnbuckle import File, NotFound, Plugin, Request, Response, Route, RouteDocs, Setup
from turnbuckle_contrib.openapi.records import JSONObject, OpenAPIConfig

__all__ = ["Site", "assets_folder"]

# Where packages keep the files of Swagger UI; the names of their modules, and the folders within.
_PACKAGES: Final = (("swagger_ui", "static"), ("swagger_ui_bundle", "vendor/swagger-ui-5*"))
_SCRIPT: Final = "swagger-ui-bundle.js"
_STYLE: Final = "swagger-ui.css"
_START: Final = Path(__file__).with_name("start.js")
_TYPES: Final[Mapping[str, str]] = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{folder}/swagger-ui.css">
<script src="{folder}/swagger-ui-bundle.js" defer></script>
<script src="{folder}/start.js" defer></script>
</head>
<body>
<div id="swagger-ui" data-document="{document}"></div>
<noscript>This page needs JavaScript; the API is described in <a href="{document}">{document}</a>.</noscript>
</body>
</html>
"""
# React sets styles with the CSSOM, which needs no permission; the images in the style sheet are data URLs.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'{servers}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HIDDEN: Final = RouteDocs(in_schema=False)


def assets_folder(config: OpenAPIConfig) -> Path | None:
    """Return the folder with the files of Swagger UI 5, or None if there is none; no package is imported."""
    if config.assets is not None:
        return config.assets if (config.assets / _SCRIPT).is_file() else None
    for module, pattern in _PACKAGES:
        spec = find_spec(module)
        for location in (spec.submodule_search_locations or ()) if spec is not None else ():
            for folder in sorted(Path(location).glob(pattern)):
                if (folder / _SCRIPT).is_file():
                    return folder
    return None


@attrs.define(eq=False)
class Site:
    """The document of one scope, and the routes that serve it. The review of the plan sets the document.

    Attributes:
        owner: the plugin, which sets the document.
        config: the settings of the plugin.
        setup: asks other plugins; None once the document is set, because nothing is asked after startup.
        folder: folder of Swagger UI; None without it.
        document: the document; empty until it is built.
    """

    owner: Plugin[OpenAPIConfig]
    config: OpenAPIConfig
    setup: Setup[OpenAPIConfig] | None
    folder: Path | None = None
    document: JSONObject = attrs.field(factory=dict)
    _content: bytes = b""

    def publish(self, document: JSONObject) -> None:
        """Set the document that is served."""
        self.document, self.setup = document, None
        self._content = _encode(document)

    def component(self, setup: Setup) -> Site:
        """Return this object: the factory of the component ``openapi``."""
        return self

    def routes(self) -> list[Route]:
        """Return the routes of the document and the page."""
        path, docs = self.config.path, self.config.docs
        if not path:
            return []
        routes = [Route(path=path, handler=self.show_document, docs=_HIDDEN)]
        if docs and self.folder is not None:
            routes.append(Route(path=docs, handler=self.show_page, docs=_HIDDEN))
            routes.append(Route(path=f"{docs}/{{name}}", handler=self.show_asset, docs=_HIDDEN))
        return routes

    async def show_document(self, request: Request) -> Response:
        """Return the document; behind a proxy that strips a prefix, the prefix is its server."""
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        content = self._content
        if request.prefix and not self.config.servers:
            content = _encode({**self.document, "servers": [{"url": request.prefix}]})
        return Response(content, headers=headers, content_type="application/json").etag()

    async def show_page(self, request: Request) -> Response:
        """Return the page."""
        folder = posixpath.basename(self.config.docs)
        page = _PAGE.format(
            title=escape(str(self.document["info"]["title"])),
            folder=escape(folder),
            document=escape(posixpath.relpath(self.config.path, posixpath.dirname(self.config.docs))),
        )
        policy = _POLICY.format(servers="".join(f" {origin}" for origin in _origins(self.config.servers)))
        headers = {**_HEADERS, "Cache-Control": "no-cache", "Content-Security-Policy": policy}
        return Response(page, headers=headers, content_type="text/html; charset=utf-8")

    async def show_asset(self, request: Request, name: str) -> Response:
        """Return a file of Swagger UI, or the script that starts it."""
        if name == _START.name:
            path = _START
        elif name in (_SCRIPT, _STYLE) and self.folder is not None:
            path = self.folder / name
        else:
            raise NotFound
        return File(
            path, headers={**_HEADERS, "Cache-Control": "public, max-age=3600"}, content_type=_TYPES[path.suffix]
        )


def _encode(document: JSONObject) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _origins(servers: Sequence[str]) -> list[str]:
    """Return the origins of absolute URLs, which the page may call."""
    urls = [urlsplit(server) for server in servers]
    return list(dict.fromkeys(f"{url.scheme}://{url.netloc}" for url in urls if url.netloc))
