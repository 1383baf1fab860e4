"""The plugin: one route for each prefix, and the URLs of files with their versions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, final

from turnbuckle import Diagnostic, Plan, Plugin, PluginInfo, Request, Route, RouteDocs, Setup
from turnbuckle_contrib.static.config import StaticConfig, folder_of
from turnbuckle_contrib.static.site import StaticSite
from turnbuckle_contrib.static.store import FileStore

__all__ = ["StaticPlugin", "static_url"]

_HIDDEN: Final = RouteDocs(in_schema=False)
_DEFAULT: Final = StaticConfig().folders


@final
class StaticPlugin(Plugin[StaticConfig]):
    """Serve the files of folders below a prefix.

    ``app.install(StaticPlugin(FOLDER), at="/static")`` serves them below ``/static``. The URL of a file is
    ``static_url(request, "app.css")``, and ``static_url("app.css")`` in templates.

    Args:
        folders: folders, or ``"package:folder"``; they replace the default of the settings, and precede other folders
            there.
    """

    info = PluginInfo(name="static")

    def __init__(self, *folders: str | os.PathLike[str]) -> None:
        self._folders: Final = folders

    def provide_routes(self, setup: Setup[StaticConfig]) -> list[Route]:
        """Return a route for each prefix.

        Raises:
            ValueError: a folder does not exist.
        """
        config = setup.config
        configured = (config.folders,) if isinstance(config.folders, str) else config.folders
        # The default is for apps that name no folder.
        replaces = bool(self._folders) and config.folders == _DEFAULT
        prefix = "" if setup.is_scoped else config.prefix
        routes = []
        if folders := [*self._folders, *(() if replaces else configured)]:
            routes.append(_route(prefix, config.name, folders, setup))
        for mounted, folder in config.mounts.items():
            routes.append(_route(prefix + mounted if setup.is_scoped else mounted, mounted[1:], [folder], setup))
        return routes

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Note which files are protected by guards: caches of several users must not store them."""
        for planned, _ in plan.routes():
            site = getattr(planned.route.handler, "__self__", None)
            if isinstance(site, StaticSite) and planned.signature.guards:
                site.is_guarded = True
        return []


def _route(prefix: str, name: str, folders: Sequence[str | os.PathLike[str]], setup: Setup[StaticConfig]) -> Route:
    config = setup.config
    roots = tuple(dict.fromkeys(map(folder_of, folders)))
    site = StaticSite(roots, config, FileStore(config, config.precompressed), setup.debug)
    return Route(
        path=f"{prefix}/{{path:path}}", handler=site.serve, name=name, url_query=site.version_query, docs=_HIDDEN
    )


def static_url(request: Request, path: str, name: str = "static") -> str:
    """Return the URL of a file, with its version: it may be cached until the content of the file changes.

    Args:
        request: the request that the URL is for.
        path: the path of the file in its folder.
        name: name of the route, if it has another one than "static".

    Raises:
        LookupError: there is no such route; or no such file, in debug mode.
    """
    return request.url_for(name, path=path)
