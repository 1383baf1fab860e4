"""Serve the files of folders and packages: the plugin ``static``."""

from turnbuckle_contrib.static.config import StaticConfig
from turnbuckle_contrib.static.plugin import StaticPlugin, static_url

__all__ = ["StaticConfig", "StaticPlugin", "static_url"]
