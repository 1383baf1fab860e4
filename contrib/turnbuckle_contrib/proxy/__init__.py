"""Pass requests on to other servers: the plugin ``proxy``."""

from turnbuckle_contrib.proxy.config import ProxyConfig
from turnbuckle_contrib.proxy.plugin import ProxyPlugin

__all__ = ["ProxyConfig", "ProxyPlugin"]
