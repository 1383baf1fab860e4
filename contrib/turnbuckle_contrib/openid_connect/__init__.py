"""Log users in with an OpenID provider, such as Keycloak, Entra ID or Google (OpenID Connect Core 1.0).

``App(plugins=["sessions", "auth", ("openid_connect", {"issuer": ..., "client_id": ...})])`` sends browsers that need a
user to the provider. The plugin uses the authorization code with PKCE, state and nonce, and checks the ID token. After
the login, the session has the user, as after any other login.
"""

from __future__ import annotations

from turnbuckle_contrib.openid_connect.config import OpenIDConnectConfig
from turnbuckle_contrib.openid_connect.login import UserOfClaims
from turnbuckle_contrib.openid_connect.plugin import OpenIDConnectPlugin

__all__ = ["OpenIDConnectConfig", "OpenIDConnectPlugin", "UserOfClaims"]
