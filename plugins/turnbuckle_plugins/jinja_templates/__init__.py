"""Templates with Jinja: a handler returns ``Template("page.html", ...)``, and the plugin renders it.

``template`` has the values that users write, ``config`` the settings, ``loader`` finds templates, ``environment`` makes
the environment of Jinja, ``rendering`` and ``fragments`` render, and ``checks`` and ``source_names`` find problems at
startup. Templates are code of the app: they are not run in a sandbox, so never make one from input.

Needs the extra ``jinja2``: ``pip install 'turnbuckle[jinja2]'``.
"""

from __future__ import annotations

from turnbuckle_plugins.jinja_templates.config import JinjaTemplatesConfig
from turnbuckle_plugins.jinja_templates.environment import current_request
from turnbuckle_plugins.jinja_templates.plugin import JinjaTemplatesPlugin
from turnbuckle_plugins.jinja_templates.rendering import TEMPLATES, Templates
from turnbuckle_plugins.jinja_templates.template import ContextProcessor, Template, TemplateHooks, TemplateParts

__all__ = [
    "TEMPLATES",
    "ContextProcessor",
    "JinjaTemplatesConfig",
    "JinjaTemplatesPlugin",
    "Template",
    "TemplateHooks",
    "TemplateParts",
    "Templates",
    "current_request",
]
