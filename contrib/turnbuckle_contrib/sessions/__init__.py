"""Store values of each client from request to request: ``request.session["cart"] = [1, 2]``.

``App(plugins=["sessions"])`` stores them in a signed cookie, which the client can read, but not change. A component
``session_store`` stores them in the server instead, and only a random id in the cookie.
"""

from __future__ import annotations

from turnbuckle_contrib.sessions.config import SessionsConfig
from turnbuckle_contrib.sessions.plugin import SESSION_STORE, SessionsPlugin
from turnbuckle_contrib.sessions.session import SessionTooLarge

__all__ = ["SESSION_STORE", "SessionTooLarge", "SessionsConfig", "SessionsPlugin"]
