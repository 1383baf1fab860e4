"""Authenticate users: sessions, names with passwords, tokens and keys; guards for routes.

``App(plugins=["sessions", "auth"])`` supplies parameters ``user: User``, which demand a user, and
``user: User | None``, which do not. ``guards=[requires("admin")]`` of an app, scope or route demands roles. A login
page calls ``check_password`` and ``login``.
"""

from __future__ import annotations

from turnbuckle_contrib.auth.auth import AUTH, Auth, current_user, login, logout
from turnbuckle_contrib.auth.config import AuthConfig
from turnbuckle_contrib.auth.guards import requires
from turnbuckle_contrib.auth.passwords import (
    Passwords,
    Verified,
    hash_password,
    password_version,
    verify_password,
)
from turnbuckle_contrib.auth.plugin import AuthHooks, AuthPlugin
from turnbuckle_contrib.auth.records import (
    AuthenticationRequired,
    Claims,
    LoginRequired,
    MissingRole,
    User,
)
from turnbuckle_contrib.auth.redirects import safe_next
from turnbuckle_contrib.auth.schemes import Scheme
from turnbuckle_contrib.auth.sources import Credentials, UserSource
from turnbuckle_contrib.auth.throttle import Throttle

__all__ = [
    "AUTH",
    "Auth",
    "AuthConfig",
    "AuthHooks",
    "AuthPlugin",
    "AuthenticationRequired",
    "Claims",
    "Credentials",
    "LoginRequired",
    "MissingRole",
    "Passwords",
    "Scheme",
    "Throttle",
    "User",
    "UserSource",
    "Verified",
    "current_user",
    "hash_password",
    "login",
    "logout",
    "password_version",
    "requires",
    "safe_next",
    "verify_password",
]
