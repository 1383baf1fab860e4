"""The plugin: it builds the document when the plan is reviewed, and serves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, final

from turnbuckle import (
    Component,
    Diagnostic,
    Plan,
    PlannedScope,
    Plugin,
    PluginInfo,
    Route,
    Setup,
    hookspec,
)
from turnbuckle_contrib.openapi.page import Site, assets_folder
from turnbuckle_contrib.openapi.records import Amend, JSONObject, OpenAPIConfig, SecurityScheme

__all__ = ["OpenAPIHooks", "OpenAPIPlugin"]


class OpenAPIHooks:
    """The hooks of this plugin, for other plugins. Mark implementations with ``@hookimpl(optionalhook=True)``."""

    @hookspec
    def provide_security_schemes(self, plan: Plan) -> Iterable[SecurityScheme]:
        """Return the ways in which clients prove who they are."""
        return ()

    @hookspec
    def amend_openapi(self, document: JSONObject, plan: Plan) -> Iterable[Mapping[str, object]]:
        """Return merge patches (RFC 7396), which are applied to the document in dependency order."""
        return ()


@final
class OpenAPIPlugin(Plugin[OpenAPIConfig]):
    """Describe the API of the app in OpenAPI 3.1.

    Args:
        security: security schemes, in addition to the schemes that other plugins return.
        amend: function that returns a merge patch for the document.
    """

    info = PluginInfo(name="openapi")
    hookspecs = OpenAPIHooks

    def __init__(self, security: Iterable[SecurityScheme] = (), amend: Amend | None = None) -> None:
        self._security: Final = tuple(security)
        self._amend: Final = amend

    def provide_routes(self, setup: Setup[OpenAPIConfig]) -> list[Route]:
        """Return the routes of the document and the page."""
        return Site(self, setup.config, setup, assets_folder(setup.config)).routes()

    def provide_components(self, setup: Setup[OpenAPIConfig]) -> list[Component]:
        """Return the component ``openapi``, which has the document for the command ``turnbuckle openapi``."""
        return [] if setup.scope else [Component("openapi", "openapi", Site(self, setup.config, setup).component)]

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Build the document of each scope that has this plugin, and report the parts that are missing."""
        # Imported here, so that the import of the plugin is cheap.
        from turnbuckle_contrib.openapi.review import build

        found: list[Diagnostic] = []
        documents: dict[str, JSONObject] = {}
        for site, scope in _sites(plan):
            # Sites of another instance of the plugin are reviewed with it.
            if site.setup is None or site.owner is not self:
                continue
            if scope.prefix not in documents:
                documents[scope.prefix] = build(plan, site.setup, self._security, self._amend, found)
            site.publish(documents[scope.prefix])
        return found


def _sites(plan: Plan) -> Iterator[tuple[Site, PlannedScope]]:
    component = plan.components.get("openapi")
    factory = component.provider.factory if component is not None else None
    handlers = [(factory, plan.root), *((planned.route.handler, scope) for planned, scope in plan.routes())]
    for handler, scope in handlers:
        site = getattr(handler, "__self__", None)
        if isinstance(site, Site):
            yield site, scope
