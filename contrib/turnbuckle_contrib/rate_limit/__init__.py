"""Limit the rate of requests by client address, user, header field, or a function of the app.

``rules`` has the rules and their spelling, ``keys`` finds the client that a request counts for, ``memory`` and
``redis`` count, and ``plugin`` has the middleware. The fields of the responses are the ones of
draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

from turnbuckle_contrib.rate_limit.plugin import RATE_LIMIT, RateLimitConfig, RateLimitPlugin
from turnbuckle_contrib.rate_limit.rules import Rule

__all__ = ["RATE_LIMIT", "RateLimitConfig", "RateLimitPlugin", "Rule"]
