"""Header fields that restrict what browsers do with a page, on every response that does not have them yet.

``config`` has the settings, ``policies`` checks and formats the values of fields, and ``plugin`` adds the fields.
"""

from __future__ import annotations

from turnbuckle_contrib.security_headers.config import STRICT_POLICY, SecurityHeadersConfig
from turnbuckle_contrib.security_headers.plugin import SecurityHeadersPlugin

__all__ = ["STRICT_POLICY", "SecurityHeadersConfig", "SecurityHeadersPlugin"]
